"""Discovered cables against the cable plan: what lies wrong, told as what one person must do. Pure.

Cables that lie in each other's place are one finding, with both ends and the way to put it right. The same mistake at
several nodes, or on most ports of a leaf, is a mistake of the plan, not of so many hands. What was not seen is unknown.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.cabling.ends import FarEnd, HostPort
from bringup.cabling.ports import ib_number, numbers_in
from bringup.model import FLEET

SWAP, WRONG, EXTRA, PLAN = "CABLE-SWAP", "CABLE-WRONG", "CABLE-EXTRA", "CABLE-PLAN"
SEVERAL = 3
"""The same mistake at so many nodes, or on so many ports of a leaf, is one of the plan."""
_MOST_TOLD = 6


@dataclass(frozen=True, slots=True)
class Deviation:
    """One thing that lies otherwise than planned. `at` are component paths, a leaf or the fleet."""

    code: str
    at: tuple[str, ...]
    seen: str
    todo: str


@dataclass(frozen=True)
class Compared:
    """The result: what deviates, and how many planned cables were seen at all."""

    deviations: tuple[Deviation, ...]
    seen: int


@dataclass(frozen=True, slots=True)
class _Moved:
    """A planned port whose cable ends elsewhere, and the port for which the plan meant that place, if there is one."""

    port: HostPort
    end: FarEnd
    place_of: HostPort | None


def compare(planned: Sequence[HostPort], ends: Mapping[str, FarEnd]) -> Compared:
    """All deviations. `planned` are ports whose leaf the plan names, `ends` where any port of any node ends."""
    places = _Places(planned)
    seen = [port for port in planned if port.at in ends]
    moved: dict[str, _Moved] = {}
    for port in seen:
        end = ends[port.at]
        if end.switch != port.port.leaf or end.is_port(port.port.leaf_port) is False:
            moved[port.at] = _Moved(port, end, places.of(end))
    sitting = {one.place_of.at: one.port for one in moved.values() if one.place_of is not None}
    found: list[Deviation] = []
    for told in (_shifted_nodes(moved, seen), _renamed_leaves(moved, seen)):
        for deviation, ports in told:
            found.append(deviation)
            for at in ports:
                moved.pop(at, None)
    for ring in _rings(moved):
        found.append(_swap(ring))
        for one in ring:
            del moved[one.port.at]
    found += [_wrong(one, sitting.get(one.port.at), ends) for one in moved.values()]
    found += _extra(planned, places, ends)
    return Compared(tuple(found), len(seen))


class _Places:
    """Finds the planned port whose place a port of a switch is."""

    def __init__(self, planned: Iterable[HostPort]) -> None:
        self._by_number: dict[tuple[str, int], list[HostPort]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], list[HostPort]] = defaultdict(list)
        self.leaves: set[str] = set()
        for port in planned:
            leaf, name = port.port.leaf, port.port.leaf_port
            self.leaves.add(leaf)
            self._by_name[leaf, name.casefold()].append(port)
            meant = ib_number(name)
            for number in {*numbers_in(name)[-1:], *(() if meant is None else (meant,))}:
                self._by_number[leaf, number].append(port)

    def of(self, end: FarEnd) -> HostPort | None:
        """The planned port; None if the place is nobody's, or if that cannot be told."""
        near = {
            port.at: port
            for name in end.names
            for port in self._by_name.get((end.switch, name.casefold()), ())
        }
        numbers = (
            [end.number] if end.number is not None else [n for name in end.names for n in numbers_in(name)]
        )
        near |= {port.at: port for n in numbers for port in self._by_number.get((end.switch, n), ())}
        mine = [port for port in near.values() if end.is_port(port.port.leaf_port)]
        return mine[0] if len(mine) == 1 else None


# ------------------------------------------------------------------------------------------ mistakes of the plan

Told = tuple[Deviation, tuple[str, ...]]


def _shifted_nodes(moved: Mapping[str, _Moved], seen: Sequence[HostPort]) -> Iterator[Told]:
    """Several nodes whose own cables are exchanged among themselves in the same way."""
    of_node: dict[str, list[_Moved]] = defaultdict(list)
    for one in moved.values():
        of_node[one.port.node.name].append(one)
    alike: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for name, mine in of_node.items():
        inside = [one for one in mine if one.place_of is not None and one.place_of.node.name == name]
        if len(inside) == len(mine) > 1:
            way = tuple((one.port.port.hca, one.place_of.port.hca) for one in inside if one.place_of)
            alike[way].append(name)
    nodes = len({port.node.name for port in seen})
    for way, names in alike.items():
        if len(names) >= SEVERAL or 1 < len(names) == nodes:
            all_of_them = len(names) * 2 > nodes
            at = (FLEET,) if all_of_them else tuple(names)
            said = ", ".join(f"{a} lies where {b} should" for a, b in way[:_MOST_TOLD])
            who = f"all {nodes} nodes" if len(names) == nodes else f"{len(names)} of {nodes} nodes"
            yield (
                Deviation(
                    PLAN, at, f"on {who} the cables are exchanged in the same way: {said}",
                    f"look at the plan of {_some(names)} first: the order of `rails`, or the leaves, is off by this "
                    "exchange; if the plan is right after all, exchange the cables of each of these nodes",
                ),
                tuple(one.port.at for name in names for one in of_node[name]),
            )  # fmt: skip


