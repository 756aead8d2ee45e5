"""`ethtool -S DEVICE`: the counters of a network driver, under the names that the driver gives them.

Names differ from driver to driver, hold blanks and colons, and may even repeat; a counter that is not there is not
zero. Judge the rise between two readings.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole


def statistics(device: str) -> Command:
    """Asks for the counters of one interface."""
    return Command(f"ethtool -S {shlex.quote(device)}", needs=("ethtool",), max_bytes=4 << 20)


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter of one driver."""

    name: str
    value: int


def parse(text: str) -> tuple[Counter, ...]:
    """The counters in their order. Raises ParseError where the driver has none, which is not "all zero"."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or lines[0].strip() != "NIC statistics:" or len(lines) < 2:
        raise ParseError(f"ethtool -S: no statistics: {quoted(text)}")
    found: list[Counter] = []
    for line in lines[1:]:
        name, colon, value = line.rpartition(":")
        if not colon or not line[0].isspace() or not name.strip():
            raise ParseError(f"ethtool -S: {quoted(line)} is not a counter")
        found.append(Counter(name.strip(), whole(value.strip(), f"ethtool -S: {name.strip()[:80]}")))
    return tuple(found)
