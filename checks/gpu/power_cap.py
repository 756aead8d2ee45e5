"""Has somebody lowered the power limit of a GPU?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_POWER_CAP


class GpuPowerCap(Check[Node]):
    """The power limit of every GPU is at least its own default, and what the profile asks for.

    The default is what the board's vendor has set; the profile's `gpu.power.limit` is compared too where it exists.
    """

    id = "gpu.power-cap"
    stage = Stage.GPU
    faults = (GPU_POWER_CAP,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        planned = ctx.limit_or_none(target, "gpu.power.limit")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            set_to, default = gpu.power_limit_w, gpu.settings.power_limit_default_w
            if set_to is None or (default is None and planned is None):
                silent.append(gpu.label)
                continue
            if default is not None:
                rule = Limit(
                    "gpu.power.limit", ">=", default, "W", why="the GPU's own default", source="rule"
                )
                yield Measurement("gpu.power.limit", set_to, "W", at, rule)
            if planned is not None:
                yield Measurement("gpu.power.limit", set_to, "W", at, planned)
        smi.demand(expected, "power limit and its default", silent)
