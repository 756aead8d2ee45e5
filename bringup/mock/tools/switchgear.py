"""Models of InfiniBand switches, and which one each leaf of the plan is: the one that fits its nodes' adapters."""

from __future__ import annotations

from dataclasses import dataclass

from bringup.mock.cluster import Cluster

AGGREGATION_ID = 0xCF09


@dataclass(frozen=True, slots=True)
class SwitchKind:
    """A model of switch with so many ports for cables. It has one more inside, for its aggregation node."""

    model: str
    device_id: int
    ports: int
    rate_gbps: int


_KINDS = (
    SwitchKind("MQM8700", 0xD2F0, 40, 200),
    SwitchKind("MQM9700", 0xD2F2, 64, 400),
    SwitchKind("Q3400_RA", 0xD2F4, 144, 800),
)


def kind_for(rate_gbps: float) -> SwitchKind:
    """The smallest model that is fast enough."""
    return next((kind for kind in _KINDS if kind.rate_gbps >= rate_gbps), _KINDS[-1])


def leaf_kinds(cluster: Cluster) -> dict[str, SwitchKind]:
    """The InfiniBand leaves that the plan names. A leaf of Ethernet nodes is no part of any subnet."""
    rates: dict[str, int] = {}
    nodes = {plan.name for plan in cluster.plans}
    for plan, seat in zip(cluster.plans, cluster.seats, strict=True):
        for port in plan.ports if seat.shape.layer == "InfiniBand" else ():
            if port.leaf and port.leaf not in nodes:
                rates[port.leaf] = max(seat.shape.hca.rate_gbps, rates.get(port.leaf, 0))
    return {leaf: kind_for(rate) for leaf, rate in sorted(rates.items())}
