"""The InfiniBand subnet as its management packets show it from one port: switches, adapters, and the links between.

Everything is read from the simulated parts when it is asked for: hosts' ports, leaves, uplinks. As on real switches,
the last port of each holds its aggregation node, which looks like an adapter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bringup.mock.cluster import Cluster
from bringup.mock.fabric import Leaf
from bringup.mock.hardware import Hca, Logical, Physical
from bringup.mock.shapes import LINK_GENERATIONS
from bringup.mock.tools.switchgear import AGGREGATION_ID
from bringup.mock.tools.wiring import Plug, Uplink, Wiring, wiring

NO_LID = 65535
_FIRST_HOST_LID = 16


@dataclass(frozen=True, slots=True)
class Link:
    """A link as one of its ends sees it. `generation` is the speed of a lane, `best` what both ends could do."""

    far: Device
    far_port: int
    lanes: int
    generation: str
    best: str
    active: bool


@dataclass(slots=True)
class Device:
    """One switch or adapter. `lid` is a switch's own, or that of an adapter's one port; `plugs` are cables to hosts.

    `uplinks` are a switch's cables to other switches, by port.
    """

    kind: str
    guid: int
    name: str
    device_id: int
    ports: int
    lid: int
    hca: Hca | None = None
    leaf: Leaf | None = None
    links: dict[int, Link] = field(default_factory=dict)
    plugs: Mapping[int, Plug] = field(default_factory=dict)
    uplinks: dict[int, Uplink] = field(default_factory=dict)

    @property
    def is_switch(self) -> bool:
        return self.kind == "SW"


@dataclass(frozen=True, slots=True)
class Subnet:
    """What is reachable from `start`, the last one found first. `manager` is the switch whose subnet manager rules."""

    start: Device
    devices: tuple[Device, ...]
    manager: Device | None


def subnet(cluster: Cluster, start: Plug) -> Subnet:
    """The subnet as a port sees it now."""
    found = _Devices(cluster)
    own = found.adapter(start)
    seen = {own.guid: own}
    queue = deque([own])
    while queue:
        device = queue.popleft()
        for number in sorted(device.links):
            far = device.links[number].far
            if far.guid not in seen:
                seen[far.guid] = far
                queue.append(far)
    manager = found.manager
    reachable = manager is not None and manager.guid in seen
    return Subnet(own, tuple(reversed(seen.values())), manager if reachable and found.managed else None)


class _Devices:
    """All devices of the cluster's InfiniBand networks, linked to each other."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        plugs = [Plug(node, hca) for node in cluster.all_seen() for hca in node.hcas if _in_fabric(hca)]
        self.managed = any(plug.hca.sm_lid for plug in plugs)
        self._adapters: dict[int, Device] = {}
        wires = wiring(cluster)
        self._switches = self._make_switches(wires)
        self.manager = next(iter(self._switches.values()), None)
        self._link_uplinks(wires.uplinks)
        for name, ports in wires.hosts.items():
            switch = self._switches.get(name)
            for number, plug in ports.items():
                if switch is not None:
                    self._link_host(switch, number, plug, wires.kinds[name].rate_gbps)
        self._link_pairs(plugs)

    def adapter(self, plug: Plug) -> Device:
        """The adapter behind a plug. Adapters of the same GUID are one, as for anybody who asks the subnet."""
        hca = plug.hca
        guid = int(hca.guid.replace(":", ""), 16)
        known = self._adapters.get(guid)
        if known is None:
            name = f"{plug.node.hostname} {hca.name}"
            lid = hca.lid if hca.active else NO_LID
            known = Device("CA", guid, name, int(hca.kind.device_id, 16), 1, lid, hca)
            self._adapters[guid] = known
        return known

    def _make_switches(self, wires: Wiring) -> dict[str, Device]:
        """The spines first: the subnet manager runs on the first switch, which has LID 1."""
        fabric, seats = self._cluster.fabric, self._cluster.seats
        names = sorted(wires.sizes, key=lambda name: (name in fabric.leaves or name in wires.hosts, name))
        lid = _FIRST_HOST_LID + len(seats) * max(len(seat.shape.hca_bdfs) for seat in seats)
        found: dict[str, Device] = {}
        for k, name in enumerate(names):
            if fabric.is_off(name):
                continue
            kind, rng = wires.kinds[name], self._cluster.random("switch", name)
            switch = Device(
                kind="SW",
                guid=0x2C5EAB03 << 32 | rng.getrandbits(27) << 5,
                name=f"MF0;{name}:{kind.model}/U1",
                device_id=kind.device_id,
                ports=wires.sizes[name] + 1,
                lid=(lid + 2 * k if k else 1) if self.managed else 0,
                leaf=fabric.leaves.get(name),
                plugs=wires.hosts.get(name, {}),
            )
            inside = Device(
                "CA", switch.guid + 16, "Mellanox Technologies Aggregation Node", AGGREGATION_ID, 1, 0
            )
            inside.lid = lid + 2 * k + 1 if self.managed else NO_LID
            self._link(switch, switch.ports, inside, 1, 4, kind.rate_gbps, kind.rate_gbps, self.managed)
            found[name] = switch
        return found

    def _link_uplinks(self, uplinks: Iterable[Uplink]) -> None:
        for cable in uplinks:
            leaf, spine = self._switches.get(cable.leaf), self._switches.get(cable.spine)
            if leaf is None or spine is None:
                continue
            leaf.uplinks[cable.leaf_port] = spine.uplinks[cable.spine_port] = cable
            ends = (leaf, cable.leaf_port, spine, cable.spine_port)
            self._link(*ends, 4, trained_gbps(cable), int(cable.rate_gbps), self.managed)

    def _link_host(self, switch: Device, number: int, plug: Plug, switch_gbps: int) -> None:
        hca = plug.hca
        if not _up(hca):
            return
        best = min(hca.kind.rate_gbps, switch_gbps)
        rate, active = hca.rate_gbps * 4 // hca.lanes, hca.logical is Logical.ACTIVE
        self._link(switch, number, self.adapter(plug), 1, hca.lanes, rate, best, active)

    def _link_pairs(self, plugs: Iterable[Plug]) -> None:
        """Cables from one node to another, without a switch."""
        by_port = {(plug.node.name, plug.hca.name): plug for plug in plugs}
        for (node, _), plug in by_port.items():
            far = by_port.get((plug.hca.leaf, plug.hca.leaf_port))
            if far is None or far.hca.leaf != node or not (_up(plug.hca) and _up(far.hca)):
                continue
            hca = plug.hca
            ends = (self.adapter(plug), 1, self.adapter(far), 1)
            self._link(*ends, hca.lanes, hca.rate_gbps * 4 // hca.lanes, hca.kind.rate_gbps, hca.active)

    @staticmethod
    def _link(
        a: Device, a_port: int, b: Device, b_port: int, lanes: int, rate: int, best: int, active: bool
    ) -> None:
        words = (lanes, generation(rate), generation(best), active)
        a.links[a_port] = Link(b, b_port, *words)
        b.links[b_port] = Link(a, a_port, *words)


def _in_fabric(hca: Hca) -> bool:
    return hca.present and hca.layer == "InfiniBand"


def _up(hca: Hca) -> bool:
    return _in_fabric(hca) and hca.physical is Physical.LINK_UP


def generation(rate_gbps: float) -> str:
    """The word for a rate over four lanes."""
    return LINK_GENERATIONS[max(rate for rate in LINK_GENERATIONS if rate <= max(rate_gbps, 10))]


def trained_gbps(cable: Uplink) -> int:
    """The rate at which a bad cable's link came up: the lowest that still carries what gets through."""
    return min((r for r in LINK_GENERATIONS if r >= cable.carries_gbps), default=int(cable.rate_gbps))
