"""From which clock the kernel reads the time, and on what kind of machine it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

SOURCE = Command(
    """base="$ROOT"/sys/devices/system/clocksource/clocksource0
[ ! -r "$base"/current_clocksource ] || echo "current=$(cat "$base"/current_clocksource)"
if grep -qs '^flags.* hypervisor' "$ROOT"/proc/cpuinfo || [ -e "$ROOT"/sys/hypervisor/type ]; then echo virtual=yes
else echo virtual=no
fi
if grep -qs '^CPU implementer' "$ROOT"/proc/cpuinfo; then echo machine=arm; else echo machine=other; fi
echo end=clock
""",
    max_bytes=16 << 10,
)

HYPERVISORS = frozenset({"kvm-clock", "xen", "hyperv_clocksource_tsc_page", "hyperv_clocksource_msr"})
"""Clocks that a hypervisor offers to its guests."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class ClockSource:
    """`current` is the kernel's word for the clock."""

    current: str
    virtual: bool
    arm: bool


def parse(text: str) -> ClockSource:
    """The answer of SOURCE. Raises ParseError if it is cut off or names no clock."""
    own: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if not equals or key not in ("current", "virtual", "machine", "end"):
            raise ParseError(f"clock source: {quoted(line)} is not known")
        own[key] = value.strip()
    if own.get("end") != "clock" or own.get("virtual") not in ("yes", "no"):
        raise ParseError(f"clock source: the answer {quoted(text)} is cut off")
    current = own.get("current", "")
    if not _NAME.fullmatch(current):
        raise ParseError(f"clock source: the kernel names {quoted(current)}")
    return ClockSource(current, own["virtual"] == "yes", own.get("machine") == "arm")
