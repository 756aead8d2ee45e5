"""Are results still right after a long load?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_results, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.perf_faults import GPU_LOAD, GPU_RESULTS


class SoakResults(Check[Node]):
    """Every GPU gets the same bits each time during the soak, the same as its siblings, and its memory keeps what was written.

    As perf.results, for a fifth of the soak: a part that damages data does so once in many thousands of products.
    """

    id = "soak.results"
    stage = Stage.SOAK
    level = Level.SOAK
    collects = True
    faults = (GPU_RESULTS, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.soak_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from gpu_results.judged(target, perf.soaked(target, out, ctx), ctx)
