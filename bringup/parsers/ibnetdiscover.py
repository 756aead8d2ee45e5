"""`ibnetdiscover -p`: every port of an InfiniBand fabric in one line each, with its far end.

Every link stands there once from each end. A port without far end is down, or what is behind it did not answer; its
speed is then a leftover. Aggregation nodes inside switches look like hosts. The classic format, with one block for
each node, is read in `ibnetdiscover_nodes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.ib_diags import is_warning
from bringup.parsers.reading import quoted

PORTS = Command("ibnetdiscover -p", needs=("ibnetdiscover",), root=True, timeout_s=120.0, max_bytes=32 << 20)

_END = r"(?P<kind{n}>CA|SW|RT|\?\?)\s+(?P<lid{n}>[0-9]{{1,6}})\s+(?P<port{n}>[0-9]{{1,3}})\s+(?P<guid{n}>0x[0-9a-fA-F]{{16}})"
_LINE = re.compile(
    _END.format(n=1)
    + r"\s+(?P<width>[0-9?]{1,3}x)\s+(?P<speed>[A-Z0-9?]{3,8})(?:\s+-\s+"
    + _END.format(n=2)
    + r"\s+\(\s'(?P<name1>.{0,120}?)'\s-\s'(?P<name2>.{0,120})'\s\)|\s+(?P<alone>\S.{0,120}))"
)


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link. `kind` is CA, SW or RT; `guid` is the port's own for a CA, the node's for a switch."""

    kind: str
    name: str
    lid: int
    port: int
    guid: str


@dataclass(frozen=True, slots=True)
class Port:
    """One port: its width (`4x`) and speed word (`NDR`; `???` where the tool cannot name it), and its far end."""

    end: End
    width: str
    speed: str
    peer: End | None


def parse(text: str) -> tuple[Port, ...]:
    """The ports in their order. Raises ParseError where there is none."""
    found = tuple(_port(line) for line in text.splitlines() if line.strip() and not is_warning(line))
    if not found:
        raise ParseError(f"ibnetdiscover found no port: {quoted(text)}")
    return found


def links(ports: Iterable[Port]) -> tuple[tuple[End, End], ...]:
    """Each physical link once, whether it was seen from one end or from both."""
    return tuple(seen[0] for seen in _sightings(ports).values())


def one_sided(ports: Iterable[Port]) -> tuple[tuple[End, End], ...]:
    """Links seen from one end only: the other node did not answer, or the output was cut off."""
    return tuple(seen[0] for seen in _sightings(ports).values() if len(seen) == 1)


def _sightings(ports: Iterable[Port]) -> dict[frozenset[tuple[str, int]], list[tuple[End, End]]]:
    found: dict[frozenset[tuple[str, int]], list[tuple[End, End]]] = {}
    for port in ports:
        if port.peer is not None:
            ends = frozenset(((port.end.guid, port.end.port), (port.peer.guid, port.peer.port)))
            found.setdefault(ends, []).append((port.end, port.peer))
    return found


def _port(line: str) -> Port:
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise ParseError(f"ibnetdiscover -p: {quoted(line)} is not a port")
    alone = match["alone"]
    if alone is not None and not _whole_name(alone):
        raise ParseError(f"ibnetdiscover -p: {quoted(line)} is cut off")
    return Port(
        end=_end(match, 1, match["name1"] if alone is None else alone.strip("'")),
        width=match["width"],
        speed=match["speed"],
        peer=_end(match, 2, match["name2"]) if alone is None else None,
    )


def _whole_name(alone: str) -> bool:
    """A name in quotes has both of them; some versions print it without any."""
    return (len(alone) > 1 and alone.endswith("'")) if alone.startswith("'") else not alone.startswith("-")


def _end(match: re.Match[str], number: int, name: str) -> End:
    return End(
        kind=match[f"kind{number}"],
        name=name.strip(),
        lid=int(match[f"lid{number}"]),
        port=int(match[f"port{number}"]),
        guid=match[f"guid{number}"].lower(),
    )
