"""RDMA: what one port really moves to one port of another node, on the same rail."""

from __future__ import annotations

from bringup.battery import port_pairs, port_tests
from bringup.context import Context
from bringup.defects import Fault
from bringup.model import Limit, Pair


class WriteBandwidth(port_tests.BandwidthTest):
    """Two ports of a rail move data at the planned bandwidth."""

    id = "rdma.write-bw"
    tool = "ib_write_bw"
    quantity = "write_bw"
    faults = (
        Fault(
            "RDMA-BW",
            "{at} moves too little data",
            "look at slot width and error counters of {at}; clean and reseat {cable} at both ends ({leaf} {leaf_port});"
            " then swap the cable, then the adapter",
            explained_by=(*port_pairs.PORT_CAUSES, "RDMA-CONNECT", "RDMA-RETRANSMITS", "VERSION-MINORITY"),
        ),
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )

    def limit(self, target: Pair, ctx: Context) -> Limit:
        return ctx.limit(target.a, "rdma.write_bw")
