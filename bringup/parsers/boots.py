"""Which boot of a node this is, and how often it booted lately: the kernel's own words, and the login records.

The uptime needs nothing. `last` is asked for the boots before this one, where it is installed and a record is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

BOOTS = Command(
    """date +now=%s
read -r up rest < "$ROOT"/proc/uptime && echo "uptime=$up"
if ! command -v last >/dev/null 2>&1; then echo history=no-tool
elif [ ! -r "$ROOT"/var/log/wtmp ]; then echo history=no-file
else
  echo history=last
  last -n 200 --time-format iso -f "$ROOT"/var/log/wtmp reboot </dev/null 2>&1 | sed 's/^/last=/'
fi
echo end=boots
""",
    max_bytes=128 << 10,
)

UP = Command(
    """read -r id < "$ROOT"/proc/sys/kernel/random/boot_id && echo "boot_id=$id"
read -r up rest < "$ROOT"/proc/uptime && echo "uptime=$up"
echo end=up
"""
)
"""Cheap enough to be asked twice in a run."""

_BOOT = re.compile(r"reboot\s+system boot\s+\S{1,64}\s+(\S{10,40})(?:\s.{0,120})?")
_BEGINS = re.compile(r"\S{0,200}wtmp begins (\S{10,40})")


@dataclass(frozen=True, slots=True)
class Boots:
    """`boots` are Unix seconds of boots, the newest first; None where nothing remembers them, `why` says why.

    `since` is when the record begins: nothing is known before it.
    """

    now: float
    uptime_s: float
    boots: tuple[float, ...] | None
    since: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Up:
    """One boot of a kernel: its own random name, and for how long it has been running."""

    boot_id: str
    uptime_s: float


def parse_up(text: str) -> Up:
    """The boot in an answer of UP. Raises ParseError if it is cut off or not understood."""
    single = dict(line.partition("=")[::2] for line in text.splitlines())
    if single.get("end") != "up" or not re.fullmatch(r"[0-9a-f-]{1,64}", single.get("boot_id", "")):
        raise ParseError(f"boot: the answer {quoted(text)} names no boot")
    return Up(single["boot_id"], _seconds(single, "uptime"))


def parse(text: str) -> Boots:
    """The boots in an answer of BOOTS. Raises ParseError if it is cut off or not understood."""
    single: dict[str, str] = {}
    lines: list[str] = []
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if not equals or key not in ("now", "uptime", "history", "last", "end"):
            raise ParseError(f"boots: {quoted(line)} is not known")
        if key == "last":
            lines.append(value.rstrip())
        else:
            single[key] = value.strip()
    if single.get("end") != "boots" or "history" not in single:
        raise ParseError(f"boots: the answer {quoted(text)} is cut off")
    now, uptime = _seconds(single, "now"), _seconds(single, "uptime")
    history = single["history"]
    if history != "last":
        words = {"no-tool": "the program last is not installed", "no-file": "no record /var/log/wtmp is kept"}
        if history not in words:
            raise ParseError(f"boots: {quoted(history)} is no kind of history")
        return Boots(now, uptime, None, None, words[history])
    boots, since = _history(lines)
    return Boots(now, uptime, boots, since)


def _history(lines: list[str]) -> tuple[tuple[float, ...], float]:
    boots: list[float] = []
    since: float | None = None
    for line in lines:
        if match := _BOOT.fullmatch(line):
            boots.append(_unix(match[1]))
        elif match := _BEGINS.fullmatch(line):
            since = _unix(match[1])
        elif line.strip():
            raise ParseError(f"last: {quoted(line)} is not known")
    if since is None:
        raise ParseError("last: the line that says when the record begins is missing")
    return tuple(boots), since


def _unix(stamp: str) -> float:
    try:
        when = datetime.fromisoformat(stamp)
        if when.tzinfo is not None:
            return when.timestamp()
    except (ValueError, OverflowError):
        pass
    raise ParseError(f"last: {quoted(stamp)} is no time with a zone")


def _seconds(single: dict[str, str], name: str) -> float:
    text = single.get(name, "")
    if not re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,3})?", text):
        raise ParseError(f"boots: {name} is {quoted(text)}")
    return float(text)