def _renamed_leaves(moved: Mapping[str, _Moved], seen: Sequence[HostPort]) -> Iterator[Told]:
    """Leaves most of whose cables are at one other leaf, or so many ports further."""
    on_leaf = Counter(port.port.leaf for port in seen)
    alike: dict[tuple[str, str, int], list[_Moved]] = defaultdict(list)
    for one in moved.values():
        offset = _offset(one)
        if offset is not None:
            alike[one.port.port.leaf, one.end.switch, offset].append(one)
    for (leaf, switch, offset), mine in alike.items():
        nodes = {one.port.node.name for one in mine}
        if len(mine) < SEVERAL or len(nodes) < SEVERAL or len(mine) * 2 <= on_leaf[leaf]:
            continue
        by = f", {abs(offset)} port{'s' if abs(offset) > 1 else ''} {'up' if offset > 0 else 'down'}"
        wrong = f"the names of {leaf} and {switch}" if switch != leaf else f"the port numbers of {leaf}"
        yield (
            Deviation(
                PLAN, (leaf,),
                f"{len(mine)} of {on_leaf[leaf]} cables planned for {leaf} are at {switch}{by if offset else ''}",
                f"look at the plan first: {wrong} are probably off; if the plan is right, the cables have to move",
            ),
            tuple(one.port.at for one in mine),
        )  # fmt: skip


def _offset(one: _Moved) -> int | None:
    planned = ib_number(one.port.port.leaf_port)
    seen = one.end.number if one.end.number is not None else ib_number(one.end.names[0])
    return None if planned is None or seen is None else seen - planned


# ------------------------------------------------------------------------------------------ cables


def _rings(moved: Mapping[str, _Moved]) -> list[list[_Moved]]:
    """Cables that lie in each other's place: two, or more in a ring."""
    found: list[list[_Moved]] = []
    used: set[str] = set()
    for start in moved:
        way: list[str] = []
        at: str | None = start
        while at is not None and at in moved and at not in way and at not in used:
            way.append(at)
            place = moved[at].place_of
            at = place.at if place is not None else None
        if at == start and len(way) > 1:
            found.append([moved[one] for one in way])
            used.update(way)
    return found


def _swap(ring: Sequence[_Moved]) -> Deviation:
    ports = [one.port for one in ring]
    seen = ", ".join(f"{one.port} ends at {one.end}" for one in ring[:_MOST_TOLD])
    belong = ", ".join(f"{p.cable} belongs to {p} in {p.planned}" for p in ports[:_MOST_TOLD])
    leaves = dict.fromkeys(p.port.leaf for p in ports)
    nodes = dict.fromkeys(p.node.name for p in ports)
    if len(ring) > 2:
        todo = f"move the plugs of {len(ring)} cables that lie in a ring: {belong}"
    elif len(leaves) == 1:
        numbers = " and ".join(p.port.leaf_port for p in ports)
        todo = f"at {ports[0].port.leaf} exchange the plugs of ports {numbers}: {belong}"
    elif len(nodes) == 1:
        todo = (
            f"exchange the plugs of {ports[0].port.hca} and {ports[1].port.hca} at {_placed(ports[0])}, or at the "
            f"leaves those of {ports[0].planned} and {ports[1].planned}: {belong}"
        )
    else:
        todo = f"exchange the plugs in {ports[0].planned} and {ports[1].planned}: {belong}"
    return Deviation(SWAP, tuple(p.at for p in ports), seen, todo)


def _wrong(one: _Moved, sitting: HostPort | None, ends: Mapping[str, FarEnd]) -> Deviation:
    """A cable that lies elsewhere; `sitting` is the port whose cable is in its place."""
    port = one.port
    seen = f"{port} ends at {one.end}, planned is {port.planned}"
    if one.end.switch == port.port.leaf:
        way = f"from port {one.end.names[0]} to port {port.port.leaf_port}"
        todo = f"at {port.port.leaf} move the plug of {port} ({port.cable}) {way}"
    else:
        todo = f"move the plug of {_placed(port)} {port.port.hca} ({port.cable}) from {one.end} to {port.planned}"
    if sitting is not None:
        todo += f"; there {sitting} is plugged in"
    if one.place_of is not None:
        why = "is elsewhere as well" if one.place_of.at in ends else "was not seen"
        seen += f"; that is the place of {one.place_of}, which {why}"
    return Deviation(WRONG, (port.at,), seen, todo)


def _extra(planned: Sequence[HostPort], places: _Places, ends: Mapping[str, FarEnd]) -> Iterator[Deviation]:
    """Ports that the plan does not know, of nodes that it knows, plugged into a leaf of the plan."""
    known = {port.at for port in planned}
    nodes = {port.node.name for port in planned}
    for at, end in ends.items():
        node, _, rest = at.partition("/hca/")
        if at in known or node not in nodes or end.switch not in places.leaves:
            continue
        hca = rest.partition("/")[0]
        meant = places.of(end)
        if meant is not None and meant.node.name == node and meant.at not in ends:
            yield Deviation(
                WRONG, (meant.at,), f"{meant.cable} is plugged into {hca} of {node} instead of {meant.port.hca}",
                f"at {_placed(meant)} move the plug of {meant.cable} from {hca} to {meant.port.hca}, or correct the plan",
            )  # fmt: skip
            continue
        place = f", the place of {meant}" if meant is not None else ""
        yield Deviation(
            EXTRA, (at,), f"{node} {hca} is plugged into {end}{place}",
            f"take the cable of {node} {hca} out of {end}, or add it to the plan",
        )  # fmt: skip


def _placed(port: HostPort) -> str:
    return f"{port.node.name} ({port.node.place})" if port.node.place else port.node.name


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:_MOST_TOLD]) + (
        f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    )
