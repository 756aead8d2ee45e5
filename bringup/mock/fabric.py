"""The switches between the nodes: leaves and spines that follow from the plan, and what flows through them now.

Every leaf has as many uplinks as ports, spread evenly over the spines, so a healthy fabric never holds a flow back.
Routing is adaptive over healthy uplinks; a flow that is bound for a bad one stays on it, as with static routes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.mock.hardware import Hca, SimNode
from bringup.model import Node

_PORTS_PER_SPINE = 8
_MOST_SPINES = 16


@dataclass(slots=True)
class Uplinks:
    """The cables from one leaf to one spine. `fraction` is what each of them still carries."""

    count: float
    rate_gbps: float
    fraction: float = 1.0

    @property
    def gbps(self) -> float:
        """What all of them carry in one direction."""
        return self.count * self.rate_gbps * self.fraction


@dataclass(slots=True)
class Leaf:
    """One leaf switch. `fraction` is what each of its ports still carries, `extra_us` what it adds to each crossing.

    `ports` are those that the plan wires to nodes. No port that is wired to a leaf that is `off` has a link.
    """

    name: str
    ports: int
    fraction: float = 1.0
    extra_us: float = 0.0
    off: bool = False
    uplinks: dict[str, Uplinks] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hop:
    """A part of a flow's way: `gbps` are shared by all flows on it, and none gets more than `each_gbps`."""

    name: tuple[str, ...]
    gbps: float
    each_gbps: float


@dataclass(frozen=True, slots=True)
class End:
    """One end of a flow."""

    node: SimNode
    hca: Hca


class Fabric:
    """All leaves and spines. A leaf that the plan does not name is a switch of its own without uplinks to anywhere.

    The ports of a leaf are as fast as the fastest of its nodes' adapters (`rates_gbps`, node by node).
    `unheard` are nodes that no switch tells its name (LLDP).
    """

    def __init__(self, plans: Sequence[Node], rates_gbps: Sequence[float]) -> None:
        fastest: dict[str, float] = {}
        for plan, rate in zip(plans, rates_gbps, strict=True):
            fastest |= {port.leaf: max(rate, fastest.get(port.leaf, 0.0)) for port in plan.ports}
        sizes = Counter(port.leaf for plan in plans for port in plan.ports if port.leaf)
        most = max(sizes.values(), default=0)
        count = 0 if len(sizes) < 2 else min(_MOST_SPINES, max(2, -(-most // _PORTS_PER_SPINE)))
        self.spines = tuple(f"spine-{k + 1:02}" for k in range(count))
        self.leaves: dict[str, Leaf] = {}
        for name, ports in sorted(sizes.items()):
            uplinks = {spine: Uplinks(ports / count, fastest[name]) for spine in self.spines}
            self.leaves[name] = Leaf(name, ports, uplinks=uplinks)
        self.unheard: set[str] = set()
        self._flows: Counter[tuple[str, ...]] = Counter()

    def is_off(self, leaf: str) -> bool:
        """Whether a switch is known to be off."""
        return leaf in self.leaves and self.leaves[leaf].off

    def way(self, a: End, b: End) -> tuple[Hop, ...]:
        """The hops from a to b between their ports: leaves and, where they differ, uplinks."""
        here, there = self.leaves.get(a.hca.leaf), self.leaves.get(b.hca.leaf)
        ends = (("in", here, a), ("out", there, b))
        hops = [_port(way, leaf, end) for way, leaf, end in ends if leaf is not None]
        if here is None or there is None or here is there or not self.spines:
            return tuple(hops)
        spine = self.spines[a.node.index % len(self.spines)]
        for way, leaf in (("up", here), ("down", there)):
            total = sum(u.gbps for u in leaf.uplinks.values())
            hops.append(Hop((way, leaf.name), total, total))
            bundle = leaf.uplinks[spine]
            if bundle.fraction < 1:
                hops.append(Hop((way, leaf.name, spine), bundle.gbps, bundle.rate_gbps * bundle.fraction))
        return tuple(hops)

    def extra_us(self, a: End, b: End) -> float:
        """What the leaves on the way add to the latency."""
        crossed = {end.hca.leaf for end in (a, b)}
        return sum(leaf.extra_us for name in crossed if (leaf := self.leaves.get(name)) is not None)

    # ------------------------------------------------------------------------------------------- flows

    def begin(self, hops: Iterable[Hop]) -> None:
        """A flow begins on these hops."""
        self._flows.update(hop.name for hop in hops)

    def end(self, hops: Iterable[Hop]) -> None:
        """A flow is over."""
        self._flows.subtract(hop.name for hop in hops)
        self._flows += Counter()

    def share_gbps(self, hops: Iterable[Hop], more: Mapping[tuple[str, ...], int] | None = None) -> float:
        """What a flow on these hops gets now, or with these flows instead of those that run."""
        flows = self._flows if more is None else more
        shares = [min(hop.each_gbps, hop.gbps / max(1, flows.get(hop.name, 1))) for hop in hops]
        return min(shares, default=float("inf"))


def _port(way: str, leaf: Leaf, end: End) -> Hop:
    """A port of a leaf in one direction: traffic from a node goes in, traffic to it out."""
    gbps = end.hca.rate_gbps * leaf.fraction
    return Hop((way, leaf.name, end.node.name, end.hca.name), gbps, gbps)
