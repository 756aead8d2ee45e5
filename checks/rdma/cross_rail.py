"""RDMA: every adapter reaches every other, also across rails: collectives and storage need it sooner or later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.battery import flows, port_pairs
from bringup.battery.flows import FlowsTest, Results
from bringup.context import Context
from bringup.defects import Fault, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Pair
from bringup.parsers.perftest_flows import Flow

_SMALL = "-s 64 -n 100 -F --report_gbits"
_EACH_S = 1.5


class CrossRail(FlowsTest):
    """Every port of a node reaches every port of another node, whatever their rails.

    Not asked where rails are networks of their own by design: fact `fabric.cross_rail` false.
    """

    id = "rdma.cross-rail"
    per_rail = False
    rounds = 1
    ports = 256
    at_once = False
    faults = (
        Fault(
            "RDMA-CROSS",
            "some ports of {at} do not reach ports of other rails",
            "look at routes and addresses between the rails: on RoCE a route and a rule for each interface, on InfiniBand"
            " partition keys and the subnet manager's routes",
            Who.CONFIGURATION,
            explained_by=(*port_pairs.PORT_CAUSES, "RDMA-CONNECT", "ROCE-GID", "LINK-ADDRESS", "LINK-PKEY"),
        ),
        port_pairs.SETUP,
    )

    def transfers(self, target: Pair, ctx: Context) -> tuple[Flow, ...]:
        if ctx.fact_if_any(target.a, "fabric.cross_rail") is False:
            raise NotApplicable(f"the rails of profile {target.a.profile} are networks of their own")
        both = flows.rails(target, ctx)
        pairs = [(near, far) for near, _ in both for _, far in both if near.rail != far.rail]
        if not 0 < len(pairs) <= self.ports:
            raise NotApplicable(f"{target.a.name} and {target.b.name} share {len(both)} rails")
        return tuple(Flow(near.hca, far.hca, options=_SMALL) for near, far in pairs)

    def lasts_s(self, target: Pair, flows: Sequence[Flow], ctx: Context) -> float:
        return _EACH_S * len(flows)

    def compare(self, target: Pair, found: Results, ctx: Context) -> Iterator[Measurement | Finding]:
        cut = [result for result in found if result.why is not None and result.why.cause.fabric]
        at = f"{target.a.name} ~ {target.b.name}"
        if cut:
            first, *more = [f"{r.flow.client_hca} to {r.flow.server_hca}" for r in cut]
            others = f" and {len(more)} more" if more else ""
            yield Finding(
                "RDMA-CROSS",
                f"{len(cut)} of {len(found)} do not get through: {first}{others} ({cut[0].why})",
                at,
            )
        yield from flows.broken(target, [result for result in found if result not in cut])
        limit = ctx.limit(target.a, "rdma.cross_rail.unreachable")
        yield Measurement("unreachable across rails", len(cut), "of port pairs", at, limit, "RDMA-CROSS")
