"""The log of NVIDIA's fabric manager and what it prints when it cannot start.

The log is long and nearly all of it is harmless; one line in it may name a broken port of an NVSwitch. A failure to
start may be worded as a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import quoted

LOG = Command(
    """log="$ROOT"/var/log/fabricmanager.log
if [ ! -r "$log" ]; then echo "no /var/log/fabricmanager.log, or no right to read it" >&2; exit 1; fi
awk 'NR == 1 || (/^\\[/ && !/\\] \\[INFO\\] /)' "$log"
""",
    root=True,
    max_bytes=4 << 20,
)
"""The first line of the log, which shows that there is one, and every line that is no information."""

_RECORD = re.compile(
    r"\[(?P<time>[A-Z][a-z]{2} [ 0-9]?[0-9] [0-9]{4} [0-9:]{8})\] \[(?P<level>[A-Z]{3,12})\] "
    r"(?:\[tid [0-9]{1,10}\] )?(?P<text>.*)"
)
_SWITCH = re.compile(
    rf"detected NVSwitch (?P<kind>non-fatal|fatal) error (?P<code>[0-9]{{1,6}}) .*?pci bus id (?P<bdf>{bdf.PATTERN})"
    r"(?: physical id (?P<id>[0-9]{1,4}))?(?: port (?P<port>[0-9]{1,4}))?.*"
)
_REASON = re.compile(r"\[(?P<reason>NV_(?:WARN|ERR)_\w{1,60})\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `time` is as printed, in the node's own time zone. A message of several lines is joined."""

    time: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class SwitchError:
    """An error of one NVSwitch. None: the record does not say."""

    fatal: bool
    code: int
    address: str
    physical_id: int | None
    port: int | None


def parse(text: str) -> tuple[Record, ...]:
    """The records. Raises ParseError where the text is no such log."""
    found: list[Record] = []
    for line in text.splitlines():
        if match := _RECORD.fullmatch(line.strip()):
            found.append(Record(match["time"], match["level"], match["text"][:1000]))
        elif line.strip() and found:
            last = found[-1]
            found[-1] = Record(last.time, last.level, f"{last.text} {line.strip()}"[:1000])
        elif line.strip():
            raise ParseError(f"fabric manager log: {quoted(line)} is not a record")
    if not found:
        raise ParseError("fabric manager log: no record")
    return tuple(found)


def switch_errors(records: Iterable[Record]) -> tuple[SwitchError, ...]:
    """The NVSwitch errors among the records."""
    matches = [match for record in records if (match := _SWITCH.fullmatch(record.text))]
    return tuple(
        SwitchError(
            fatal=m["kind"] == "fatal",
            code=int(m["code"]),
            address=bdf.normalise(m["bdf"]),
            physical_id=int(m["id"]) if m["id"] else None,
            port=int(m["port"]) if m["port"] else None,
        )
        for m in matches
    )


def parse_start(text: str) -> tuple[str, ...]:
    """The driver's reasons (`NV_WARN_NOTHING_TO_DO`: no NVSwitch to be seen) in what a failed start printed."""
    found = tuple(dict.fromkeys(_REASON.findall(text)))
    if "nv-fabricmanager" not in text or not found:
        raise ParseError(f"fabric manager: {quoted(text)} names no reason")
    return found
