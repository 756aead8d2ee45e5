"""Does the processors' memory keep what is written for as long as a job runs?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import perf
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import host_memory
from bringup.parsers.perf_faults import HOST_MEMORY_RESULTS


class SoakHostMemory(Check[Node]):
    """All processors copy memory for minutes, and what they read is what they wrote.

    An eighth of the free memory, for `soak.memory_seconds`. Errors that the memory corrects do not show here: the checks
    after.host-errors and after.kernel-log count them.
    """

    id = "soak.host-memory"
    stage = Stage.SOAK
    level = Level.SOAK
    collects = True
    faults = (HOST_MEMORY_RESULTS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        speed = perf.memory_copied(target, out, _command(target, ctx))
        wrong = ctx.limit(target, "perf.host_memory.wrong")
        yield Measurement("wrong copies", speed.wrong, "copies", target.name, wrong, HOST_MEMORY_RESULTS.code)
        yield Measurement("memory copy", round(speed.copy_gbs, 2), "GB/s", target.name)


def _command(node: Node, ctx: Context) -> Command:
    return host_memory.own(
        ctx.number(node, "soak.memory_seconds"),
        buffer_mib=host_memory.MOST_MIB,
        python=perf.program(node, ctx, "perf.python"),
        place=perf.place(node, ctx),
        env=node.env,
    )
