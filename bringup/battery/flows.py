"""What the checks with several transfers at a time share: which ports meet, and what follows if one has no result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bringup.battery import port_pairs
from bringup.check import Outputs, Plan, Step, port_path, serve
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Pair, Port
from bringup.parsers import perftest, perftest_flows
from bringup.parsers.perftest_failure import Failure, failure
from bringup.parsers.perftest_flows import COUNTERS, Flow

DIRTY = Fault(
    "RDMA-DIRTY",
    "{at} counted errors during a test",
    "clean and reseat {cable} at {at} and at {leaf} {leaf_port}; swap it if the counter rises again",
    severity=Severity.MONITOR,
    explained_by=port_pairs.PORT_CAUSES,
)


@dataclass(frozen=True, slots=True)
class Result:
    """One transfer: Gb/s, or why there is none, and what the client printed."""

    flow: Flow
    gbps: float | None
    why: Failure | None
    text: str


def rails(target: Pair, ctx: Context) -> tuple[tuple[Port, Port], ...]:
    """The planned ports of both nodes, rail by rail. Raises NotApplicable where they share none."""
    near, far = ({port.rail: port for port in ctx.training_ports(node)} for node in target.nodes)
    both = tuple((near[rail], far[rail]) for rail in sorted(near.keys() & far.keys()))
    if not both:
        raise NotApplicable(
            f"{target.a.name} and {target.b.name} have no planned fabric ports on a common rail"
        )
    return both


def plan(target: Pair, commands: tuple[Command, Command]) -> Plan:
    """The server on b and the client on a."""
    return serve(Step(target.b, commands[0]), Step(target.a, commands[1]))


def commands(
    target: Pair, flows: Sequence[Flow], ctx: Context, seconds: float, *, at_once: bool = True
) -> tuple[Command, Command]:
    """The server's and the client's."""
    return (
        perftest_flows.server(flows, ctx.listen_port, seconds),
        perftest_flows.client(flows, ctx.listen_port, seconds, port_pairs.peer(target), at_once=at_once),
    )


def results(
    target: Pair, out: Outputs, flows: Sequence[Flow], of: tuple[Command, Command]
) -> tuple[Result, ...]:
    """Every transfer. Raises CannotJudge where the client has nothing to tell, at the end that was lost if one was."""
    server, client = of
    waited = out.get(target.b, server)
    if waited.ended in (Ended.MISSING, Ended.LOST):
        out.answered(target.b, server)
    text = out.answered(target.a, client).text
    return tuple(
        _result(flow, ended.text, ended.status)
        for flow, ended in zip(flows, perftest_flows.parse(text, len(flows)), strict=True)
    )


def _result(flow: Flow, text: str, status: int | None) -> Result:
    why = failure(text, status)
    if why is not None:
        return Result(flow, None, why, text)
    return Result(flow, perftest.bandwidths(text)[-1].average_gbps, None, text)


def path(target: Pair, flow: Flow) -> str:
    """The two ports of a transfer as one component."""
    return f"{port_path(target.a.name, flow.client_hca)} ~ {port_path(target.b.name, flow.server_hca)}"


def broken(target: Pair, found: Sequence[Result]) -> Iterator[Finding]:
    """What the fabric is to blame for. Raises CannotJudge for a transfer that failed for another reason."""
    other: list[Result] = []
    for result in found:
        if result.why is None:
            continue
        if result.why.cause.fabric:
            yield Finding("RDMA-CONNECT", f"{target.a.name}: {result.why}", path(target, result.flow))
        else:
            other.append(result)
    if other:
        why = other[0].why
        raise CannotJudge(f"{target.a.name}, {other[0].flow.client_hca}: {why}", code="RDMA-SETUP")


def dirt(target: Pair, out: Outputs, of: tuple[Command, Command], ctx: Context) -> Iterator[Measurement]:
    """What the error counters of both ends rose during the test: the end that counts is the one to look at."""
    for node, command in ((target.b, of[0]), (target.a, of[1])):
        answer = out.get(node, command)
        if answer.ended is not Ended.EXITED:
            continue  # a server that was stopped tells nothing: the client's end still does
        yield from _rises(node, answer.text, ctx)


def _rises(node: Node, text: str, ctx: Context) -> Iterator[Measurement]:
    for (hca, counter), rise in perftest_flows.rises(text).items():
        limit = ctx.limit_or_none(node, COUNTERS[counter])
        if limit is not None and (rise or not limit.holds(rise)):
            yield Measurement(
                f"{counter}, rise", rise, limit.unit, port_path(node.name, hca), limit, DIRTY.code
            )
