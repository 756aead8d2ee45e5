"""Host: a processor that is missing or switched off shows in the counts."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host
from bringup.parsers.host_faults import CPU_COUNT


class Cpu(Check[Node]):
    """The node has all its processors and hardware threads.

    `host.settings-drift` compares their number and model over the fleet.
    """

    id = "host.cpu"
    stage = Stage.HOST
    collects = True
    faults = (CPU_COUNT,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host.CPU)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = host.parse_cpu(out.text(target, host.CPU))
        if seen.model is not None:
            yield Measurement("processor model", seen.model, "", target.name)
        yield Measurement("threads", seen.threads, "", target.name, ctx.limit(target, "host.cpu.threads"))
        limit = ctx.limit(target, "host.cpu.sockets")
        if seen.sockets is None:
            raise CannotJudge("the kernel does not tell how many sockets there are")
        yield Measurement("sockets", seen.sockets, "", target.name, limit)
