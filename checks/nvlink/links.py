"""Are all NVLinks up?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_smi_nvlink
from bringup.parsers.nvidia_smi_nvlink import STATUS

NVLINK_DOWN = Fault(
    code="NVLINK-DOWN",
    title="NVLinks of {at} are down",
    action="reset the GPUs of {node}; if links stay down, reseat the GPU baseboard at {place}, then replace the GPU; "
    "the same link of several GPUs points at an NVSwitch",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "GPU-MISSING", "GPU-DRIVER", "FM-DOWN", "GPU-XID"),
)


class NvlinkLinks(Check[Node]):
    """Every GPU has as many active NVLinks as planned.

    How many there are depends on the model and stands in the profile. A GPU that says that all its links are
    inactive has none. A GPU that says nothing about links (MIG, no NVLink) cannot be judged.
    """

    id = "nvlink.links"
    stage = Stage.NVLINK
    faults = (NVLINK_DOWN,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        if ctx.number(target, "nvlink.links") == 0:
            raise NotApplicable(f"profile {target.profile} has no NVLink")
        return run(target, STATUS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limit = ctx.limit(target, "nvlink.links.active")
        gpus = nvidia_smi_nvlink.read_status(out.answered(target, STATUS))
        for links in gpus:
            at = f"{target.name}/gpu/{links.gpu.index}"
            if links.unknown:
                continue
            yield Measurement("nvlink.links.active", len(links.active), "links", at, limit, NVLINK_DOWN.code)
            if links.all_inactive:
                yield Finding(
                    NVLINK_DOWN.code, "the driver says that all links are inactive", at, Weight.NOTE
                )
            elif links.inactive and not limit.holds(len(links.active)):  # some boards leave links unwired
                names = ", ".join(str(link) for link in links.inactive)
                yield Finding(NVLINK_DOWN.code, f"inactive: link {names}", at, Weight.NOTE)
        told = [f"GPU {links.gpu.index}: {links.unknown}" for links in gpus if links.unknown]
        if told:
            raise CannotJudge("; ".join(told))
        if len(gpus) < expected:
            raise CannotJudge(
                f"NVLinks of only {len(gpus)} of {expected} GPUs are listed, the others are not judged",
                code="GPU-MISSING",
            )
