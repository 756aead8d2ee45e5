"""How PCI devices hang below each other: the bridges between a device and the processor, from the links in /sys.

A bridge shows one link: a root or downstream port the link below it, an upstream port of a switch the link above it.
So a device and the port right above it show the two ends of the same link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.pci_sysfs import Device
from bringup.parsers.reading import quoted
from bringup.parsers.remembered import remembered

TREE = Command('ls -l "$ROOT"/sys/bus/pci/devices', max_bytes=1 << 20)

_LINK = re.compile(rf".{{0,200}}?({bdf.PATTERN}) -> (\S{{1,2000}})")
_STEP = re.compile(bdf.PATTERN)
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Hop:
    """One link on the way to the processor. `gts` is speed times lanes; `at` is the bridge (or the device itself)."""

    at: str
    speed_gts: float
    width: int

    @property
    def gts(self) -> float:
        return self.speed_gts * self.width


@remembered
def parse(text: str) -> Mapping[str, tuple[str, ...]]:
    """For each device the bridges above it, the nearest first. Raises ParseError for anything but such a list."""
    above: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("total "):
            continue
        match = _LINK.fullmatch(line.rstrip())
        if match is None:
            raise ParseError(f"/sys/bus/pci/devices lists {quoted(line)}")
        steps = [bdf.normalise(s) for s in match[2].split("/") if "." in s and _STEP.fullmatch(s)]
        if not steps or steps[-1] != bdf.normalise(match[1]) or len(steps) > _DEEPEST:
            raise ParseError(f"/sys/bus/pci/devices: {quoted(match[2])} is no path to {match[1]}")
        above[steps[-1]] = tuple(reversed(steps[:-1]))
    if not above:
        raise ParseError("/sys/bus/pci/devices lists no device")
    return above


def hops(device: Device, above: Sequence[str], devices: Mapping[str, Device]) -> tuple[Hop, ...]:
    """The links from a device to the processor, with what each can carry.

    The device's own link counts with the best speed that both its ends allow, because an idle GPU slows it down; the
    links above do not sleep and count as they run. A bridge without link files (inside a processor) is no hop.
    """
    first = devices.get(above[0]) if above else None
    found: list[Hop] = []
    speeds = [s for s in (device.max_speed_gts, first.max_speed_gts if first else None) if s is not None]
    if speeds and device.width:
        found.append(Hop(device.address, min(speeds), device.width))
    for address in above[1:]:
        bridge = devices.get(address)
        if bridge is not None and bridge.speed_gts is not None and bridge.width:
            found.append(Hop(address, bridge.speed_gts, bridge.width))
    return tuple(found)
