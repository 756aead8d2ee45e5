"""Does the on-chip memory of the GPUs need correction too often?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_MODE, GPU_SRAM


class GpuSram(Check[Node]):
    """No GPU has corrected too many errors in its on-chip memory, or counted uncorrectable ones over its life.

    Corrected errors count since the driver was loaded, uncorrectable ones since manufacture.
    """

    id = "gpu.sram"
    stage = Stage.GPU
    faults = (GPU_SRAM, GPU_MODE)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        corrected = ctx.limit(target, "gpu.sram.corrected")
        lifetime = ctx.limit(target, "gpu.sram.uncorrected")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            if gpu.ecc_mode == "Disabled":
                yield Finding(GPU_MODE.code, "ECC is Disabled, so memory errors are not counted", at)
                continue
            now, ever = gpu.ecc.volatile_sram_corrected, gpu.ecc.aggregate_sram_uncorrected
            if now is not None:
                yield Measurement("gpu.sram.corrected", now, "errors", at, corrected, GPU_SRAM.code)
            if ever is not None:
                yield Measurement("gpu.sram.uncorrected", ever, "errors", at, lifetime, GPU_SRAM.code)
            if now is None or ever is None:
                silent.append(gpu.label)
        smi.demand(expected, "errors of the on-chip memory", silent)
