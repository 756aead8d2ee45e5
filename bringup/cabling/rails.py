"""Cables without a plan: nodes that stand together are cabled alike, so who differs from most of them is wrong. Pure.

Each node has one leaf for each of its ports. Nodes with the same row of leaves are a unit, whatever the design is: a
leaf for each rail, several rails on a leaf, or one leaf for all of a node. A node whose row differs from that of a unit
in few ports, and that has no unit of its own, is odd at those ports. Where no unit is to be seen nothing is known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.cabling.ends import FarEnd, HostPort
from bringup.cabling.plan import SWAP, Deviation

RAIL = "CABLE-RAIL"
LEAST = 3
"""So many nodes cabled alike are a unit."""


@dataclass(frozen=True)
class Voted:
    """The result: the odd ports, how many nodes were compared, and those that fit to no unit."""

    deviations: tuple[Deviation, ...]
    compared: int
    unlike: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Odd:
    port: HostPort
    end: FarEnd
    should: str
    like: int


def vote(ports: Sequence[HostPort], ends: Mapping[str, FarEnd]) -> Voted:
    """All odd ports. `ports` are the training ports of nodes of one profile, in any order."""
    rows: dict[str, dict[int, HostPort]] = defaultdict(dict)
    for port in ports:
        if port.at in ends:
            rows[port.node.name][port.port.rail] = port
    rails = sorted({rail for row in rows.values() for rail in row})
    leaves = {name: _row(row, rails, ends) for name, row in rows.items()}
    count: dict[tuple[str, ...], int] = defaultdict(int)
    for row in leaves.values():
        if "" not in row:
            count[row] += 1
    units = {row: many for row, many in count.items() if many >= LEAST}
    odd: list[_Odd] = []
    unlike: list[str] = []
    compared = 0
    for name, row in leaves.items():
        if row in units:
            compared += 1
            continue
        unit = _nearest(row, units)
        if unit is None:
            unlike.append(name)
            continue
        compared += 1
        for rail, own, should in zip(rails, row, unit, strict=True):
            if own and own != should:
                port = rows[name][rail]
                odd.append(_Odd(port, ends[port.at], should, units[unit]))
    return Voted(tuple(_told(odd)), compared, tuple(unlike))


def _row(row: Mapping[int, HostPort], rails: Sequence[int], ends: Mapping[str, FarEnd]) -> tuple[str, ...]:
    """The leaf of each rail, empty where it was not seen."""
    return tuple(ends[row[rail].at].switch if rail in row else "" for rail in rails)


def _nearest(row: Sequence[str], units: Mapping[tuple[str, ...], int]) -> tuple[str, ...] | None:
    """The one unit whose leaves the row has as well, at least half of them, in whatever order; None if it is a tie."""
    known = [leaf for leaf in row if leaf]
    if len(known) < 2:
        return None
    alike = sorted(((_shared(known, unit), _equal(row, unit), unit) for unit in units), reverse=True)
    if not alike or alike[0][0] * 2 < len(known) or (len(alike) > 1 and alike[1][:2] == alike[0][:2]):
        return None
    return alike[0][2]


def _shared(row: Sequence[str], unit: Sequence[str]) -> int:
    """How many leaves both have, each as often as in both."""
    return (Counter(row) & Counter(unit)).total()


def _equal(row: Sequence[str], unit: Sequence[str]) -> int:
    return sum(1 for a, b in zip(row, unit, strict=True) if a == b)


def _told(odd: Sequence[_Odd]) -> Iterator[Deviation]:
    left = list(odd)
    while left:
        one = left.pop(0)
        other = next((o for o in left if _exchanged(one, o)), None)
        if other is None:
            yield Deviation(
                RAIL, (one.port.at,),
                f"{one.port} ends at {one.end}; the same port of {one.like} nodes cabled alike ends at {one.should}",
                f"follow the cable of {one.port} from {one.end} and move it to a free port of {one.should}",
            )  # fmt: skip
            continue
        left.remove(other)
        where = (
            f"at {one.port.node.name} exchange the plugs of {one.port.port.hca} and {other.port.port.hca}"
            if one.port.node.name == other.port.node.name
            else f"exchange the plugs in {one.end} and {other.end}"
        )
        yield Deviation(
            SWAP, (one.port.at, other.port.at),
            f"{one.port} ends at {one.end}, {other.port} at {other.end}; by {one.like} nodes cabled alike it should be the "
            "other way round",
            where,
        )  # fmt: skip


def _exchanged(a: _Odd, b: _Odd) -> bool:
    """Whether each ends where the other should: two ports of one node, or the same rail of two."""
    mine = a.end.switch == b.should and b.end.switch == a.should
    return mine and (a.port.node.name == b.port.node.name or a.port.port.rail == b.port.port.rail)
