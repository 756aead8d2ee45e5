"""Are results still right while all GPUs work?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_results, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.perf_faults import GPU_LOAD, GPU_RESULTS


class Results(Check[Node]):
    """Every GPU gets the same bits each time, the same as its siblings, and its memory keeps what was written.

    The same product of whole numbers again and again, and four patterns in most of the free memory.
    """

    id = "perf.results"
    stage = Stage.PERF
    level = Level.STANDARD
    faults = (GPU_RESULTS, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from gpu_results.judged(target, perf.loaded(target, out, ctx), ctx)
