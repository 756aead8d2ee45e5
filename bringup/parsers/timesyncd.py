"""`timedatectl timesync-status`: how far the clock is off where systemd-timesyncd looks after it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

STATUS = Command("timedatectl timesync-status\n", needs=("timedatectl",), timeout_s=15.0)

_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,9})?)(?P<unit>us|ms|s|min|h|d)")


@dataclass(frozen=True, slots=True)
class Timesync:
    """`offset_s` is what the clock is off, positive or negative; None where the server has not answered yet."""

    server: str
    leap: str
    offset_s: float | None

    @property
    def synchronised(self) -> bool:
        """Whether a server has answered, and is itself in step."""
        return self.offset_s is not None and self.leap != "unsynchronized"


def parse(text: str) -> Timesync:
    """The answer of STATUS. Raises ParseError for anything else."""
    own = {
        key.strip(): value.strip()
        for key, colon, value in (line.partition(":") for line in text.splitlines())
        if colon
    }
    if "Server" not in own:
        raise ParseError(f"timedatectl: no server in {quoted(text)}")
    offset = own.get("Offset")
    return Timesync(own["Server"], own.get("Leap", ""), None if offset is None else _seconds(offset))


def _seconds(text: str) -> float:
    """A time as systemd writes it: +1.104ms, -2min 3.5s, 0."""
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text.lstrip("+-").strip()
    if rest == "0":
        return 0.0
    parts = [_PART.fullmatch(part) for part in rest.split()]
    if not parts or None in parts:
        raise ParseError(f"timedatectl: an offset of {quoted(text)}")
    return sign * sum(float(part["number"]) * _UNITS_S[part["unit"]] for part in parts if part is not None)
