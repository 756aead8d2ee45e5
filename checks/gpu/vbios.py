"""Which VBIOS do the GPUs run? `gpu.vbios-drift` compares it over the fleet."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml


class GpuVbios(Check[Node]):
    """The node tells model and VBIOS of its GPUs."""

    id = "gpu.vbios"
    stage = Stage.GPU
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            if gpu.vbios is None or gpu.name is None:
                silent.append(gpu.label)
                continue
            # One reading for each model: a VBIOS is only comparable between equal boards.
            at = f"{target.name}/gpu/{gpu.label}"
            yield Measurement(f"vbios {gpu.name}", gpu.vbios, "", at)
        smi.demand(ctx.need_gpus(target), "VBIOS", silent)
