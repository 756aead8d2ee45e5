"""RDMA: both directions of a cable at the same time, which a half-dead port or a narrow slot does not carry."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import flows, port_pairs
from bringup.battery.flows import CleanFlowsTest, Results
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NoLimit
from bringup.model import Finding, Measurement, Pair
from bringup.parsers.perftest_flows import Flow


class BothWays(CleanFlowsTest):
    """Two ports of a rail carry most of their rate in both directions at once, and count no errors meanwhile."""

    id = "rdma.bidirectional"
    rounds = 2
    faults = (
        Fault(
            "RDMA-BIDIR",
            "{at} carries too little in both directions at once",
            "look at slot width and PCIe settings of {at}; clean and reseat {cable} at both ends ({leaf} {leaf_port}); then"
            " swap the cable, then the adapter",
            explained_by=(
                *port_pairs.PORT_CAUSES,
                "RDMA-CONNECT",
                "RDMA-BW",
                "RDMA-DIRTY",
                "RDMA-RETRANSMITS",
                "VERSION-MINORITY",
            ),
        ),
        flows.DIRTY,
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )

    def transfers(self, target: Pair, ctx: Context) -> tuple[Flow, ...]:
        near, far = (port_pairs.hca(node, target, ctx) for node in target.nodes)
        return (Flow(near, far, options=f"{self.options(target, ctx)} -b"),)

    def compare(self, target: Pair, found: Results, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from flows.broken(target, found)
        rate = ctx.limit(target.a, "link.rate").value
        if isinstance(rate, str | bool) or rate <= 0:
            raise NoLimit(f"profile {target.a.profile}: link.rate is {rate!r}, needed Gb/s")
        for result in found:
            if result.gbps is not None:
                share = round(100 * result.gbps / (2 * rate), 1)
                limit = ctx.limit(target.a, "rdma.bidirectional_share")
                at = flows.path(target, result.flow)
                yield Measurement("both ways", share, "% of the link, both ways", at, limit, "RDMA-BIDIR")
