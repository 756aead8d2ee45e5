"""RDMA: how long one small message takes from one port to one port of another node, on the same rail."""

from __future__ import annotations

from bringup.battery import port_pairs, port_tests
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Limit, Pair


class WriteLatency(port_tests.LatencyTest):
    """A small message takes no longer than planned between two ports of a rail."""

    id = "rdma.write-lat"
    tool = "ib_write_lat"
    quantity = "write_lat"
    faults = (
        Fault(
            "RDMA-LAT",
            "{at} answers late",
            "compare power settings (C-states, governor) and firmware of {node} with its neighbours; look at the errors of"
            " {at} and at congestion on {leaf}",
            Who.HANDS_ON,
            Severity.MONITOR,
            explained_by=(
                *port_pairs.PORT_CAUSES,
                "RDMA-CONNECT",
                "RDMA-BW",
                "RDMA-RETRANSMITS",
                "VERSION-MINORITY",
            ),
        ),
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )

    def limit(self, target: Pair, ctx: Context) -> Limit:
        return ctx.limit(target.a, "rdma.write_lat")
