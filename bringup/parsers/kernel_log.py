"""The kernel log: what the drivers and the PCI bus reported since boot, with its age.

Old records say nothing about today's hardware, so every record carries its age in seconds, taken from the
boot-relative stamps of `dmesg` and the uptime: no time zone, no year, no locale is involved. Records of
other sources (`dmesg -T`, ISO stamps, syslog, /dev/kmsg) are read as well, with an age where they allow
one. The ring buffer forgets: `reaches_back_s` says how much of the past the log covers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.kernel_records import Record, records
from bringup.parsers.pcie_aer import AerEvent, aer_events
from bringup.parsers.remembered import remembered

LOG = Command(
    'date +%s && cat "$ROOT"/proc/uptime && dmesg',
    timeout_s=30.0,
    max_bytes=8 << 20,
    needs=("dmesg",),
    root=True,
    estimate_s=0.5,
)

_BOOT_S = 60.0
"""A log whose first record is younger than this after boot has lost nothing of this boot."""


@dataclass(frozen=True, slots=True)
class Xid:
    """One error report of the NVIDIA driver.

    The driver limits its reports, so their number is a lower bound.
    """

    address: str
    code: int
    text: str
    age_s: float | None
    process: str | None = None
    pid: int | None = None
    fatal: bool | None = None
    link: int | None = None


@dataclass(frozen=True, slots=True)
class SwitchXid:
    """One error report of an NVSwitch (SXid). `address` is the switch, not a GPU."""

    address: str
    code: int
    fatal: bool
    link: int | None
    text: str
    age_s: float | None


@dataclass(frozen=True, slots=True)
class FellOff:
    """The driver says that a GPU has fallen off the bus, in words without an Xid number."""

    address: str
    text: str
    age_s: float | None


@dataclass(frozen=True, slots=True)
class SlowPath:
    """At boot the kernel found a PCIe path slower than the device: `at` is the hop that limits it."""

    address: str
    gbps: float
    capable_gbps: float
    speed_gts: float
    width: int
    at: str
    age_s: float | None


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A network interface lost or gained its link."""

    interface: str
    address: str | None
    up: bool
    age_s: float | None


Event = Xid | SwitchXid | FellOff | SlowPath | LinkChange | AerEvent


@dataclass(frozen=True, slots=True)
class KernelLog:
    """The log of one node. `reaches_back_s` is None where the log carries no stamps."""

    now: float
    uptime_s: float
    reaches_back_s: float | None
    whole_boot: bool
    events: tuple[Event, ...]

    def covers(self, seconds: float) -> bool:
        """Whether nothing that happened in these last seconds can be missing."""
        return self.whole_boot or (self.reaches_back_s is not None and self.reaches_back_s >= seconds)


_XID = re.compile(rf"\bXid \((?:PCI:)?({bdf.PATTERN})[^)]{{0,20}}\): ([0-9]{{1,4}})\b,?\s*(.*)")
_PID = re.compile(r"pid='?(?:([0-9]{1,10})|<unknown>)'?,\s*")
_NAME = re.compile(r"name=([^,]{0,40})(?:,\s*|$)")
_FATAL = re.compile(r"\b(?:(Fatal)|(Non-?fatal))\b", re.IGNORECASE)
_LINK = re.compile(r"\bLink (-?[0-9]{1,3})\b")
_SXID = re.compile(
    rf"\bSXid \((?:PCI:)?({bdf.PATTERN})\): ([0-9]{{1,6}}), (Fatal|Non-fatal),?\s*(.*)", re.IGNORECASE
)
_FELL_OFF = re.compile(
    rf"\b(?:The NVIDIA GPU|NVRM: GPU|nvidia)\s+({bdf.PATTERN}).{{0,200}}?fallen off the bus", re.IGNORECASE
)
_FELL_OFF_WORDS = "The NVIDIA GPU "
_FELL_OFF_BEGINS = re.compile(rf"{_FELL_OFF_WORDS}{bdf.PATTERN}\s*$")
_SLOW = re.compile(
    rf"({bdf.PATTERN}): ([0-9.]{{1,10}}) Gb/s available PCIe bandwidth, limited by "
    rf"([0-9.]{{1,6}}) GT/s(?: PCIe)? x([0-9]{{1,2}}) link at ({bdf.PATTERN}) "
    r"\(capable of ([0-9.]{1,10}) Gb/s"
)
_MLX_LINK = re.compile(rf"mlx5_core ({bdf.PATTERN})(?: ([\w.-]{{1,32}}))?: Link (up|down)\b", re.IGNORECASE)
_CARRIER = re.compile(r"\b([\w.-]{1,32}): (lost|gained) carrier\b", re.IGNORECASE)

SENTENCES = (_XID, _SXID, _FELL_OFF, _SLOW, _MLX_LINK, _CARRIER)
TELLTALE = ("xid (", "fallen off the bus", "available pcie bandwidth, limited by", ": link ", " carrier")
"""Each sentence above holds one of these, in lower case."""


