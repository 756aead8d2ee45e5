"""`ipmitool`: the event log (SEL) and the sensors of the BMC.

Events carry the BMC's own clock, which may be off or in another zone, so the BMC is asked for its time as well and
only differences are used. Events without a time ("Pre-Init") are from before the BMC's clock was set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

PRESENT = Command(
    """if grep -qs '^flags.* hypervisor' "$ROOT"/proc/cpuinfo || [ -e "$ROOT"/sys/hypervisor/type ]; then echo virtual=yes
else echo virtual=no
fi
if [ -e "$ROOT"/dev/ipmi0 ] || [ -e "$ROOT"/dev/ipmi/0 ]; then echo device=yes; else echo device=no; fi
"""
)
"""Whether this is a real machine, and whether its BMC can be asked."""

EVENTS = Command(
    "ipmitool sel time get && ipmitool sel elist",
    timeout_s=90.0,
    max_bytes=512 << 10,
    needs=("ipmitool",),
    root=True,
    estimate_s=5.0,
)
SENSORS = Command(
    "ipmitool sdr",
    timeout_s=90.0,
    max_bytes=256 << 10,
    needs=("ipmitool",),
    root=True,
    estimate_s=5.0,
)

_TIME = ("%m/%d/%Y %H:%M:%S", "%m/%d/%y %H:%M:%S", "%Y-%m-%d %H:%M:%S")
_ZONE = re.compile(r" [A-Z]{2,5}$| [+-][0-9]{4}$")
_STATES = frozenset(
    {"ok", "nc", "cr", "nr", "ns", "na", "lnc", "lcr", "lnr", "unc", "ucr", "unr", "disabled"}
)


@dataclass(frozen=True, slots=True)
class Event:
    """One record of the event log. `age_s` is None where it carries no time."""

    number: str
    sensor: str
    text: str
    asserted: bool
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor: `state` is ok, a threshold that is crossed (nc, cr, nr and their kin), or ns/na: no reading."""

    name: str
    value: str
    state: str

    @property
    def critical(self) -> bool:
        return self.state.endswith(("cr", "nr"))

    @property
    def warning(self) -> bool:
        return self.state.endswith("nc")


def parse_present(text: str) -> tuple[bool, bool]:
    """Whether the node is a virtual machine, and whether it has a device for its BMC."""
    own = dict(line.partition("=")[::2] for line in text.splitlines())
    if own.get("virtual") not in ("yes", "no") or own.get("device") not in ("yes", "no"):
        raise ParseError(f"BMC: {quoted(text)} is not known")
    return own["virtual"] == "yes", own["device"] == "yes"


def parse_events(text: str) -> tuple[Event, ...]:
    """The events in an answer of EVENTS, the oldest first. An empty log is an answer too."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    now = _when(lines[0]) if lines else None
    if now is None:
        raise ParseError(f"ipmitool sel: no time of the BMC in {quoted(text)}")
    events: list[Event] = []
    for line in lines[1:]:
        if line.lower().startswith("sel has no entries"):
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 5 or not re.fullmatch(r"[0-9a-fA-F]{1,8}", cells[0]):
            raise ParseError(f"ipmitool sel: {quoted(line)} is no event")
        # Before the BMC's clock is set one cell says so ("Pre-Init Time-stamp") instead of date and time.
        when = _when(f"{cells[1]} {cells[2]}")
        sensor, *words = cells[2:] if when is None and "pre-init" in cells[1].lower() else cells[3:]
        direction = words[-1].lower() if words else ""
        if direction in ("asserted", "deasserted"):
            words.pop()
        age = None if when is None else max(0.0, (now - when).total_seconds())
        events.append(Event(cells[0], sensor, " | ".join(words), direction != "deasserted", age))
    return tuple(events)


def parse_sensors(text: str) -> tuple[Sensor, ...]:
    """The sensors in an answer of SENSORS. Raises ParseError if there is none."""
    sensors: list[Sensor] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 3 or cells[2].lower() not in _STATES:
            raise ParseError(f"ipmitool sdr: {quoted(line)} is no sensor")
        sensors.append(Sensor(cells[0], cells[1], cells[2].lower()))
    if not sensors:
        raise ParseError("ipmitool sdr lists no sensor")
    return tuple(sensors)


def _when(text: str) -> datetime | None:
    """A time of the BMC, without its zone: only times of the same clock are compared."""
    plain = _ZONE.sub("", text.strip())
    for form in _TIME:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
