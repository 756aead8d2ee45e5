"""Do all GPUs keep computing for as long as a job does?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_speed, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.perf_faults import GPU_GEMM, GPU_LOAD


class SoakGemm(Check[Node]):
    """Every GPU computes for the whole soak, as fast as the profile asks and as its siblings.

    Matrix products in bf16 and fp8, then results compared, on all GPUs at once, `soak.seconds` in all. What fails on a GPU
    while others work is that GPU's fault. What the load did to counters is told by the checks of stage after.
    """

    id = "soak.gemm"
    stage = Stage.SOAK
    level = Level.SOAK
    collects = True
    faults = (GPU_GEMM, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.soak_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from gpu_speed.products(target, perf.soaked(target, out, ctx), ctx)
