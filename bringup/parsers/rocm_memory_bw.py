"""hipBusBandwidth: copies between the memory of a host and of an AMD GPU, for sizes up to 512 MiB.

Small sizes read 0.0000 because the clock is too coarse, which is no failure: judge the large ones.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted

_DEVICE = re.compile(r"Device:(?P<name>\S.{0,80}?) Mem=(?P<memory>[0-9.]{1,9})GB .{1,120}")
_HEAD = re.compile(r"test\s+atts\s+units\s+median\s+mean\s+stddev\s+min\s+max")
_FIGURE = r"[0-9]{1,12}(?:\.[0-9]{1,6})?"
_ROW = re.compile(
    r"(?P<test>[A-Z0-9]{3}_(?:Bandwidth|Time)\w{0,30})\s+\+?(?P<size>[0-9]{1,9})(?P<scale>By|kB|MB)\s+(?P<unit>GB/sec|ms)"
    rf"\s+(?P<median>{_FIGURE})\s+(?P<mean>{_FIGURE})\s+(?P<stddev>{_FIGURE})\s+(?P<min>{_FIGURE})\s+(?P<max>{_FIGURE})",
    re.ASCII,
)
_END = "Note: results marked with (*)"
_SCALE = {"By": 1, "kB": 1 << 10, "MB": 1 << 20}


def bandwidth(to_device: bool, binary: str = "hipBusBandwidth") -> Command:
    """Copies in one direction over all sizes."""
    return Command(
        f"{shlex.quote(binary)} {'--h2d' if to_device else '--d2h'}",
        needs=(binary,),
        timeout_s=300.0,
        alone=True,
        estimate_s=30.0,
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One size of one test; `unit` is GB/sec (10^9) or ms."""

    test: str
    size_bytes: int
    unit: str
    median: float
    mean: float
    stddev: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Report:
    """One run on one GPU."""

    device: str
    rows: tuple[Row, ...]


def parse(text: str) -> Report:
    """The run. A note ends the table; without it the output was cut off."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    device = next((m for line in lines if (m := _DEVICE.fullmatch(line))), None)
    head = next((i for i, line in enumerate(lines) if _HEAD.fullmatch(line)), None)
    end = next((i for i, line in enumerate(lines) if line.startswith(_END)), None)
    if device is None or head is None or end is None:
        raise ParseError(f"hipBusBandwidth: {quoted(text)} is not a whole table")
    rows = tuple(_row(line) for line in lines[head + 1 : end])
    if not rows:
        raise ParseError("hipBusBandwidth measured nothing")
    return Report(device["name"], rows)


def _row(line: str) -> Row:
    match = _ROW.fullmatch(line)
    if match is None:
        raise ParseError(f"hipBusBandwidth: {quoted(line)} is not a row")
    median, mean, stddev, low, high = (
        number(match[key], f"hipBusBandwidth {key}") for key in ("median", "mean", "stddev", "min", "max")
    )
    size = int(match["size"]) * _SCALE[match["scale"]]
    return Row(match["test"], size, match["unit"], median, mean, stddev, low, high)
