"""Are the GPUs of the model that was ordered?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_MEMORY, GPU_MODEL


class GpuModel(Check[Node]):
    """Every GPU is of the planned model and has that model's memory."""

    id = "gpu.model"
    stage = Stage.GPU
    faults = (GPU_MODEL, GPU_MEMORY)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        model, memory = ctx.limit(target, "gpu.model"), ctx.limit(target, "gpu.memory.total")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            if gpu.name is None or gpu.memory_mib is None:
                silent.append(gpu.label)
            if gpu.name is not None:
                yield Measurement("gpu.model", gpu.name, "", at, model, GPU_MODEL.code)
            if gpu.memory_mib is not None:
                yield Measurement("gpu.memory.total", gpu.memory_mib, "MiB", at, memory, GPU_MEMORY.code)
            if gpu.serial is not None:  # a GPU that was bad elsewhere is known again by it
                yield Measurement("serial", gpu.serial, "", at)
            if gpu.uuid is not None:
                yield Measurement("uuid", gpu.uuid, "", at)
        smi.demand(expected, "model and memory", silent)
