"""Cuts a kernel log into records: one message with its stamp, whatever program printed the log.

A message of several lines carries a stamp on its first line only, so in a log with stamps a line without one
continues the record before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_MOST_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Record:
    """One message.

    `boot_s` counts from boot, `unix_s` from 1970; both None where the stamp allows neither.
    """

    text: str
    boot_s: float | None = None
    unix_s: float | None = None

    def age_s(self, now: float | None, uptime_s: float | None) -> float | None:
        """How old the record is at the node's time `now`; never negative."""
        if self.boot_s is not None and uptime_s is not None:
            return max(0.0, uptime_s - self.boot_s)
        if self.unix_s is not None and now is not None:
            return max(0.0, now - self.unix_s)
        return None


_STAMP = re.compile(
    r"(?:<[0-9]{1,3}>)?"
    r"(?:\[\s*(?P<boot>[0-9]{1,10}\.[0-9]{1,9})\]\s?"
    r"|\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} [0-9]{4}\]\s?"
    r"|(?:[a-z]+\s*:[a-z]+\s*: )?"
    r"(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.,]?[0-9]{0,6}(?:Z|[+-][0-9:]{4,5})?)\s"
    r"|[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} \S{1,80} "
    r"|[0-9]{1,4},[0-9]{1,12},(?P<usec>[0-9]{1,16}),[^;]{0,80};)"
    r"(?P<text>.*)"
)
_OWN = re.compile(r"NVRM: |nvidia-nvswitch")
"""Begins a message of its own even without a stamp: a driver's report must never hide behind another message."""


def records(text: str) -> tuple[Record, ...]:
    """The records of a log in their order; empty lines are none."""
    found: list[tuple[re.Match[str] | None, list[str]]] = []
    stamped = False
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _STAMP.match(line)
        stamped = stamped or match is not None
        if match is None and stamped and found and not _OWN.match(line):
            found[-1][1].append(line.strip())
        else:
            found.append((match, [match["text"] if match else line.strip()]))
    return tuple(_record(match, lines) for match, lines in found)


def _record(match: re.Match[str] | None, lines: list[str]) -> Record:
    text = " ".join(lines)[:_MOST_CHARS]
    if match is None:
        return Record(text)
    if match["boot"]:
        return Record(text, boot_s=float(match["boot"]))
    if match["usec"]:
        return Record(text, boot_s=int(match["usec"]) / 1e6)
    return Record(text, unix_s=_unix(match["iso"]) if match["iso"] else None)


def _unix(stamp: str) -> float | None:
    """Seconds since 1970 of an ISO stamp with a zone; None without one, because the zone may be any."""
    try:
        when = datetime.fromisoformat(stamp.replace(",", "."))
        return when.timestamp() if when.tzinfo else None
    except (ValueError, OverflowError):
        return None
