"""Which firmware do the AMD GPUs run? `gpu.amd-firmware-drift` compares it over the fleet."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import amd_smi_health
from bringup.parsers.amd_smi_answer import answered, demand


class AmdFirmware(Check[Node]):
    """The node tells the firmware of its AMD GPUs."""

    id = "gpu.amd-firmware"
    stage = Stage.GPU
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "amd")
        return run(target, amd_smi_health.FIRMWARE)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        gpus = amd_smi_health.parse_firmware(answered(out.answered(target, amd_smi_health.FIRMWARE)))
        for gpu, versions in gpus.items():
            for name, version in versions.items():
                yield Measurement(f"fw {name}", version, "", f"{target.name}/gpu/{gpu}")
        if not any(gpus.values()):
            raise CannotJudge("amd-smi names no version of any firmware")
        silent = [gpu for gpu, versions in gpus.items() if not versions]
        demand(ctx.need_gpus(target), list(gpus), "firmware", silent)
