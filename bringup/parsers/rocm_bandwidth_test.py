"""rocm-bandwidth-test: copies between CPUs and AMD GPUs of a node.

Device 0 is a CPU. N/A between two GPUs means that one cannot reach the other, which is not 0 GB/s. The diagonal is a
device's own memory. A title is misspelt in version 2.0.
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

UNIDIRECTIONAL, BIDIRECTIONAL, ACCESS, DISTANCE = "unidirectional", "bidirectional", "access", "distance"

_VERSION = re.compile(r"RocmBandwidthTest Version: (?P<version>\S{1,20})")
_DEVICE = re.compile(r"Device: (?P<index>[0-9]{1,3}),\s+(?P<rest>\S.{0,160})")
_BUS = re.compile(
    r"(?:(?P<domain>[0-9a-f]{4}):)?(?P<bus>[0-9a-f]{1,2}):(?P<device>[0-9a-f]{1,2})\.(?P<function>[0-7])"
)
_TITLES = (
    (re.compile(r"(?:Inter-)?Device Access"), ACCESS),
    (re.compile(r"(?:Inter-)?Device Numa Distance"), DISTANCE),
    (re.compile(r"Unidirectional copy peak bandwidth GB/s"), UNIDIRECTIONAL),
    (re.compile(r"Bi?directional copy peak bandwidth GB/s"), BIDIRECTIONAL),
)
_COLUMNS = re.compile(r"D/D(?P<columns>(?:\s+[0-9]{1,3})+)")
_ROW = re.compile(r"(?P<row>[0-9]{1,3})(?P<cells>(?:\s+(?:[0-9.]{1,20}|N/A))+)")


def run(binary: str = "rocm-bandwidth-test") -> Command:
    """Copies between all devices, one way and both ways."""
    return Command(shlex.quote(binary), needs=(binary,), timeout_s=600.0, alone=True, estimate_s=60.0)


@dataclass(frozen=True, slots=True)
class Device:
    """A CPU (without address) or a GPU. `uuid` None: this version does not print it."""

    index: int
    name: str
    address: str | None
    uuid: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `matrices[kind][from, to]`, None where there is no such path."""

    version: str
    devices: tuple[Device, ...]
    matrices: Mapping[str, Mapping[tuple[int, int], float | None]]

    def between_gpus(self, kind: str) -> Mapping[tuple[int, int], float | None]:
        """The cells of two different GPUs."""
        gpus = {device.index for device in self.devices if device.address}
        return {
            (a, b): cell
            for (a, b), cell in self.matrices.get(kind, {}).items()
            if a in gpus and b in gpus and a != b
        }


def parse(text: str) -> Report:
    """The run. Every matrix must have a row for each device, and the bandwidths must be there."""
    version = ""
    devices: list[Device] = []
    matrices: dict[str, dict[tuple[int, int], float | None]] = {}
    kind = ""
    columns: list[int] = []
    for line in (raw.strip() for raw in text.splitlines()):
        if match := _VERSION.fullmatch(line):
            version = match["version"]
        elif match := _DEVICE.fullmatch(line):
            devices.append(_device(int(match["index"]), match["rest"]))
        elif found := next((name for pattern, name in _TITLES if pattern.fullmatch(line)), ""):
            kind, columns = found, []
            matrices[kind] = {}
        elif (match := _COLUMNS.fullmatch(line)) and kind:
            columns = [int(word) for word in match["columns"].split()]
        elif (match := _ROW.fullmatch(line)) and columns:
            cells = match["cells"].split()
            if len(cells) != len(columns):
                raise ParseError(
                    f"rocm-bandwidth-test: {quoted(line)} has {len(cells)} cells, not {len(columns)}"
                )
            row = int(match["row"])
            matrices[kind] |= {(row, to): _cell(cell) for to, cell in zip(columns, cells, strict=True)}
        elif line and columns:
            raise ParseError(f"rocm-bandwidth-test: {quoted(line)} is not a row")
    _check(text, version, devices, matrices)
    return Report(version, tuple(devices), matrices)


def _check(
    text: str,
    version: str,
    devices: list[Device],
    matrices: Mapping[str, Mapping[tuple[int, int], float | None]],
) -> None:
    if not version or not devices or UNIDIRECTIONAL not in matrices:
        raise ParseError(f"rocm-bandwidth-test: no bandwidths in {quoted(text)}")
    pairs = {(a.index, b.index) for a in devices for b in devices}
    for kind, cells in matrices.items():
        if set(cells) != pairs:
            raise ParseError(
                f"rocm-bandwidth-test: the matrix of {kind} does not fit {len(devices)} devices; cut off?"
            )


def _device(index: int, rest: str) -> Device:
    name, *more = [part.strip() for part in rest.split(",  ")]
    bus = _BUS.fullmatch(more[-1]) if more else None
    address = bus and f"{bus['domain'] or '0000'}:{bus['bus']:0>2}:{bus['device']:0>2}.{bus['function']}"
    uuid = next((part for part in more if part.startswith("GPU-")), None)
    return Device(index, name, bdf.normalise(address) if address else None, uuid)


def _cell(text: str) -> float | None:
    return None if text == "N/A" else number(text, "rocm-bandwidth-test")
