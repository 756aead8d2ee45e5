"""RDMA: how long a small message takes that the other side must take in itself, on the same rail."""

from __future__ import annotations

from bringup.battery import port_pairs, port_tests
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Level, Limit, Pair


class SendLatency(port_tests.LatencyTest):
    """A small message that wakes the other side takes no longer than planned between two ports of a rail."""

    id = "rdma.send-lat"
    level = Level.FULL
    rounds = 2
    tool = "ib_send_lat"
    quantity = "send_lat"
    faults = (
        Fault(
            "RDMA-SEND-LAT",
            "{at} takes messages in late",
            "compare power settings (C-states, governor), interrupts and firmware of {node} with its neighbours",
            Who.HANDS_ON,
            Severity.MONITOR,
            explained_by=(
                *port_pairs.PORT_CAUSES,
                "RDMA-CONNECT",
                "RDMA-LAT",
                "RDMA-BW",
                "RDMA-RETRANSMITS",
                "CPU-GOVERNOR",
                "VERSION-MINORITY",
            ),
        ),
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )

    def limit(self, target: Pair, ctx: Context) -> Limit:
        return ctx.limit_or_none(target.a, "rdma.send_lat") or ctx.limit(target.a, "rdma.write_lat")
