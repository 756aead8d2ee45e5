"""TCP: what nodes without RDMA move to each other over their network, in both directions."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import port_pairs
from bringup.check import Check, Outputs, Plan
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.model import Finding, Level, Measurement, Node, Pair, Stage
from bringup.parsers import inside, iperf3

_CAUSES = (
    "INTERFACE-DOWN",
    "INTERFACE-MTU",
    "INTERFACE-SPEED",
    "DUPLICATE-ADDRESS",
    "NODE-BUSY",
    "TCP-CONNECT",
)
_NOT_THERE = ("refused", "server may have stopped", "busy")
_CUT = ("timed out", "no route", "unreachable", "timeout", "reset", "broken pipe")


class TcpBandwidth(Check[Pair]):
    """Two nodes without RDMA move data over TCP in both directions, as fast as the profile asks.

    The floor is the limit `rdma.tcp_bw` (Gb/s); without one the numbers are readings, which `rdma.tcp-fleet` compares.
    With such a floor nodes that have RDMA ports are tested as well: that is their front-end network.
    """

    id = "rdma.tcp-bw"
    stage = Stage.RDMA
    level = Level.STANDARD
    per_rail = False
    collects = True
    faults = (
        Fault(
            "TCP-BW",
            "{at} moves too little data over TCP",
            "look at speed, duplex, errors and cable of the network interface of {node} (ethtool), at its bond and at its"
            " switch port",
            explained_by=_CAUSES,
        ),
        Fault(
            "TCP-CONNECT",
            "no data gets through between {at}",
            "look at cable, switch port, address and routes of {node}: it answers over the management network only",
            explained_by=("INTERFACE-DOWN", "INTERFACE-MTU", "DUPLICATE-ADDRESS", "NODE-LOST"),
        ),
        Fault(
            "TCP-SETUP",
            "the TCP test of {at} could not start",
            "free or open the TCP port between the nodes, install one version of iperf3; then: bringup resume",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
        ),
    )

    def alone(self, node: Node, ctx: Context) -> str:
        if ctx.limit_or_none(node, "rdma.tcp_bw") is not None:
            return ""
        return "the only node of the run, and its profile asks for no speed: nobody to compare it with"

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return port_pairs.plan(target, *_commands(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        server, client = _commands(target, ctx)
        waited = out.get(target.b, server)
        if waited.ended is Ended.MISSING:
            out.optional(target.b, server, ctx)
        if waited.ended is Ended.LOST:
            out.answered(target.b, server)
        if waited.ended is Ended.EXITED and waited.status != 0:
            said = " ".join((waited.error_text or waited.text).split())[:200]
            raise CannotJudge(
                f"{target.b.name}: the server ended: {said}", code="TCP-SETUP", at=target.b.name
            )
        found = inside.parse(out.optional(target.a, client, ctx).text)
        at = f"{target.a.name} ~ {target.b.name}"
        floor = ctx.limit_or_none(target.a, "rdma.tcp_bw")
        for name in (iperf3.SENDS, iperf3.RECEIVES):
            part = found.one(name)
            if part is None or part.status is None:
                raise ParseError(f"iperf3: the direction {name!r} has no result")
            try:
                test = iperf3.parse(part.text)
            except ParseError:
                if part.status != 0:
                    raise CannotJudge(f"iperf3 ended with status {part.status}", code="TCP-SETUP") from None
                raise
            if test.error is not None or test.forward is None:  # also with exit status 0
                yield _failed(at, name, test.error or "no figures")
                return
            gbps = (
                test.forward.received_gbps
                if test.forward.received_gbps is not None
                else test.forward.sent_gbps
            )
            if not gbps:
                yield Finding("TCP-CONNECT", f"{name}: no data moved", at)
                return
            yield Measurement(name, round(gbps, 3), "Gb/s", at, floor, "TCP-BW")


def _failed(at: str, name: str, error: str) -> Finding:
    """What a test without a result says of the way between the nodes. Raises CannotJudge for what is no hardware."""
    low = error.lower()
    if any(word in low for word in _CUT):
        return Finding("TCP-CONNECT", f"{name}: {error[:200]}", at)
    hint = (
        " (nothing listens there, or a firewall answers)" if any(word in low for word in _NOT_THERE) else ""
    )
    raise CannotJudge(f"{name}: {error[:200]}{hint}", code="TCP-SETUP")


def _commands(target: Pair, ctx: Context) -> tuple[Command, Command]:
    """The server's and the client's."""
    if ctx.training_ports(target.a) and ctx.limit_or_none(target.a, "rdma.tcp_bw") is None:
        raise NotApplicable(f"profile {target.a.profile} has RDMA ports and no floor for TCP (rdma.tcp_bw)")
    seconds = ctx.number(target.a, "tcp.seconds")
    return (
        iperf3.server(ctx.listen_port, seconds),
        iperf3.client(port_pairs.peer(target), ctx.listen_port, seconds),
    )
