"""Host: a processor that is missing or switched off shows in the counts."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host


class Cpu(Check[Node]):
    """The node has all its processors and hardware threads.

    Their model is a reading: `host.settings-drift` compares it over the fleet.
    """

    id = "host.cpu"
    stage = Stage.HOST
    collects = True
    faults = (
        Fault(
            "CPU-COUNT",
            "{node} has too few processors or threads",
            "look in the BIOS of {node} {place} (SMT, disabled cores, a processor that is not seen); reseat it if it is missing",
        ),
    )

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
