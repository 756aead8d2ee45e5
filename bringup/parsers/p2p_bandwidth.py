"""p2pBandwidthLatencyTest of the CUDA samples: bandwidth and latency between each two GPUs of a node.

A title says "P2P=Enabled" even where no pair can reach the other: read `peers` first. The diagonal is a GPU's own
memory, not a link. Devices are numbered by CUDA, so they are known by their PCI address.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import number, quoted

_DEVICE = re.compile(
    r"Device: (?P<index>[0-9]{1,3}), (?P<name>.{1,80}?), pciBusID: (?P<bus>[0-9a-f]{1,2}), "
    r"pciDeviceID: (?P<device>[0-9a-f]{1,2}), pciDomainID: ?(?P<domain>[0-9a-f]{1,8})"
)
_PEER = re.compile(r"Device=(?P<a>[0-9]{1,3}) (?P<can>CAN|CANNOT) Access Peer Device=(?P<b>[0-9]{1,3})")
_TITLE = re.compile(
    r"(?P<title>(?:(?:Uni|Bi)directional )?P2P[ =].{1,60}?) Matrix(?: \((?P<unit>GB/s|us)\))?"
)
_COLUMNS = re.compile(r"(?P<side>D\\D|GPU|CPU)(?P<columns>(?:\s+[0-9]{1,3})+)")
_ROW = re.compile(r"(?P<row>[0-9]{1,3})(?P<cells>(?:\s+[0-9.]{1,12})+)")
_FAILED = re.compile(r"(?:Cuda failure|CUDA error|Error|error:).*", re.IGNORECASE)


def run(binary: str = "p2pBandwidthLatencyTest") -> Command:
    """Runs the test over all GPUs of the node."""
    return Command(shlex.quote(binary), needs=(binary,), timeout_s=300.0, alone=True, estimate_s=30.0)


@dataclass(frozen=True, slots=True)
class Device:
    """One GPU by its CUDA number."""

    index: int
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """One matrix. `title` as printed, without the word Matrix; `unit` is GB/s, us, or empty for a yes and no.

    `side` is GPU or CPU for the two halves of a latency matrix, else empty. `cells[from][to]`.
    """

    title: str
    unit: str
    side: str
    cells: tuple[tuple[float, ...], ...]

    @property
    def enabled(self) -> bool:
        return "P2P=Enabled" in self.title

    def between(self) -> tuple[float, ...]:
        """The figures of all pairs, without the diagonal."""
        return tuple(c for i, row in enumerate(self.cells) for j, c in enumerate(row) if i != j)


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `peers` says for each ordered pair whether it can reach the other; empty where it was cut away."""

    devices: tuple[Device, ...]
    peers: Mapping[tuple[int, int], bool]
    matrices: tuple[Matrix, ...]


def parse(text: str) -> Report:
    """The run. Each matrix must be square and whole."""
    devices: list[Device] = []
    peers: dict[tuple[int, int], bool] = {}
    matrices: list[Matrix] = []
    title, side = ("", ""), ""
    rows: list[tuple[float, ...]] = []
    wanted = 0
    for line in (raw.strip() for raw in text.splitlines()):
        if match := _DEVICE.fullmatch(line):
            address = f"{match['domain']:0>4}:{match['bus']:0>2}:{match['device']:0>2}.0"
            devices.append(Device(int(match["index"]), match["name"], bdf.normalise(address)))
        elif match := _PEER.fullmatch(line):
            peers[int(match["a"]), int(match["b"])] = match["can"] == "CAN"
        elif match := _TITLE.fullmatch(line):
            _whole(wanted, title[0])
            title = (match["title"], match["unit"] or "")
        elif (match := _COLUMNS.fullmatch(line)) and title[0]:
            _whole(wanted, title[0])
            wanted, rows = len(match["columns"].split()), []
            side = match["side"] if match["side"] != "D\\D" else ""
        elif wanted:
            rows.append(
                _row(line, len(rows), wanted_columns=len(rows[0]) if rows else wanted, title=title[0])
            )
            wanted -= 1
            if not wanted:
                matrices.append(Matrix(title[0], title[1], side, tuple(rows)))
        elif _FAILED.fullmatch(line):
            raise ParseError(f"p2pBandwidthLatencyTest failed: {quoted(line)}")
    _whole(wanted, title[0])
    if not matrices:
        raise ParseError(f"p2pBandwidthLatencyTest: no matrix in {quoted(text)}")
    return Report(tuple(devices), peers, tuple(matrices))


def _whole(missing_rows: int, title: str) -> None:
    if missing_rows:
        raise ParseError(f"p2pBandwidthLatencyTest: {missing_rows} rows of {quoted(title)} are missing")


def _row(line: str, place: int, wanted_columns: int, title: str) -> tuple[float, ...]:
    match = _ROW.fullmatch(line)
    cells = match["cells"].split() if match else []
    if match is None or int(match["row"]) != place or len(cells) != wanted_columns:
        raise ParseError(f"p2pBandwidthLatencyTest: {quoted(line)} is not row {place} of {quoted(title)}")
    return tuple(number(cell, f"p2pBandwidthLatencyTest {title}") for cell in cells)
