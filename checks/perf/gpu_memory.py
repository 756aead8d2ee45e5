"""How fast is the memory of each GPU?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_speed, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers.perf_faults import GPU_LOAD, GPU_MEMORY_BW


class GpuMemory(Check[Node]):
    """The memory of every GPU is as fast as the profile asks, and as that of its siblings.

    A copy within the GPU, every byte counted that is read or written: nvbandwidth 0.7 or newer, else bringup's own
    program.
    """

    id = "perf.gpu-memory"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (GPU_MEMORY_BW, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.bandwidth_command(target, ctx), perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        found = gpu_speed.memory(target, out, ctx)
        floor = ctx.limit_or_none(target, "perf.gpu_memory")
        name = found.name("GPU memory")
        yield from gpu_speed.judged(target, name, "GB/s", found.values, floor, GPU_MEMORY_BW.code)
        gpu_speed.need_all(target, ctx, found.values, "GPU memory")
