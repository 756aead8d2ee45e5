"""Do power or cooling hold the GPUs down?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_SLOWDOWN


class GpuSlowdown(Check[Node]):
    """No GPU is held down by its hardware now: no thermal slowdown, no power brake.

    An idle GPU may hide what load would show; limits that software has set are reported as notes.
    """

    id = "gpu.slowdown"
    stage = Stage.GPU
    faults = (GPU_SLOWDOWN,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limit = ctx.limit(target, "gpu.slowdown")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            if gpu.slowdowns is None:
                silent.append(gpu.label)
                continue
            reasons = gpu.hardware_slowdowns
            yield Measurement("gpu.slowdown", len(reasons), "reasons", at, limit, GPU_SLOWDOWN.code)
            if reasons:
                names = ", ".join(reason.replace("_", " ") for reason in reasons)
                heat = f" at {gpu.temperature_c:g} C" if gpu.temperature_c is not None else ""
                yield Finding(GPU_SLOWDOWN.code, f"active: {names}{heat}", at, Weight.NOTE)
            if "sw_thermal_slowdown" in gpu.slowdowns:
                yield Finding(GPU_SLOWDOWN.code, "the driver slows the GPU down to cool it", at, Weight.NOTE)
        smi.demand(expected, "reasons for slowdown", silent)
