"""TransferBench `p2p`: copies between all CPUs and AMD GPUs of a node, one way and both ways at once.

Names of devices contain a blank ("GPU 00"). The rows of the second matrix come in threes: to the other device, from
it, and the sum. The diagonal is a device's own memory.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted, whole

_VERSION = re.compile(r"TransferBench v(?P<version>[0-9][\w.]{0,15})", re.ASCII)
_BYTES = re.compile(r"Bytes Per Direction (?P<bytes>[0-9]{1,15})")
_TITLE = re.compile(r"(?P<title>Unidirectional|Bidirectional) copy peak bandwidth GB/s\b.*")
_DEVICE = r"(?:CPU|GPU) [0-9]{1,3}"
_HEAD = re.compile(rf"SRC(?:\+EXE)?\\DST(?P<columns>(?:\s+{_DEVICE})+)")
_ROW = re.compile(rf"(?P<row>{_DEVICE})\s+(?P<way>->|<-|<->)(?P<cells>(?:\s+(?:[0-9.]{{1,12}}|N/A))+)")
_KINDS = re.compile(r"(?:[CG]PU->[CG]PU\s*){4}")
_AVERAGES = re.compile(r"Averages \(During\s+(?:UniDir|BiDir)\):(?P<cells>(?:\s+(?:[0-9.]{1,12}|N/A)){4})")


def p2p(binary: str = "TransferBench", size: str = "64M") -> Command:
    """Copies between every two devices."""
    return Command(
        f"{shlex.quote(binary)} p2p {shlex.quote(size)}",
        needs=(binary,),
        timeout_s=900.0,
        alone=True,
        estimate_s=60.0,
    )


@dataclass(frozen=True, slots=True)
class Matrix:
    """One matrix. `cells[way, from, to]` in GB/s, None where there is no such copy; `way` is ->, <- or <->.

    `averages` are by kind, `GPU->GPU`.
    """

    title: str
    devices: tuple[str, ...]
    cells: Mapping[tuple[str, str, str], float | None]
    averages: Mapping[str, float | None]

    def between_gpus(self, way: str = "->") -> Mapping[tuple[str, str], float]:
        """The figures of two different GPUs."""
        return {
            (a, b): cell
            for (own, a, b), cell in self.cells.items()
            if own == way and a != b and cell is not None and a.startswith("GPU") and b.startswith("GPU")
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One run."""

    version: str
    bytes: int | None
    matrices: tuple[Matrix, ...]


@dataclass(slots=True)
class _Open:
    """A matrix that is still being read."""

    title: str
    devices: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    cells: dict[tuple[str, str, str], float | None] = field(default_factory=dict)


def parse(text: str) -> Report:
    """The run. The averages end each matrix; without them it was cut off."""
    version, size = "", None
    matrices: list[Matrix] = []
    block: _Open | None = None
    for line in (raw.strip() for raw in text.splitlines()):
        if match := _VERSION.fullmatch(line):
            version = match["version"]
        elif match := _BYTES.fullmatch(line):
            size = whole(match["bytes"], "TransferBench: bytes")
        elif match := _TITLE.fullmatch(line):
            _finished(block)
            block = _Open(match["title"])
        elif block is not None and (match := _HEAD.fullmatch(line)):
            block.devices = tuple(re.findall(_DEVICE, match["columns"]))
        elif block is not None and (match := _ROW.fullmatch(line)):
            _row(block, match)
        elif block is not None and _KINDS.fullmatch(line):
            block.kinds = tuple(line.split())
        elif block is not None and (match := _AVERAGES.fullmatch(line)):
            matrices.append(_matrix(block, match["cells"].split()))
            block = None
        elif block is not None and line:
            raise ParseError(f"TransferBench: {quoted(line)} is not part of a matrix")
    _finished(block)
    if not version or not matrices:
        raise ParseError(f"TransferBench: no matrix in {quoted(text)}")
    return Report(version, size, tuple(matrices))


def _finished(block: _Open | None) -> None:
    if block is not None:
        raise ParseError(f"TransferBench: the {block.title} matrix has no averages; the output is cut off")


def _row(block: _Open, match: re.Match[str]) -> None:
    cells = match["cells"].split()
    if len(cells) != len(block.devices):
        raise ParseError(f"TransferBench: {match['row']} has {len(cells)} cells, not {len(block.devices)}")
    for to, cell in zip(block.devices, cells, strict=True):
        block.cells[match["way"], match["row"], to] = _cell(cell)


def _matrix(block: _Open, averages: list[str]) -> Matrix:
    ways = {way for way, _, _ in block.cells}
    wanted = {(way, a, b) for way in ways for a in block.devices for b in block.devices}
    if not wanted or set(block.cells) != wanted or len(block.kinds) != len(averages):
        raise ParseError(f"TransferBench: the {block.title} matrix lacks rows")
    kinds = dict(zip(block.kinds, map(_cell, averages), strict=True))
    return Matrix(block.title, block.devices, block.cells, kinds)


def _cell(text: str) -> float | None:
    return None if text == "N/A" else number(text, "TransferBench")
