"""`nvidia-smi topo -m`: how GPUs and NICs reach each other. Made for people, so read it with care.

The header may carry ANSI codes; NIC columns are named by device, by `NIC0` with a legend below, or cut to
seven characters so that eight columns share one name: columns are therefore told apart by position, and a
column's own name comes from the legend where there is one. Rows of NICs have fewer cells, and a header may
lack NIC columns although NIC rows exist. What path there should be differs between bare metal and virtual
machines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from bringup.commands import Command, steady
from bringup.errors import ParseError
from bringup.parsers.remembered import remembered

TOPOLOGY = steady(Command("nvidia-smi topo -m", timeout_s=30.0, needs=("nvidia-smi",), estimate_s=1.0))

_ANSI = re.compile(r"\x1b\[[0-9;]{0,10}[A-Za-z]")
_GPU = re.compile(r"GPU[0-9]{1,3}")
_PATH = re.compile(r"X|SYS|NODE|PHB|PXB|PIX|NV[0-9]{1,2}")
_NIC_NAME = re.compile(r"(?!X$|GPU)[A-Za-z][\w.-]{1,31}")
_LEGEND = re.compile(r"(NIC[0-9]{1,3}):\s+([\w.-]{1,64})")
_MOST = 512


@lru_cache(maxsize=1024)
def _is_gpu(name: str) -> bool:
    return _GPU.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Row:
    """One device. `paths` are its ways to the devices in the order of `Topology.columns`, "X" being itself.

    `cpus` and `numa` are as printed; None where the table has no such column, or prints N/A.
    """

    name: str
    paths: tuple[str, ...]
    cpus: str | None
    numa: str | None


@dataclass(frozen=True, slots=True)
class Topology:
    """The matrix. A column's name may occur several times (cut NIC names)."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def gpus(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if _is_gpu(row.name))

    @property
    def nics(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not _is_gpu(row.name))

    def nearest_nics(self, gpu: str, kind: str) -> tuple[str, ...]:
        """The NICs that this GPU reaches by this kind of path (PIX, PXB, …), from its row or theirs."""
        row = next((row for row in self.rows if row.name == gpu), None)
        if row is None:
            raise ParseError(f"the topology has no {gpu}")
        cells = zip(self.columns, row.paths, strict=True)
        ways = [(column, path) for column, path in cells if not _is_gpu(column)]
        if not ways:
            at = self.columns.index(gpu)
            ways = [(nic.name, nic.paths[at]) for nic in self.nics]
        return tuple(name for name, path in ways if path == kind)


@remembered
def parse(text: str) -> Topology:
    """The matrix of an answer of TOPOLOGY.

    Raises ParseError if the text is no such table, or a row is cut off.
    """
    lines = [_ANSI.sub("", line).rstrip() for line in text.splitlines()]
    start = next((n for n, line in enumerate(lines) if _is_head(line)), None)
    if start is None:
        raise ParseError(f"nvidia-smi topo printed no table: {text.strip()[:80]!r}")
    legend = {m[1]: m[2] for line in lines if (m := _LEGEND.fullmatch(line.strip()))}
    tabs = "\t" in lines[start]
    names, extra = _header(lines[start], tabs)
    rows: list[Row] = []
    for line in lines[start + 1 :]:
        if not line.strip() or line.strip().lower().startswith("legend") or len(rows) >= _MOST:
            break
        rows.append(_row(line, tabs, names, extra, legend))
    gpus = [name for name in names if _GPU.fullmatch(name)]
    if [row.name for row in rows][: len(gpus)] != gpus:
        raise ParseError("nvidia-smi topo was cut off: a GPU of the header has no row")
    return Topology(tuple(legend.get(name, name) for name in names), tuple(rows))


def _is_head(line: str) -> bool:
    """The head begins with the first GPU that answers: a lost GPU 0 is not listed."""
    first = line.split()[:1]
    return bool(first) and _GPU.fullmatch(first[0]) is not None and "Affinity" in line


def _header(line: str, tabs: bool) -> tuple[list[str], list[str]]:
    """The device columns and the titles of the affinity columns."""
    cells = [c.strip() for c in line.split("\t")] if tabs else re.split(r"\s{2,}", line.strip())
    cells = [c for c in cells if c]
    if len(cells) == 1:
        raise ParseError("nvidia-smi topo: the header's columns cannot be told apart")
    cut = next(n for n, cell in enumerate(cells) if "Affinity" in cell or "NUMA" in cell)
    names = cells[:cut]
    if not all(_GPU.fullmatch(n) or _NIC_NAME.fullmatch(n) for n in names):
        raise ParseError(f"nvidia-smi topo has a column {next(iter(names))[:40]!r}")
    return names, cells[cut:]


def _row(line: str, tabs: bool, names: list[str], extra: list[str], legend: Mapping[str, str]) -> Row:
    cells = [c.strip() for c in line.split("\t")] if tabs else line.split()
    name, rest = cells[0], cells[1:]
    paths = tuple(rest[: len(names)])
    if len(paths) != len(names) or not all(_PATH.fullmatch(p) for p in paths):
        raise ParseError(f"nvidia-smi topo: the row of {name[:20]!r} is not understood or cut off")
    tail = [c for c in rest[len(names) :] if c]
    known = dict(zip(extra, tail, strict=False))
    return Row(
        name=legend.get(name, name),
        paths=paths,
        cpus=_word(known.get("CPU Affinity")),
        numa=_word(known.get("NUMA Affinity")),
    )


def _word(text: str | None) -> str | None:
    return None if text in (None, "", "N/A") else text
