"""The tables of `amd-smi monitor`, `topology` and `xgmi`.

Cells hold a unit (`42 °C`), so they are told apart by runs of blanks, and a row must have as many as its heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.amd_smi import quantity
from bringup.parsers.reading import quoted, whole

MONITOR = Command("amd-smi monitor", needs=("amd-smi",), timeout_s=60.0)
TOPOLOGY = Command("amd-smi topology", needs=("amd-smi",), timeout_s=60.0)
XGMI = Command("amd-smi xgmi", needs=("amd-smi",), timeout_s=60.0)

_GAP = re.compile(r"\s{2,}")
_TITLE = re.compile(r"(?P<title>[A-Z][A-Z -]{2,40}):")
_CUT = re.compile(r"\[.{0,20}truncated\]")
_BDF = re.compile(bdf.PATTERN)
_LINK = re.compile(
    rf"GPU(?P<gpu>[0-9]{{1,3}})\s+(?P<bdf>{bdf.PATTERN})\s+(?P<rate>[0-9.]{{1,9}}|N/A) Gb/s\s+"
    r"(?P<most>[0-9.]{1,9}|N/A) Gb/s\s+(?P<type>\S{1,16})"
)
_TRAFFIC = re.compile(r"(?P<way>Read|Write)(?P<cells>(?:\s+(?:[0-9]{1,20} KB|N/A)){1,64})")
_AMOUNT = re.compile(r"(?P<kb>[0-9]{1,20}) KB|N/A")


@dataclass(frozen=True, slots=True)
class Load:
    """One GPU of `amd-smi monitor`: column -> what stands there, with its unit."""

    gpu: int
    cells: Mapping[str, str]

    def figure(self, column: str, unit: str) -> float | None:
        """The number of a column in this unit; None for N/A. Raises ParseError if there is no such column."""
        if column not in self.cells:
            raise ParseError(f"amd-smi monitor: no column {quoted(column)}")
        return quantity(self.cells[column], unit, f"amd-smi monitor: {column}")


def parse_monitor(text: str) -> tuple[Load, ...]:
    """The GPUs of MONITOR."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _CUT.fullmatch(line.strip())]
    columns = lines[0].split() if lines else []
    if len(columns) < 2 or columns[0] != "GPU" or len(lines) < 2:
        raise ParseError(f"amd-smi monitor: {quoted(text)} has no heading or no row")
    return tuple(_load(line, columns[1:]) for line in lines[1:])


def _load(line: str, columns: list[str]) -> Load:
    gpu, *cells = _GAP.split(line)
    if len(cells) != len(columns):
        raise ParseError(f"amd-smi monitor: {quoted(line)} has {len(cells)} cells, not {len(columns)}")
    return Load(whole(gpu, "amd-smi monitor: GPU"), dict(zip(columns, cells, strict=True)))


# ------------------------------------------------------------------------------------------------ topology


def parse_topology(text: str) -> Mapping[str, Mapping[tuple[str, str], str]]:
    """Each table by its title (`ACCESS TABLE`): the words between two PCI addresses."""
    tables: dict[str, dict[tuple[str, str], str]] = {}
    title = ""
    columns: list[str] = []
    rows = 0
    for line in text.splitlines():
        words = line.split()
        if not words or _CUT.fullmatch(line.strip()):
            continue
        if words == ["Legend:"]:
            break
        if match := _TITLE.fullmatch(line.strip()):
            _square(title, columns, rows)
            title, columns, rows = match["title"], [], 0
            tables[title] = {}
        elif title and not columns and all(_BDF.fullmatch(word) for word in words):
            columns = [bdf.normalise(word) for word in words]
        elif columns and _BDF.fullmatch(words[0]) and len(words) == len(columns) + 1:
            row = bdf.normalise(words[0])
            tables[title] |= {(row, to): word for to, word in zip(columns, words[1:], strict=True)}
            rows += 1
        else:
            raise ParseError(f"amd-smi topology: {quoted(line)} is not known")
    _square(title, columns, rows)
    if not tables:
        raise ParseError(f"amd-smi topology: no table in {quoted(text)}")
    return tables


def _square(title: str, columns: list[str], rows: int) -> None:
    if title and (not columns or rows != len(columns)):
        raise ParseError(f"amd-smi topology: {title} has {rows} rows and {len(columns)} columns")


# ------------------------------------------------------------------------------------------------ xgmi


@dataclass(frozen=True, slots=True)
class Xgmi:
    """The links of one GPU: their rate, and what was read from and written to each GPU in KB, by short address.

    None: not reported; a GPU reports nothing about itself.
    """

    gpu: int
    address: str
    rate_gbps: float | None
    most_gbps: float | None
    type: str
    read_kb: Mapping[str, int | None]
    written_kb: Mapping[str, int | None]


def parse_xgmi(text: str) -> tuple[Xgmi, ...]:
    """The GPUs of XGMI; each has its two rows of traffic."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _CUT.fullmatch(line.strip())]
    place = next((i for i, line in enumerate(lines) if line == "LINK METRIC TABLE:"), None)
    if place is None or len(lines) < place + 5:
        raise ParseError(f"amd-smi xgmi: no table of links in {quoted(text)}")
    peers = [bdf.normalise(word) for word in lines[place + 1].split() if _BDF.fullmatch(word)]
    rows = lines[place + 2 :]
    if not peers or len(rows) % 3:
        raise ParseError(f"amd-smi xgmi: {len(rows)} rows are not three for each GPU; the output is cut off")
    return tuple(_xgmi(rows[i : i + 3], peers) for i in range(0, len(rows), 3))


def _xgmi(rows: list[str], peers: list[str]) -> Xgmi:
    head = _LINK.fullmatch(rows[0])
    if head is None:
        raise ParseError(f"amd-smi xgmi: {quoted(rows[0])} is not known")
    return Xgmi(
        gpu=int(head["gpu"]),
        address=bdf.normalise(head["bdf"]),
        rate_gbps=quantity(head["rate"], "Gb/s", "amd-smi xgmi: bit_rate"),
        most_gbps=quantity(head["most"], "Gb/s", "amd-smi xgmi: max_bandwidth"),
        type=head["type"],
        read_kb=dict(_traffic(rows[1], "Read", peers)),
        written_kb=dict(_traffic(rows[2], "Write", peers)),
    )


def _traffic(row: str, way: str, peers: list[str]) -> Iterator[tuple[str, int | None]]:
    match = _TRAFFIC.fullmatch(row)
    cells = list(_AMOUNT.finditer(match["cells"])) if match else []
    if match is None or match["way"] != way or len(cells) != len(peers):
        raise ParseError(f"amd-smi xgmi: {quoted(row)} is no row of {way}")
    for peer, cell in zip(peers, cells, strict=True):
        yield peer, int(cell["kb"]) if cell["kb"] else None
