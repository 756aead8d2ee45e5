"""Whether the clock follows a time source and how far it is off: `chronyc tracking`, as CSV or as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted, whole

TRACKING = Command("chronyc -c tracking || chronyc tracking\n", needs=("chronyc",), timeout_s=15.0)
"""CSV where chronyc has -c (3.0 and later), else its text."""

KERNEL_CLOCK = Command("timedatectl show -p NTPSynchronized\n", needs=("timedatectl",), timeout_s=15.0)
"""Whether the kernel's clock is steered by anybody: says nothing of how far off it is."""

UNSYNCHRONISED = "Not synchronised"
_LEAP = frozenset(("Normal", "Insert second", "Delete second", UNSYNCHRONISED))
_CSV_FIELDS = 14
_SYSTEM_TIME = re.compile(r"(?P<seconds>[0-9.]{1,24}) seconds (?P<side>slow|fast) of NTP time", re.ASCII)
_SECONDS = re.compile(r"(?P<seconds>[+-]?[0-9.]{1,24}) seconds", re.ASCII)
_NO_DAEMON = re.compile(r"\s*50[0-9] Cannot talk to daemon", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tracking:
    """How the clock follows its source. `offset_s` is what the clock is off by now, positive or negative."""

    source: str
    stratum: int
    offset_s: float
    root_dispersion_s: float
    leap: str

    @property
    def synchronised(self) -> bool:
        """Followed a source at all; a stratum of 0 or 16 means none."""
        return self.leap != UNSYNCHRONISED and 0 < self.stratum < 16


def no_daemon(text: str) -> bool:
    """Whether chronyc says that chronyd does not answer."""
    return any(_NO_DAEMON.match(line) for line in text.splitlines())


def parse(text: str) -> Tracking:
    """The answer of TRACKING, in either form."""
    lines = [line for line in text.splitlines() if line.strip()]
    fields = lines[0].split(",") if len(lines) == 1 else []
    if len(fields) == _CSV_FIELDS:
        return Tracking(
            source=fields[1] or fields[0],
            stratum=whole(fields[2], "chronyc stratum"),
            offset_s=number(fields[4], "chronyc system time"),
            root_dispersion_s=number(fields[11], "chronyc root dispersion"),
            leap=_leap(fields[13].strip()),
        )
    own = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return Tracking(
        source=own.get("Reference ID", ""),
        stratum=whole(own.get("Stratum", ""), f"chronyc stratum in {quoted(text)}"),
        offset_s=_system_time(own.get("System time", "")),
        root_dispersion_s=_seconds(own.get("Root dispersion", "")),
        leap=_leap(own.get("Leap status", "")),
    )


def parse_kernel_clock(text: str) -> bool:
    """Whether the kernel's clock is synchronised."""
    answers = {"NTPSynchronized=yes": True, "NTPSynchronized=no": False}
    if text.strip() not in answers:
        raise ParseError(f"timedatectl: {quoted(text)} is not known")
    return answers[text.strip()]


def _leap(word: str) -> str:
    if word not in _LEAP:
        raise ParseError(f"chronyc: leap status {quoted(word)} is not known")
    return word


def _system_time(text: str) -> float:
    match = _SYSTEM_TIME.fullmatch(text)
    if match is None:
        raise ParseError(f"chronyc: system time {quoted(text)} is not known")
    seconds = number(match["seconds"], "chronyc system time")
    return -seconds if match["side"] == "fast" else seconds


def _seconds(text: str) -> float:
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise ParseError(f"chronyc: {quoted(text)} are no seconds")
    return number(match["seconds"], "chronyc seconds")
