"""RDMA: all rails of two nodes at the same time, as every training step does."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import flows, port_pairs
from bringup.battery.flows import CleanFlowsTest, Results
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Pair
from bringup.parsers.perftest_flows import Flow


class AllRails(CleanFlowsTest):
    """All ports of two nodes together carry nearly what each of them carries alone, and count no errors meanwhile."""

    id = "rdma.all-rails"
    per_rail = False
    ports = 32
    faults = (
        Fault(
            "RDMA-ALL-RAILS",
            "the ports of {at} hold each other back",
            "if each port alone is fast: look at the PCIe switches that ports of {node} share, at memory population and"
            " numa binding, and at the uplinks of its leaves",
            explained_by=(
                *port_pairs.PORT_CAUSES,
                "RDMA-CONNECT",
                "RDMA-BW",
                "RDMA-RETRANSMITS",
                "MEMORY-SIZE",
                "UPLINK-MISSING",
                "LEAF-SLOW",
            ),
        ),
        flows.DIRTY,
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )

    def transfers(self, target: Pair, ctx: Context) -> tuple[Flow, ...]:
        both = flows.rails(target, ctx)
        if not 2 <= len(both) <= self.ports:
            raise NotApplicable(
                f"{target.a.name} and {target.b.name} share {len(both)} rails: rdma.write-bw tests each"
            )
        options = self.options(target, ctx)
        return tuple(Flow(near.hca, far.hca, options=options) for near, far in both)

    def compare(self, target: Pair, found: Results, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from flows.broken(target, found)
        rates = [result.gbps for result in found if result.gbps is not None]
        for result in found:
            if result.gbps is not None:
                yield Measurement(
                    "with all others", round(result.gbps, 3), "Gb/s", flows.path(target, result.flow)
                )
        if len(rates) == len(found):
            floor = ctx.limit(target.a, "rdma.write_bw").value
            if isinstance(floor, int | float) and floor > 0:
                share = round(100 * sum(rates) / (len(rates) * floor), 1)
                limit = ctx.limit(target.a, "rdma.all_rails_share")
                at = f"{target.a.name} ~ {target.b.name}"
                yield Measurement("all rails", share, "% of the floors together", at, limit, "RDMA-ALL-RAILS")
