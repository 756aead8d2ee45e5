"""RDMA: what one port fetches from one port of another node, on the same rail."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import port_pairs
from bringup.check import Check, Outputs, Plan
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault
from bringup.model import Finding, Level, Measurement, Pair, Stage
from bringup.parsers import perftest


class ReadBandwidth(Check[Pair]):
    """Two ports of a rail fetch data at the planned bandwidth: reads need buffers that writes do not."""

    id = "rdma.read-bw"
    stage = Stage.RDMA
    level = Level.FULL
    rounds = 2
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

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return port_pairs.plan(target, *_commands(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        text = yield from port_pairs.client_text(target, out, ctx, *_commands(target, ctx))
        if text is not None:
            gbps = perftest.bandwidths(text)[-1].average_gbps
            limit = ctx.limit_or_none(target.a, "rdma.read_bw") or ctx.limit(target.a, "rdma.write_bw")
            yield Measurement("read_bw", round(gbps, 6), "Gb/s", port_pairs.path(target, ctx), limit)


def _commands(target: Pair, ctx: Context) -> tuple[Command, Command]:
    """The server's and the client's."""
    near, far = (port_pairs.hca(node, target, ctx) for node in target.nodes)
    seconds = ctx.number(target.a, "perftest.seconds")
    return (
        perftest.bandwidth("ib_read_bw", far, ctx.listen_port, seconds),
        perftest.bandwidth("ib_read_bw", near, ctx.listen_port, seconds, port_pairs.peer(target)),
    )
