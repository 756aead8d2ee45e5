"""Is any GPU too warm, by the profile or beside its siblings?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml, siblings
from bringup.parsers.gpu_faults import GPU_TEMPERATURE

_ABOVE_C = 20.0
"""How far above the median of its siblings a GPU must be at least: a rule of this project, wider than the difference
between the front and the back row of an air-cooled board."""


class GpuTemperature(Check[Node]):
    """No GPU and no GPU memory is warmer than the profile allows, or far warmer than its siblings.

    Read while nothing runs, so a warm GPU has bad cooling. Memory temperature is judged where it is reported.
    """

    id = "gpu.temperature"
    stage = Stage.GPU
    faults = (GPU_TEMPERATURE,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limit = ctx.limit(target, "gpu.temperature")
        memory = ctx.limit(target, "gpu.memory.temperature")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        heat: dict[str, float] = {}
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            if gpu.temperature_c is not None:
                heat[at] = gpu.temperature_c
                yield Measurement("gpu.temperature", gpu.temperature_c, "C", at, limit)
            if gpu.memory_temperature_c is not None:
                yield Measurement("gpu.memory.temperature", gpu.memory_temperature_c, "C", at, memory)
        for at, above in siblings.high(heat, _ABOVE_C).items():
            message = f"{heat[at]:g} C, {above:g} C above the median of the node's GPUs"
            yield Finding(GPU_TEMPERATURE.code, message, at)
        silent = [gpu.label for gpu in smi.answering if gpu.temperature_c is None]
        smi.demand(expected, "temperature", silent)
