"""Has GPU memory been repaired, or can it no longer be?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_REMAP_FAILED, GPU_REMAP_PENDING


class GpuRemap(Check[Node]):
    """No GPU has a memory repair that is pending, failed or used up.

    Counts remapped rows (Ampere and later). Older GPUs and GPUs with MIG do not report them and cannot be
    judged.
    """

    id = "gpu.remap"
    stage = Stage.GPU
    faults = (GPU_REMAP_FAILED, GPU_REMAP_PENDING)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        pending = ctx.limit(target, "gpu.remap.pending")
        failed = ctx.limit(target, "gpu.remap.failed")
        worst = ctx.limit(target, "gpu.remap.uncorrectable")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            rows = gpu.remap
            if rows.pending is not None:
                yield Measurement(
                    "gpu.remap.pending", int(rows.pending), "", at, pending, "GPU-REMAP-PENDING"
                )
            if rows.failed is not None:
                yield Measurement("gpu.remap.failed", int(rows.failed), "", at, failed, "GPU-REMAP-FAILED")
            if rows.uncorrectable is not None:
                count = rows.uncorrectable
                yield Measurement("gpu.remap.uncorrectable", count, "rows", at, worst, "GPU-REMAP-FAILED")
            if None in (rows.pending, rows.failed, rows.uncorrectable):
                silent.append(gpu.label)
            for repair in gpu.ecc.repair_pending:
                yield Finding("GPU-REMAP-PENDING", f"{repair} is pending", at)
        smi.demand(expected, "row remapping", silent)
