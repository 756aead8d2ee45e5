"""RDMA: all ports of one node send to one port of another, which only flow control and fair switches carry well."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import flows, port_pairs
from bringup.battery.flows import CleanFlowsTest, Results
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Pair
from bringup.parsers.perftest_flows import Flow


class Incast(CleanFlowsTest):
    """Many senders share one receiver fairly, and lose nothing of its bandwidth.

    Not asked where rails are networks of their own by design: fact `fabric.cross_rail` false.
    """

    id = "rdma.incast"
    per_rail = False
    rounds = 1
    ports = 32
    faults = (
        Fault(
            "RDMA-INCAST",
            "many senders to {at} get too little, or unequal shares",
            "compare flow control (PFC, ECN, buffers; credits on InfiniBand) of {node}'s ports and of their leaves with those"
            " of good nodes",
            Who.CONFIGURATION,
            Severity.MONITOR,
            explained_by=(
                *port_pairs.PORT_CAUSES, "RDMA-CONNECT", "RDMA-BW", "RDMA-CROSS", "ROCE-QOS", "RDMA-RETRANSMITS",
                "RDMA-ALL-RAILS", "LEAF-SLOW",
            ),
        ),
        flows.DIRTY,
        port_pairs.SETUP,
    )  # fmt: skip

    def transfers(self, target: Pair, ctx: Context) -> tuple[Flow, ...]:
        if ctx.fact_if_any(target.a, "fabric.cross_rail") is False:
            raise NotApplicable(f"the rails of profile {target.a.profile} are networks of their own")
        both = flows.rails(target, ctx)
        if not 2 <= len(both) <= self.ports:
            raise NotApplicable(f"{target.a.name} and {target.b.name} share {len(both)} rails")
        options = self.options(target, ctx)
        return tuple(Flow(near.hca, both[0][1].hca, options=options) for near, _ in both)

    def compare(self, target: Pair, found: Results, ctx: Context) -> Iterator[Measurement | Finding]:
        at = f"{target.a.name} ~ {target.b.name}"
        rates = [result.gbps for result in found if result.gbps is not None]
        for result in found:
            if result.why is not None and result.why.cause.fabric:
                yield Finding("RDMA-INCAST", f"{result.flow.client_hca}: {result.why}", at)
        yield from flows.broken(target, [r for r in found if r.why is not None and not r.why.cause.fabric])
        floor = ctx.limit(target.a, "rdma.write_bw").value
        if len(rates) == len(found) and isinstance(floor, int | float) and floor > 0:
            share, fair = ctx.limit(target.a, "rdma.incast_share"), ctx.limit(target.a, "rdma.incast_fair")
            together = round(100 * sum(rates) / floor, 1)
            yield Measurement("into one port", together, "% of its floor", at, share, "RDMA-INCAST")
            least = round(100 * min(rates) * len(rates) / max(sum(rates), 1e-9), 1)
            yield Measurement("least share", least, "% of an equal share", at, fair, "RDMA-INCAST")
