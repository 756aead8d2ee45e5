"""Are the AMD GPUs of the model that was ordered?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import amd_smi
from bringup.parsers.amd_smi_answer import answered, demand
from bringup.parsers.gpu_faults import GPU_MEMORY, GPU_MODEL


class AmdModel(Check[Node]):
    """Every AMD GPU is of the planned model and has that model's memory."""

    id = "gpu.amd-model"
    stage = Stage.GPU
    faults = (GPU_MODEL, GPU_MEMORY)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "amd")
        return run(target, amd_smi.STATIC)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        model, memory = ctx.limit(target, "gpu.model"), ctx.limit(target, "gpu.memory.total")
        gpus = amd_smi.parse_gpus(answered(out.answered(target, amd_smi.STATIC)))
        silent: list[int] = []
        for gpu in gpus:
            at = f"{target.name}/gpu/{gpu.index}"
            if gpu.name is None or gpu.memory_mib is None:
                silent.append(gpu.index)
            if gpu.name is not None:
                yield Measurement("gpu.model", gpu.name, "", at, model, GPU_MODEL.code)
            if gpu.memory_mib is not None:
                yield Measurement("gpu.memory.total", gpu.memory_mib, "MiB", at, memory, GPU_MEMORY.code)
            if gpu.serial is not None:  # a GPU that was bad elsewhere is known again by it
                yield Measurement("serial", gpu.serial, "", at)
            if gpu.uuid is not None:
                yield Measurement("uuid", gpu.uuid, "", at)
        demand(expected, [gpu.index for gpu in gpus], "model and memory", silent)
