"""How fast do copies between the host and each GPU run?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_speed, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.perf_faults import GPU_COPY_BW, GPU_LOAD


class Copies(Check[Node]):
    """Copies to and from every GPU are as fast as the profile asks, and as to and from its siblings.

    Measured with nvbandwidth (TransferBench or rocm-bandwidth-test for AMD's GPUs), one GPU after the other; where the
    node has none of them, with bringup's own program.
    """

    id = "perf.copies"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (GPU_COPY_BW, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.bandwidth_command(target, ctx), perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        to_gpu, from_gpu = gpu_speed.copies(target, out, ctx)
        ways = (("host to GPU", to_gpu, "perf.copy.h2d"), ("GPU to host", from_gpu, "perf.copy.d2h"))
        for name, found, limit in ways:
            floor = ctx.limit_or_none(target, limit)
            yield from gpu_speed.judged(
                target, found.name(name), "GB/s", found.values, floor, GPU_COPY_BW.code
            )
        gpu_speed.need_all(target, ctx, to_gpu.values.keys() & from_gpu.values.keys(), "copies")
