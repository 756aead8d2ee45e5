"""`perfquery`: the counters of one or more InfiniBand ports, as the port itself answers them.

The data counters count units of 4 bytes. Which counters there are depends on the options and the port; one that is
absent is not zero. Without `-x` the error counters are 4 to 16 bits wide and stop at their end.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.ib_diags import is_warning
from bringup.parsers.reading import quoted, whole_or_hex

DATA_UNIT_BYTES = 4

_HEAD = re.compile(
    r"# (?P<kind>\S.{1,60}?)(?: counters)?: (?:Lid (?P<lid>[0-9]{1,6})|DR path .{1,80}?);? port (?P<port>[0-9]{1,3})\b.*"
)
_COUNTER = re.compile(r"(?P<name>[A-Za-z][\w]{1,60}):\.*(?P<value>[0-9a-fA-Fx]{1,20})", re.ASCII)
_SELECTORS = ("PortSelect", "CounterSelect", "CounterSelect2")


def port_counters(hca: str, port: int = 1) -> Command:
    """Asks a local port for its extended counters."""
    return Command(f"perfquery -x -C {shlex.quote(hca)} -P {port:d}", needs=("perfquery",), root=True)


@dataclass(frozen=True, slots=True)
class Counters:
    """One port's answer. `kind` is the tool's heading (`Port extended`); `lid` None: asked by a direct route."""

    kind: str
    lid: int | None
    port: int
    counters: Mapping[str, int]


def parse(text: str) -> tuple[Counters, ...]:
    """The ports in their order. Raises ParseError where no port answered."""
    found: list[Counters] = []
    head: re.Match[str] | None = None
    counters: dict[str, int] = {}
    for line in text.splitlines():
        words = line.strip()
        if not words or is_warning(words):
            continue
        if match := _HEAD.fullmatch(words):
            if head is not None:
                found.append(_block(head, counters))
            head, counters = match, {}
        elif head is not None and (pair := _COUNTER.fullmatch(words)):
            counters[pair["name"]] = whole_or_hex(pair["value"], f"perfquery {pair['name']}")
        else:
            raise ParseError(f"perfquery: {quoted(line)} is not known")
    if head is None:
        raise ParseError(f"perfquery: no port in {quoted(text)}")
    return (*found, _block(head, counters))


def _block(head: re.Match[str], counters: Mapping[str, int]) -> Counters:
    own = {name: value for name, value in counters.items() if name not in _SELECTORS}
    if not own:
        raise ParseError(f"perfquery: port {head['port']} has no counter; the output is cut off")
    return Counters(
        kind=head["kind"],
        lid=int(head["lid"]) if head["lid"] else None,
        port=int(head["port"]),
        counters=own,
    )
