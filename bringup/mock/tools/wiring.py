"""Where every cable of the fabric ends now: which port of which switch a host or a spine is plugged into.

The numbers of a leaf's host ports come from the plan, those of its uplinks follow from it: from the middle of the
switch upwards, in the ports that the plan leaves free. A host's cable that was moved into the port of an uplink puts
that uplink into another free port, or out of the switch where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.mock.cluster import Cluster
from bringup.mock.fabric import Fabric
from bringup.mock.hardware import Hca, SimNode
from bringup.mock.tools.switchgear import SwitchKind, kind_for, leaf_kinds
from bringup.model import Node

LAST_NUMBER = 254
"""A port number is a byte, and the last two mean something else."""

_CAGE = re.compile(r"(?:IB)?(?:[0-9]{1,2}/)?(?P<cage>[0-9]{1,3})/(?P<lane>[12])")
_LAST = re.compile(r".*?(?P<number>[0-9]{1,4})")


def port_number(text: str) -> int | None:
    """The port that a plan means by 17, 1/17, swp17, or by 9/1 and IB1/9/1: the first of two in the ninth cage."""
    if cage := _CAGE.fullmatch(text):
        return (int(cage["cage"]) - 1) * 2 + int(cage["lane"]) if int(cage["cage"]) else None
    last = _LAST.fullmatch(text)
    return int(last["number"]) or None if last else None


@dataclass(frozen=True, slots=True)
class Plug:
    """The end of a cable at a node, whether or not it has a link."""

    node: SimNode
    hca: Hca


@dataclass(frozen=True, slots=True)
class Uplink:
    """One cable between a leaf and a spine. `carries_gbps` is what is left of its rate."""

    leaf: str
    leaf_port: int
    spine: str
    spine_port: int
    rate_gbps: float
    carries_gbps: float


@dataclass(frozen=True, slots=True)
class Wiring:
    """The InfiniBand switches: `hosts` by switch and port number, `kinds`, and `sizes`, how many ports each has."""

    hosts: Mapping[str, Mapping[int, Plug]]
    uplinks: tuple[Uplink, ...]
    kinds: Mapping[str, SwitchKind]
    sizes: Mapping[str, int]


def wiring(cluster: Cluster) -> Wiring:
    """All cables of the InfiniBand networks as they are now.

    A leaf that has more cables by the plan than its model has ports is one of several times that size.
    """
    fabric = cluster.fabric
    planned = _planned(cluster.plans)
    hosts = {
        name: {number: plug for number, plug in ports.items() if plug.hca.layer == "InfiniBand"}
        for name, ports in _hosts(cluster, planned).items()
    }
    kinds = leaf_kinds(cluster)
    islands = hosts.keys() - kinds.keys() - {plan.name for plan in cluster.plans}
    for name in sorted(name for name in islands if hosts[name]):
        kinds[name] = kind_for(max(plug.hca.kind.rate_gbps for plug in hosts[name].values()))
    sizes: dict[str, int] = {}
    for name, kind in kinds.items():
        leaf = fabric.leaves.get(name)
        most = max((*planned.get(name, {}).values(), *hosts.get(name, {}), 1))
        need = max(most, min(LAST_NUMBER, 2 * leaf.ports if leaf and leaf.uplinks else 0))
        sizes[name] = -(-need // kind.ports) * kind.ports
    spine = max(kinds.values(), key=lambda kind: kind.rate_gbps, default=kind_for(0))
    uplinks = tuple(_uplinks(fabric, planned, hosts, sizes, spine.ports))
    spines = {uplink.spine for uplink in uplinks}
    kinds |= dict.fromkeys(sorted(spines), spine)
    return Wiring(hosts, uplinks, kinds, sizes | dict.fromkeys(spines, spine.ports))


def host_ports(cluster: Cluster) -> Mapping[str, Mapping[int, Plug]]:
    """By switch and port number, the ends of all cables to hosts, of whatever network."""
    return _hosts(cluster, _planned(cluster.plans))


# ------------------------------------------------------------------------------------------------- hosts

Numbers = dict[str, dict[tuple[str, str], int]]


def _planned(plans: Sequence[Node]) -> Numbers:
    """By leaf, the port number of every planned cable; those that the plan does not number take the lowest free."""
    found: Numbers = {}
    unnumbered: list[tuple[str, tuple[str, str]]] = []
    for plan in plans:
        for port in (port for port in plan.ports if port.leaf):
            number = port_number(port.leaf_port)
            own = found.setdefault(port.leaf, {})
            if number is None or number in own.values():
                unnumbered.append((port.leaf, (plan.name, port.hca)))
            else:
                own[plan.name, port.hca] = number
    for leaf, end in unnumbered:
        own = found[leaf]
        own[end] = _free(set(own.values()))
    return found


def _hosts(cluster: Cluster, planned: Numbers) -> dict[str, dict[int, Plug]]:
    """Cables in their planned places first, then those that were moved."""
    found: dict[str, dict[int, Plug]] = {}
    moved: list[Plug] = []
    for node in cluster.all_seen():
        plan = {port.hca: (port.leaf, port.leaf_port) for port in node.plan.ports}
        for hca in node.hcas:
            if not hca.leaf or not hca.present:
                continue
            if plan.get(hca.name) == (hca.leaf, hca.leaf_port):
                found.setdefault(hca.leaf, {})[planned[hca.leaf][node.name, hca.name]] = Plug(node, hca)
            else:
                moved.append(Plug(node, hca))
    for plug in moved:
        taken = found.setdefault(plug.hca.leaf, {})
        wanted = port_number(plug.hca.leaf_port)
        taken[_free(set(taken)) if wanted is None or wanted in taken else wanted] = plug
    return found


def _free(taken: set[int]) -> int:
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


# ------------------------------------------------------------------------------------------------- uplinks


def _uplinks(
    fabric: Fabric,
    planned: Numbers,
    hosts: Mapping[str, Mapping[int, Plug]],
    sizes: Mapping[str, int],
    ports: int,
) -> Iterator[Uplink]:
    """Every uplink that is there."""
    leaves = [leaf for leaf in fabric.leaves.values() if leaf.name in sizes and leaf.uplinks]
    if not leaves:
        return
    shares = [_whole(leaf.ports / len(fabric.spines) for _ in fabric.spines) for leaf in leaves]
    totals = [sum(counts) for counts in zip(*shares, strict=True)]
    cores = [_Core(spine, -(-total // ports)) for spine, total in zip(fabric.spines, totals, strict=True)]
    for turn, (leaf, counts) in enumerate(zip(leaves, shares, strict=True)):
        free = set(planned[leaf.name].values()), set(hosts.get(leaf.name, {}))
        numbers = iter(_numbers(sizes[leaf.name], *free, sum(counts)))
        there = _whole(uplinks.count for uplinks in leaf.uplinks.values())
        for k, core in enumerate(cores):
            bundle = leaf.uplinks[core.name]
            for cable in range(counts[k]):
                number, (spine, spine_port) = next(numbers), core.plug(turn)
                if number is not None and cable < there[k]:
                    gbps = bundle.rate_gbps
                    yield Uplink(leaf.name, number, spine, spine_port, gbps, gbps * bundle.fraction)


class _Core:
    """One spine of the model. With more cables than a switch has ports it is several switches of its name."""

    def __init__(self, name: str, switches: int) -> None:
        self.name = name
        self._names = [name] if switches < 2 else [f"{name}-{k + 1:02}" for k in range(switches)]
        self._used = [0 for _ in self._names]

    def plug(self, turn: int) -> tuple[str, int]:
        """The next port: of the switch with the fewest cables, beginning with another one for each leaf."""
        many = len(self._names)
        least = min(range(many), key=lambda k: (self._used[k], (k - turn) % many))
        self._used[least] += 1
        return self._names[least], self._used[least]


def _whole(counts: Iterator[float]) -> list[int]:
    """Whole cables of which as many are there as the counts allow, spread as they are."""
    found: list[int] = []
    total = 0.0
    for count in counts:
        total += count
        found.append(int(total + 1e-6) - sum(found))
    return found


def _numbers(size: int, planned: set[int], taken: set[int], count: int) -> list[int | None]:
    """The leaf port of each of so many uplinks; None: there is no port left for it."""
    order = [*range(size // 2 + 1, size + 1), *range(1, size // 2 + 1)]
    order = [number for number in order if number <= LAST_NUMBER]
    usual = [number for number in order if number not in planned]
    left = iter([n for n in (*usual[count:], *(n for n in order if n in planned)) if n not in taken])
    own = [number if number not in taken else next(left, None) for number in usual[:count]]
    return [*own, *(None for _ in range(count - len(own)))]
