"""How fast does the node reach its storage and its front end?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import network_speed
from bringup.parsers.network_speed import WAYS, Target
from bringup.parsers.perf_faults import NETWORK_BW

_FACT = "network.bandwidth"
_NO_TARGET = "NETWORK-TARGET"


class Network(Check[Node]):
    """Data goes to every server that the profile names, and comes from it, as fast as the profile asks.

    The fact `network.bandwidth` lists them: `HOST:PORT`, `HOST:5201-5208` (an iperf3 server on each port), each with the
    least speed behind it or not: `HOST:5201 gbps 20`. A server serves one node at a time, the others wait for their turn,
    `perf.network_patience_s` at most. Without a least speed the fleet compares (`perf.fleet`).
    """

    id = "perf.network"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (
        NETWORK_BW,
        Fault(
            _NO_TARGET,
            "the network of {node} cannot be measured",
            "start an iperf3 server (iperf3 -s -p PORT, one for each port) on the host that the fact network.bandwidth "
            "names, and see that {node} reaches it; more ports or more patience if it was busy",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
            explained_by=("INTERFACE-DOWN", "ENDPOINT-UNREACHABLE"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        text = out.text(target, _command(target, ctx), status=None)
        unjudged: list[str] = []
        for number, server in enumerate(_targets(target, ctx)):
            for way in WAYS:
                try:
                    speed = network_speed.parse(text, number, way)
                except CannotJudge as cannot:
                    unjudged.append(f"{way} {server.name}: {cannot.reason}")
                    continue
                name = f"network {way} {server.name}"
                yield Measurement(
                    name, round(speed.gbps, 2), "Gb/s", target.name, _floor(server), NETWORK_BW.code
                )
                if speed.retransmits is not None:
                    yield Measurement(f"{name}, sent again", speed.retransmits, "segments", target.name)
        if unjudged:
            raise CannotJudge("; ".join(unjudged)[:600], code=_NO_TARGET, at=target.name)


def _floor(server: Target) -> Limit | None:
    if server.least_gbps is None:
        return None
    why = "the profile's fact network.bandwidth"
    return Limit(_FACT, ">=", server.least_gbps, "Gb/s", why=why, source="profile")


def _targets(node: Node, ctx: Context) -> tuple[Target, ...]:
    """The servers of the profile. Raises NotApplicable where it names none, NoLimit for what cannot be one."""
    found: list[Target] = []
    for text in words(node, ctx, _FACT, of="servers"):
        one = network_speed.target(text)
        if one is None:
            raise NoLimit(
                f"profile {node.profile}: fact {_FACT}: {text!r} is not HOST:PORT[-PORT] [gbps NUMBER]"
            )
        found.append(one)
    if not found:
        raise NotApplicable(f"profile {node.profile} names no servers to measure with (fact {_FACT})")
    return tuple(found)


def _command(node: Node, ctx: Context) -> Command:
    targets = _targets(node, ctx)
    return network_speed.measure(
        targets, ctx.number(node, "perf.network_seconds"), ctx.number(node, "perf.network_patience_s")
    )
