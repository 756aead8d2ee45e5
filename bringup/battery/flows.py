"""What the checks with several transfers at a time share: which ports meet, and what follows if one has no result."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bringup.battery import port_pairs
from bringup.check import Check, Outputs, Plan
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Level, Measurement, Node, Pair, Port, Stage, port_path
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


Results = tuple[Result, ...]


def rails(target: Pair, ctx: Context) -> tuple[tuple[Port, Port], ...]:
    """The planned ports of both nodes, rail by rail. Raises NotApplicable where they share none."""
    near, far = ({port.rail: port for port in ctx.training_ports(node)} for node in target.nodes)
    both = tuple((near[rail], far[rail]) for rail in sorted(near.keys() & far.keys()))
    if not both:
        raise NotApplicable(
            f"{target.a.name} and {target.b.name} have no planned fabric ports on a common rail"
        )
    return both


class FlowsTest(Check[Pair]):
    """A test of several transfers."""

    stage = Stage.RDMA
    level = Level.FULL
    target = Pair
    at_once: ClassVar[bool] = True

    @abstractmethod
    def transfers(self, target: Pair, ctx: Context) -> tuple[Flow, ...]:
        """What is transferred. Raises NotApplicable where there is nothing to test."""

    @abstractmethod
    def compare(self, target: Pair, found: Results, ctx: Context) -> Iterator[Measurement | Finding]:
        """What the transfers came to, in the order of `transfers`."""

    def each_s(self, target: Pair, ctx: Context) -> int:
        """How long a transfer lasts."""
        return ctx.number(target.a, "perftest.seconds")

    def lasts_s(self, target: Pair, flows: Sequence[Flow], ctx: Context) -> float:
        """How long all of them last."""
        return self.each_s(target, ctx)

    def options(self, target: Pair, ctx: Context) -> str:
        """A transfer of large messages."""
        return perftest.bandwidth_options(self.each_s(target, ctx))

    def counted(
        self, target: Pair, out: Outputs, of: tuple[Command, Command], ctx: Context
    ) -> Iterator[Measurement]:
        """What was counted while they went on."""
        return iter(())

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return port_pairs.plan(target, *self._commands(target, self.transfers(target, ctx), ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        flows = self.transfers(target, ctx)
        of = self._commands(target, flows, ctx)
        found = results(target, out, flows, of)
        yield from self.counted(target, out, of, ctx)
        yield from self.compare(target, found, ctx)

    def _commands(self, target: Pair, flows: Sequence[Flow], ctx: Context) -> tuple[Command, Command]:
        """The server's and the client's."""
        seconds, port, peer = self.lasts_s(target, flows, ctx), ctx.listen_port, port_pairs.peer(target)
        return (
            perftest_flows.server(flows, port, seconds),
            perftest_flows.client(flows, port, seconds, peer, at_once=self.at_once),
        )


class CleanFlowsTest(FlowsTest):
    """One that also tells what the error counters rose meanwhile; it declares `DIRTY`."""

    def counted(
        self, target: Pair, out: Outputs, of: tuple[Command, Command], ctx: Context
    ) -> Iterator[Measurement]:
        return dirt(target, out, of, ctx)


def results(target: Pair, out: Outputs, flows: Sequence[Flow], of: tuple[Command, Command]) -> Results:
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
