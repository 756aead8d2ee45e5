"""`ethtool DEVICE`: speed, duplex and link of a network interface, as its driver states them.

The speed printed for an interface without link is a claim, not a state: ask `running_mbps`. `Unknown!` is what
virtual interfaces say of their speed while their link is up. The text is the only form that all versions have;
`--json` covers few of the subcommands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

_HEAD = re.compile(r"Settings for (?P<device>\S{1,64}):")
_PAIR = re.compile(r"\s+(?P<key>[A-Z][\w +-]{1,60}):(?P<value>.*)", re.ASCII)
_MORE = re.compile(r"\s{8,}\S.*|\t\t+.*")
_COMPLAINT = re.compile(r"(?:Cannot get|netlink error:|No data available\b).*")
_SPEED = re.compile(r"(?P<mbps>[0-9]{1,9})Mb/s")


def settings(device: str) -> Command:
    """Asks for the settings of one interface. A missing one gives "No data available" and status 75."""
    return Command(f"ethtool {shlex.quote(device)}", needs=("ethtool",))


@dataclass(frozen=True, slots=True)
class Settings:
    """One interface. None: not printed, or printed as unknown. `why_down` is the kernel's reason, where it has one."""

    device: str
    link: bool
    speed_mbps: int | None = None
    duplex: str | None = None
    port: str | None = None
    lanes: int | None = None
    autonegotiation: bool | None = None
    why_down: str | None = None

    @property
    def running_mbps(self) -> int | None:
        """The speed while there is a link; None without link or where the driver does not know it."""
        return self.speed_mbps if self.link else None


def parse(text: str) -> tuple[Settings, ...]:
    """The interfaces of one or more answers. "Link detected" ends each; without it the answer was cut off."""
    found = tuple(_settings(device, pairs) for device, pairs in _blocks(text))
    if not found:
        raise ParseError(f"ethtool: no settings in {quoted(text)}")
    return found


def _blocks(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    device, last = "", ""
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or _COMPLAINT.fullmatch(line.strip()):
            continue
        if head := _HEAD.fullmatch(line.strip()):
            if device:
                yield device, pairs
            device, last, pairs = head["device"], "", {}
        elif device and (pair := _PAIR.fullmatch(line)):
            last = pair["key"]
            pairs[last] = pair["value"].strip()
        elif not (device and last and _MORE.fullmatch(line)):
            raise ParseError(f"ethtool: {quoted(line)} is not known")
    if device:
        yield device, pairs


def _settings(device: str, own: Mapping[str, str]) -> Settings:
    link = own.get("Link detected", "")
    word, _, why = link.partition(" ")
    if word not in ("yes", "no"):
        raise ParseError(f"ethtool: {device} does not say whether it has link ({quoted(link)}); cut off?")
    return Settings(
        device=device,
        link=word == "yes",
        speed_mbps=_speed(device, own.get("Speed")),
        duplex=_known(own.get("Duplex")),
        port=_known(own.get("Port")),
        lanes=_lanes(device, own.get("Lanes")),
        autonegotiation=_switch(device, own.get("Auto-negotiation")),
        why_down=why.strip("() ") or None if word == "no" else None,
    )


def _known(value: str | None) -> str | None:
    return None if not value or value.startswith("Unknown") else value


def _speed(device: str, value: str | None) -> int | None:
    if _known(value) is None or value is None:
        return None
    match = _SPEED.fullmatch(value)
    if match is None:
        raise ParseError(f"ethtool: the speed of {device} is {quoted(value)}")
    return int(match["mbps"])


def _lanes(device: str, value: str | None) -> int | None:
    return whole(value, f"ethtool: lanes of {device}") if value and _known(value) else None


def _switch(device: str, value: str | None) -> bool | None:
    if _known(value) is None:
        return None
    if value not in ("on", "off"):
        raise ParseError(f"ethtool: auto-negotiation of {device} is {quoted(value or '')}")
    return value == "on"
