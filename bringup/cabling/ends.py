"""Where the ports of hosts really end: from GUIDs and neighbours to switch names and ports, in one form for all networks.

An adapter is known by its GUID, because the name that it carries in the fabric may be stale, wrong or never set. Only
of nodes whose GUIDs nobody could read the name counts. A switch without a name of its own is the leaf for which the
plan meant most of its cables.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bringup.cabling.fabric import Fabric
from bringup.cabling.ports import same_ib_port, same_port, same_switch
from bringup.model import Node, Port, port_path
from bringup.parsers.ib_names import host_and_device


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A port of a switch. `names` are all names of the port, the one to show first; `number` is InfiniBand's."""

    switch: str
    names: tuple[str, ...]
    number: int | None = None

    def __str__(self) -> str:
        return f"{self.switch} port {self.names[0]}" if self.names else self.switch

    def is_port(self, planned: str) -> bool | None:
        """Whether it is the planned port; None where the names cannot be compared."""
        if self.number is not None:
            return same_ib_port(planned, self.number)
        return same_port(planned, self.names)


@dataclass(frozen=True, slots=True)
class HostPort:
    """One planned port of a node with what the plan says of its cable. Without `leaf` the plan says nothing."""

    node: Node
    port: Port

    @property
    def at(self) -> str:
        return port_path(self.node.name, self.port.hca)

    def __str__(self) -> str:
        return f"{self.node.name} {self.port.hca}"

    @property
    def planned(self) -> str:
        return f"{self.port.leaf} port {self.port.leaf_port}"

    @property
    def cable(self) -> str:
        """The cable by its label, else by whose it is."""
        return f"cable {self.port.cable}" if self.port.cable else f"the cable of {self}"


@dataclass(frozen=True)
class Sight:
    """Where ports end, by component path; planned ports that are absent were not seen. `notes` are told and no fault.

    `switches` are the names of all InfiniBand switches by GUID, as they are used here.
    """

    ends: Mapping[str, FarEnd] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    switches: Mapping[str, str] = field(default_factory=dict)


def planned_ports(nodes: Iterable[Node], ports: Mapping[str, tuple[Port, ...]]) -> tuple[HostPort, ...]:
    """All planned ports, node by node."""
    return tuple(HostPort(node, port) for node in nodes for port in ports.get(node.name, ()))


def leaf_name(name: str, leaves: Iterable[str]) -> str:
    """A switch's name as the plan writes it, else as it is."""
    known = tuple(leaves)
    return next((leaf for leaf in known if leaf == name), None) or next(
        (leaf for leaf in known if same_switch(leaf, name)), name
    )


def in_fabric(fabric: Fabric, guids: Mapping[str, str], planned: Iterable[HostPort]) -> Sight:
    """Where the adapters end. `guids` are component paths of adapters by GUID, as their nodes tell them."""
    planned = tuple(planned)
    told = {path.partition("/")[0] for path in guids.values()}
    silent = {port.node.name for port in planned} - told
    places: dict[tuple[str, int], str] = {}
    named = 0
    for guid, number in fabric.hosts:
        path = guids.get(guid)
        if path is None:
            who = host_and_device(fabric.adapters.get(guid, ""))
            if who is None or who[0] not in silent:
                continue
            path = f"{who[0]}/hca/{who[1]}"
            named += 1
        places[guid, number] = f"{path}/port/{number}"
    twice = {path for path, count in Counter(places.values()).items() if count > 1}
    by_path = {path: fabric.hosts[key] for key, path in places.items() if path not in twice}
    names = _names(fabric, {path: at.switch for path, at in by_path.items()}, planned)
    ends = {path: FarEnd(names[at.switch], (str(at.port),), at.port) for path, at in by_path.items()}
    notes = list(fabric.trouble)
    if named:
        notes.append(f"{named} ports are known only by the name that their adapter carries in the fabric")
    if fabric.shared:
        notes.append(
            f"{len(fabric.shared)} adapters were seen at two places (one GUID twice) and were left out"
        )
    return Sight(ends, tuple(notes), names)


def _names(fabric: Fabric, on: Mapping[str, str], planned: Iterable[HostPort]) -> dict[str, str]:
    """The name to use for each switch: as planned, by vote of its cables, else its own; unlike switches differ."""
    leaf_of = {port.at: port.port.leaf for port in planned if port.port.leaf}
    leaves = dict.fromkeys(leaf_of.values())
    found: dict[str, str] = {}
    for guid, name in fabric.switches.items():
        match = leaf_name(name, leaves)
        if match in leaves:
            found[guid] = match
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for path, guid in on.items():
        if guid not in found and path in leaf_of:
            votes[guid][leaf_of[path]] += 1
    for guid, mine in votes.items():
        leaf, count = mine.most_common(1)[0]
        if leaf not in found.values() and count * 2 > sum(mine.values()):
            found[guid] = leaf
    doubled = {name for name, count in Counter(fabric.switches.values()).items() if count > 1}
    for guid, name in fabric.switches.items():
        found.setdefault(guid, f"{name} ({guid})" if name in doubled or not name else name)
    return found
