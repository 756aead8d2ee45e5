"""RDMA: what one port really moves to one port of another node, on the same rail."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import port_pairs
from bringup.check import Check, Outputs, Plan
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault
from bringup.model import Finding, Level, Measurement, Pair, Stage
from bringup.parsers import perftest


class WriteBandwidth(Check[Pair]):
    """Two ports of a rail move data at the planned bandwidth."""

    id = "rdma.write-bw"
    stage = Stage.RDMA
    level = Level.STANDARD
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

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return port_pairs.plan(target, *_commands(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        text = yield from port_pairs.client_text(target, out, ctx, *_commands(target, ctx))
        if text is not None:
            gbps = perftest.bandwidths(text)[-1].average_gbps
            at, limit = port_pairs.path(target, ctx), ctx.limit(target.a, "rdma.write_bw")
            yield Measurement("write_bw", round(gbps, 6), "Gb/s", at, limit)


def _commands(target: Pair, ctx: Context) -> tuple[Command, Command]:
    """The server's and the client's."""
    near, far = (port_pairs.hca(node, target, ctx) for node in target.nodes)
    seconds = ctx.number(target.a, "perftest.seconds")
    return (
        perftest.write_bw_server(far, ctx.listen_port, seconds),
        perftest.write_bw_client(near, ctx.listen_port, seconds, port_pairs.peer(target)),
    )
