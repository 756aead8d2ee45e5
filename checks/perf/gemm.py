"""How fast do all GPUs compute, all at once?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_speed, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.perf_faults import GPU_GEMM, GPU_LOAD


class Gemm(Check[Node]):
    """Matrix products run on every GPU as fast as the profile asks and as on its siblings, all at the same time.

    In bf16, and in fp8 where GPU and PyTorch have it. What fails on a GPU while others work is that GPU's fault.
    """

    id = "perf.gemm"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (GPU_GEMM, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from gpu_speed.products(target, perf.loaded(target, out, ctx), ctx)
