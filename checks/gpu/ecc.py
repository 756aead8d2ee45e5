"""Does the memory of the GPUs lose data?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_ECC, GPU_MODE


class GpuEcc(Check[Node]):
    """No GPU had an uncorrectable memory error since the driver was loaded.

    The count covers all memories that the driver reports. With ECC switched off nothing is counted, so that
    is reported as the wrong mode; with MIG the counters are per instance and cannot be judged here.
    """

    id = "gpu.ecc"
    stage = Stage.GPU
    faults = (GPU_ECC, GPU_MODE)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limit = ctx.limit(target, "gpu.ecc.uncorrected")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            if gpu.ecc.sram_threshold_exceeded:
                yield Finding(GPU_ECC.code, "more uncorrectable SRAM errors than the GPU tolerates", at)
            if gpu.ecc.volatile_uncorrected is not None:
                count = gpu.ecc.volatile_uncorrected
                yield Measurement("gpu.ecc.uncorrected", count, "errors", at, limit, GPU_ECC.code)
            elif gpu.ecc_mode == "Disabled":
                yield Finding(GPU_MODE.code, "ECC is Disabled, so memory errors are not counted", at)
            else:
                silent.append(gpu.label)
        smi.demand(expected, "uncorrectable memory errors", silent)
