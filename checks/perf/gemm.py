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
        load = perf.loaded(target, out, ctx)
        for at, gpu in load.gpus.items():
            if gpu.error is not None:
                yield Finding(GPU_LOAD.code, gpu.error, at)
        products = {at: gpu.gemm for at, gpu in load.working.items() if gpu.gemm is not None}
        bf16 = {at: gemm.bf16.tflops for at, gemm in products.items()}
        floor = ctx.limit_or_none(target, "perf.gemm.bf16")
        yield from gpu_speed.judged(target, "GEMM bf16", "TFLOPS", bf16, floor, GPU_GEMM.code)
        fp8 = {at: gemm.fp8.tflops for at, gemm in products.items() if gemm.fp8 is not None}
        if fp8:
            yield from gpu_speed.judged(
                target, "GEMM fp8", "TFLOPS", fp8, ctx.limit_or_none(target, "perf.gemm.fp8"), GPU_GEMM.code
            )
        gpu_speed.need_all(target, ctx, products, "matrix products")
