"""Can the GPUs read their own infoROM?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_INFOROM
from bringup.parsers.nvidia_smi_errors import Kind


class GpuInforom(Check[Node]):
    """The driver does not complain about the infoROM of any GPU.

    The warning stands beside the answer, not in it, and may come without the address of a GPU: then it counts for
    the node.
    """

    id = "gpu.inforom"
    stage = Stage.GPU
    faults = (GPU_INFOROM,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limit = ctx.limit(target, "gpu.inforom")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        warnings: dict[str, list[str]] = {f"{target.name}/gpu/{gpu.label}": [] for gpu in smi.answering}
        for complaint in smi.complaints:
            if complaint.kind is Kind.INFOROM:
                gpu = f"/gpu/{smi.label(complaint.address)}" if complaint.address is not None else ""
                warnings.setdefault(target.name + gpu, []).append(complaint.text)
        for at, texts in warnings.items():
            yield Measurement("gpu.inforom", len(texts), "warnings", at, limit)
            for text in texts:
                yield Finding(GPU_INFOROM.code, text, at, Weight.NOTE)
        smi.demand(expected, "the infoROM")
