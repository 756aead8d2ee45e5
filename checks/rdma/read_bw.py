"""RDMA: what one port fetches from one port of another node, on the same rail."""

from __future__ import annotations

from bringup.battery import port_pairs, port_tests
from bringup.context import Context
from bringup.defects import Fault
from bringup.model import Level, Limit, Pair


class ReadBandwidth(port_tests.BandwidthTest):
    """Two ports of a rail fetch data at the planned bandwidth: reads need buffers that writes do not."""

    id = "rdma.read-bw"
    level = Level.FULL
    rounds = 2
    tool = "ib_read_bw"
    quantity = "read_bw"
    faults = (
        Fault(
            "RDMA-READ-BW",
            "{at} fetches too little data",
            "compare firmware, PCIe read request size (MaxReadReq) and relaxed ordering of {at} with its neighbours; then"
            " clean and reseat {cable} at both ends ({leaf} {leaf_port})",
            explained_by=(
                *port_pairs.PORT_CAUSES,
                "RDMA-CONNECT",
                "RDMA-BW",
                "RDMA-RETRANSMITS",
                "PCIE-READ-REQUEST",
                "VERSION-MINORITY",
            ),
        ),
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )

    def limit(self, target: Pair, ctx: Context) -> Limit:
        return ctx.limit_or_none(target.a, "rdma.read_bw") or ctx.limit(target.a, "rdma.write_bw")