_records = remembered(records)


@remembered
def opening(text: str) -> tuple[float, float, tuple[Record, ...]]:
    """The node's time and uptime, and the records. Raises ParseError if there are none or LOG prints otherwise."""
    lines = text.split("\n", 2)
    if len(lines) < 3 or not re.fullmatch(r"[0-9]{9,11}", lines[0].strip()):
        raise ParseError(f"the kernel log does not begin with the node's time: {lines[0][:40]!r}")
    uptime = re.fullmatch(r"([0-9]{1,10}(?:\.[0-9]{1,3})?)(?: [0-9.]{1,20})?\s*", lines[1])
    if uptime is None:
        raise ParseError(f"the kernel log has no uptime in its second line: {lines[1][:40]!r}")
    now, up = float(lines[0]), float(uptime[1])
    found = _records(lines[2])  # the same in every stage, unless something has happened in between
    if not found:
        raise ParseError("the kernel log is empty, so it proves nothing")
    return now, up, found


@remembered
def parse(text: str) -> KernelLog:
    """The log in an answer of LOG. Raises ParseError if it is empty or does not begin as LOG prints it.

    Half a dozen checks of a node read the same answer, which may be some megabytes, so the last ones are remembered.
    """
    now, up, found = opening(text)
    ages = [age for record in found if (age := record.age_s(now, up)) is not None]
    oldest = max(ages, default=None)
    return KernelLog(
        now=now,
        uptime_s=up,
        reaches_back_s=oldest,
        whole_boot=oldest is not None and oldest >= up - _BOOT_S,
        events=_events(found, now, up),
    )


def parse_records(text: str) -> tuple[Event, ...]:
    """The events of a piece of kernel log without LOG's two lines; then no age is known."""
    return _events(records(text), None, None)


def _events(found: tuple[Record, ...], now: float | None, uptime: float | None) -> tuple[Event, ...]:
    events: list[Event] = []
    for place, record in enumerate(found):
        age = record.age_s(now, uptime)
        words = record.text
        if _FELL_OFF_WORDS in words and _FELL_OFF_BEGINS.search(words):
            # One report over several records where each line has its own stamp.
            words = " ".join(r.text for r in found[place : place + 3])
        event = _event(words, age)
        if event is not None:
            events.append(event)
    return (*events, *aer_events(found, now, uptime))


def _event(words: str, age: float | None) -> Event | None:
    """What a record tells. A glance at its words comes first: a log has thousands of records that tell nothing."""
    if not _may_tell(words):
        return None
    if match := _SXID.search(words):
        return SwitchXid(
            address=bdf.normalise(match[1]),
            code=int(match[2]),
            fatal=match[3].lower() == "fatal",
            link=_link(match[4]),
            text=match[4],
            age_s=age,
        )
    if match := _XID.search(words):
        return _xid(bdf.normalise(match[1]), int(match[2]), match[3], age)
    if match := _FELL_OFF.search(words):
        return FellOff(bdf.normalise(match[1]), words[:200], age)
    if match := _SLOW.search(words):
        return _slow_path(match, age)
    if match := _MLX_LINK.search(words):
        address = bdf.normalise(match[1])
        return LinkChange(match[2] or bdf.short(address), address, match[3].lower() == "up", age)
    if match := _CARRIER.search(words):
        return LinkChange(match[1], None, match[2].lower() == "gained", age)
    return None


@lru_cache(maxsize=4096)
def _may_tell(words: str) -> bool:
    """Remembered, because nodes of a kind write the same while they boot."""
    lowered = words.lower()
    return any(part in lowered for part in TELLTALE)


def _xid(address: str, code: int, rest: str, age: float | None) -> Xid:
    pid, name = _PID.search(rest), _NAME.search(rest)
    text = _NAME.sub("", _PID.sub("", rest, count=1), count=1).strip()
    fatal = _FATAL.search(text)
    process = name[1] if name and name[1] != "<unknown>" else None
    return Xid(
        address=address,
        code=code,
        text=text[:200],
        age_s=age,
        process=process,
        pid=int(pid[1]) if pid and pid[1] else None,
        fatal=bool(fatal[1]) if fatal else None,
        link=_link(text),
    )


def _link(text: str) -> int | None:
    match = _LINK.search(text)
    return int(match[1]) if match and int(match[1]) >= 0 else None


def _slow_path(match: re.Match[str], age: float | None) -> SlowPath | None:
    try:
        gbps, speed, capable = float(match[2]), float(match[3]), float(match[6])
    except ValueError:
        return None
    return SlowPath(
        address=bdf.normalise(match[1]),
        gbps=gbps,
        capable_gbps=capable,
        speed_gts=speed,
        width=int(match[4]),
        at=bdf.normalise(match[5]),
        age_s=age,
    )
