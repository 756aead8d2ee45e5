"""RDMA: how long one small message takes from one port to one port of another node, on the same rail."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import port_pairs
from bringup.check import Check, Outputs, Plan
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Level, Measurement, Pair, Stage
from bringup.parsers import perftest


class WriteLatency(Check[Pair]):
    """A small message takes no longer than planned between two ports of a rail."""

    id = "rdma.write-lat"
    stage = Stage.RDMA
    level = Level.STANDARD
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

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return port_pairs.plan(target, *_commands(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        text = yield from port_pairs.client_text(target, out, ctx, *_commands(target, ctx))
        if text is not None:
            row, at = perftest.latencies(text)[-1], port_pairs.path(target, ctx)
            # The median: one late message of a thousand says nothing about the path.
            yield Measurement("write_lat", row.middle_us, "us", at, ctx.limit(target.a, "rdma.write_lat"))
            if row.p99_us is not None:
                yield Measurement("write_lat_p99", row.p99_us, "us", at)


def _commands(target: Pair, ctx: Context) -> tuple[Command, Command]:
    """The server's and the client's."""
    near, far = (port_pairs.hca(node, target, ctx) for node in target.nodes)
    return (
        perftest.write_lat_server(far, ctx.listen_port),
        perftest.write_lat_client(near, ctx.listen_port, port_pairs.peer(target)),
    )
