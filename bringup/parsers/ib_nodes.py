"""`ibswitches` and `ibhosts`: the switches and the adapters of an InfiniBand fabric, one on each line.

Aggregation nodes inside switches stand among the hosts. What did not answer is simply absent, and may be there without
a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.ib_diags import is_warning
from bringup.parsers.reading import quoted

SWITCHES = Command("ibswitches", needs=("ibswitches",), root=True, timeout_s=120.0, max_bytes=8 << 20)
HOSTS = Command("ibhosts", needs=("ibhosts",), root=True, timeout_s=120.0, max_bytes=8 << 20)

_LINE = re.compile(
    r"(?P<kind>Ca|Switch)\s*: (?P<guid>0x[0-9a-fA-F]{16}) ports (?P<ports>[0-9]{1,3}) \"(?P<name>.{0,120})\""
    r"(?: (?:base|enhanced) port 0 lid (?P<lid>[0-9]{1,6}) lmc [0-9])?"
)


@dataclass(frozen=True, slots=True)
class Node:
    """One switch (SW) or adapter (CA). `lid` is None for an adapter: its ports have one each."""

    kind: str
    guid: str
    name: str
    ports: int
    lid: int | None


def parse(text: str) -> tuple[Node, ...]:
    """The nodes in their order. Raises ParseError where there is none."""
    found: list[Node] = []
    for line in text.splitlines():
        if not line.strip() or is_warning(line):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or (match["kind"] == "Switch") != (match["lid"] is not None):
            raise ParseError(f"ibswitches, ibhosts: {quoted(line)} is not a node")
        found.append(
            Node(
                kind="SW" if match["kind"] == "Switch" else "CA",
                guid=match["guid"].lower(),
                name=match["name"].strip(),
                ports=int(match["ports"]),
                lid=int(match["lid"]) if match["lid"] else None,
            )
        )
    if not found:
        raise ParseError(f"ibswitches, ibhosts: no node was found: {quoted(text)}")
    return tuple(found)
