"""Do the NVLinks run at full speed?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_nvlink
from bringup.parsers.nvidia_smi_nvlink import STATUS

NVLINK_SPEED = Fault(
    code="NVLINK-SPEED",
    title="{at} runs below its speed",
    action="reset the GPUs of {node}; if the link stays slow, reseat the GPU baseboard at {place}, then replace "
    "the GPU",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "GPU-DRIVER", "FM-DOWN", "NVLINK-DOWN", "GPU-XID"),
)


class NvlinkSpeed(Check[Node]):
    """Every active NVLink runs at the planned speed.

    Judges active links only; that they are all active is another check. The slowest link stands for a GPU
    whose links are all fast enough.
    """

    id = "nvlink.speed"
    stage = Stage.NVLINK
    faults = (NVLINK_SPEED,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        if ctx.number(target, "nvlink.links") == 0:
            raise NotApplicable(f"profile {target.profile} has no NVLink")
        return run(target, STATUS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "nvlink.link.speed")
        gpus = nvidia_smi_nvlink.read_status(out.answered(target, STATUS))
        for links in gpus:
            at = f"{target.name}/gpu/{links.gpu.index}"
            speeds = {link: speed for link, speed in links.speeds.items() if speed is not None}
            for link, speed in speeds.items():
                if not limit.holds(speed):
                    place = f"{at}/nvlink/{link}"
                    yield Measurement("nvlink.link.speed", speed, "GB/s", place, limit, NVLINK_SPEED.code)
            if speeds and all(limit.holds(speed) for speed in speeds.values()):
                slowest = min(speeds.values())
                yield Measurement("nvlink.link.speed", slowest, "GB/s", at, limit, NVLINK_SPEED.code)
        dark = [str(links.gpu.index) for links in gpus if not links.active]
        if dark:
            raise CannotJudge(
                f"no active NVLink, so no speed, on GPU {', '.join(dark)}", code=NVLINK_SPEED.code
            )
