"""After the load: the memory errors and repairs of the NVIDIA GPUs again."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_ECC, GPU_REMAP_FAILED, GPU_REMAP_PENDING, GPU_SRAM

_UNCORRECTED, _SRAM = "uncorrectable memory errors", "corrected errors of the on-chip memory"
_PENDING, _FAILED, _ROWS = "pending row remappings", "failed row remappings", "remapped rows"


class GpuMemory(Check[Node]):
    """No GPU had an uncorrectable memory error during the run, nor a memory repair that waits or has failed.

    What a GPU does not report, or had at the first reading, is what the checks of stage gpu speak of.
    """

    id = "after.gpu-memory"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (GPU_ECC, GPU_REMAP_PENDING, GPU_REMAP_FAILED, GPU_SRAM)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return again(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        rules = {
            _UNCORRECTED: Rule(ctx.limit(target, "gpu.ecc.uncorrected"), GPU_ECC.code),
            _PENDING: Rule(ctx.limit(target, "gpu.remap.pending"), GPU_REMAP_PENDING.code),
            _FAILED: Rule(ctx.limit(target, "gpu.remap.failed"), GPU_REMAP_FAILED.code),
            _SRAM: Rule(ctx.limit(target, "gpu.sram.corrected"), GPU_SRAM.code),
            _ROWS: Rule(None, GPU_REMAP_PENDING.code),
        }

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, expected, outputs)

        yield from rises(target, out, nvidia_smi_xml.QUERY, read, rules)


def _counts(node: Node, expected: int, outputs: Outputs) -> Iterator[Count]:
    smi = nvidia_smi_xml.read(outputs.answered(node, nvidia_smi_xml.QUERY))
    for gpu in smi.answering:
        rows = gpu.remap
        both = None if rows.correctable is None else rows.correctable + (rows.uncorrectable or 0)
        for name, count in (
            (_UNCORRECTED, gpu.ecc.volatile_uncorrected),
            (_SRAM, gpu.ecc.volatile_sram_corrected),
            (_PENDING, rows.pending),
            (_FAILED, rows.failed),
            (_ROWS, both),
        ):
            if count is not None:
                yield Count(f"{node.name}/gpu/{gpu.label}", name, int(count))
    smi.demand(expected, "memory errors")
