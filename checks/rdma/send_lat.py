"""RDMA: how long a small message takes that the other side must take in itself, on the same rail."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import port_pairs
from bringup.check import Check, Outputs, Plan
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Level, Measurement, Pair, Stage
from bringup.parsers import perftest


class SendLatency(Check[Pair]):
    """A small message that wakes the other side takes no longer than planned between two ports of a rail."""

    id = "rdma.send-lat"
    stage = Stage.RDMA
    level = Level.FULL
    rounds = 2
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

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return port_pairs.plan(target, *_commands(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        text = yield from port_pairs.client_text(target, out, ctx, *_commands(target, ctx))
        if text is not None:
            row, at = perftest.latencies(text)[-1], port_pairs.path(target, ctx)
            limit = ctx.limit_or_none(target.a, "rdma.send_lat") or ctx.limit(target.a, "rdma.write_lat")
            yield Measurement("send_lat", row.middle_us, "us", at, limit)
            if row.p99_us is not None:
                yield Measurement("send_lat_p99", row.p99_us, "us", at)


def _commands(target: Pair, ctx: Context) -> tuple[Command, Command]:
    """The server's and the client's."""
    near, far = (port_pairs.hca(node, target, ctx) for node in target.nodes)
    return (
        perftest.latency("ib_send_lat", far, ctx.listen_port),
        perftest.latency("ib_send_lat", near, ctx.listen_port, port_pairs.peer(target)),
    )
