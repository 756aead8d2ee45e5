"""`mst status -v` and `mst start`: the vendor tools' own device files, and what belongs to them.

One card can have two device files (configuration cycles and direct access), so cards are counted by PCI address.
"MST PCI module is not loaded" is normal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import quoted

STATUS = Command("mst status -v", needs=("mst",), root=True)
START = Command("mst start", needs=("mst",), root=True, timeout_s=60.0)

_MODULE = re.compile(r"(?P<name>MST PCI(?: configuration)? module) (?P<state>is not loaded|loaded)")
_ROW = re.compile(
    rf"(?P<type>\S.{{0,60}}?)\s+(?P<path>/dev/mst/\S{{1,80}}|NA)\s+(?P<bdf>{bdf.PATTERN})(?:\s+(?P<rest>\S.*))?"
)
_FILE = re.compile(r"(?P<path>/dev/mst/\S{1,80})\s+- .{1,80}")
_WHERE = re.compile(rf"domain:bus:dev\.fn=(?P<bdf>{bdf.PATTERN})\b.*")
_IGNORED = re.compile(
    r"MST (?:modules|devices):|PCI [Dd]evices:|(?:Cables|Remote MST devices|In-[Bb]and devices):|-{3,}|DEVICE_TYPE\s.*"
    r"|Chip revision is: .*|\|?=+|\w{1,40}_cable_\w{1,40}"
)
_NONE_FOUND = re.compile(r"No (?:MST )?(?:PCI )?[Dd]evices (?:were )?found\.?.*")
_STEP = re.compile(r"(?P<what>(?:Loading|Unloading) .{1,80}?) - (?P<how>Success|.{1,80})")


@dataclass(frozen=True, slots=True)
class Device:
    """One device file. None: not printed, or printed as NA. `netdevs` are its network interfaces."""

    path: str | None
    address: str
    type: str | None = None
    rdma: str | None = None
    netdevs: tuple[str, ...] = ()
    numa: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Which of the two kernel modules are loaded, and the device files."""

    modules: Mapping[str, bool]
    devices: tuple[Device, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """The cards, each once."""
        return tuple(dict.fromkeys(d.address for d in self.devices))


def parse(text: str) -> Status:
    """The status, with or without -v. Raises ParseError for anything unknown."""
    modules: dict[str, bool] = {}
    devices: list[Device] = []
    pending: str | None = None
    for line in text.splitlines():
        words = line.strip()
        if match := _MODULE.fullmatch(words):
            modules[match["name"]] = match["state"] == "loaded"
        elif match := _ROW.fullmatch(words):
            devices.append(_row(match))
        elif match := _FILE.fullmatch(words):
            _finished(pending)
            pending = match["path"]
        elif (match := _WHERE.fullmatch(words)) and pending is not None:
            devices.append(Device(pending, bdf.normalise(match["bdf"])))
            pending = None
        elif re.fullmatch(bdf.PATTERN, words):
            devices.append(Device(None, bdf.normalise(words)))
        elif words and not _IGNORED.fullmatch(words) and not _NONE_FOUND.fullmatch(words):
            raise ParseError(f"mst status: {quoted(line)} is not known")
    _finished(pending)
    if not modules:
        raise ParseError(f"mst status: {quoted(text)} says nothing about its modules")
    return Status(modules, tuple(devices))


def _finished(pending: str | None) -> None:
    if pending is not None:
        raise ParseError(f"mst status: {pending} has no PCI address; the output is cut off")


def _row(match: re.Match[str]) -> Device:
    """A row of the table of -v. Empty cells leave no trace, so the rest is told apart by its looks."""
    path = match["path"]
    device = Device(None if path == "NA" else path, bdf.normalise(match["bdf"]), match["type"])
    for cell in (match["rest"] or "").split():
        if re.fullmatch(r"-?[0-9]{1,4}", cell):
            device = replace(device, numa=int(cell) if cell != "-1" else None)
        elif cell.startswith("net-"):
            device = replace(
                device, netdevs=tuple(name.removeprefix("net-") for name in cell.split(",") if name)
            )
        elif cell != "NA":
            device = replace(device, rdma=cell)
    return device


@dataclass(frozen=True, slots=True)
class Start:
    """What `mst start` did: each module step and whether it succeeded, and its warnings."""

    steps: Mapping[str, bool]
    warnings: tuple[str, ...]


def parse_start(text: str) -> Start:
    """The report of START. A warning is harmless where the steps succeeded."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    steps = {m["what"]: m["how"] == "Success" for line in lines if (m := _STEP.fullmatch(line))}
    if not lines or not lines[0].startswith("Starting MST") or not steps:
        raise ParseError(f"mst start: {quoted(text)} is not known")
    return Start(
        steps, tuple(line.removeprefix("[warn]").strip() for line in lines if line.startswith("[warn]"))
    )
