"""AMD GPUs whose firmware differs behave differently under load; which version is right, the majority says."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage
from bringup.parsers.majority import LEAST, by_profile, compare, of_nodes

READINGS = "gpu.amd-firmware"
AMD_FIRMWARE = Fault(
    code="AMD-FIRMWARE",
    title="{at} runs other firmware than the others",
    action="flash the majority's firmware on {node} (IFWI and amdgpu firmware package) and reboot it",
    who=Who.SOFTWARE,
    severity=Severity.REBOOT,
    explained_by=("GPU-MODEL",),
)
_RULE = Limit(
    "gpu.amd-firmware-drift", "<=", 1, "versions", why="equal GPUs run equal firmware", source="rule"
)


class AmdFirmwareDrift(Check[Group]):
    """AMD GPUs of one profile run the same firmware on all nodes."""

    id = "gpu.amd-firmware-drift"
    stage = Stage.GPU
    faults = (AMD_FIRMWARE,)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not any(_is_amd(node, ctx) for node in target.members):
            raise NotApplicable("no node has AMD GPUs")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        compared = 0
        for members in by_profile([node for node in target.members if _is_amd(node, ctx)]).values():
            for name in sorted(name for check, name in ctx.readings if check == READINGS):
                mine = of_nodes(ctx.readings[READINGS, name], members)
                if len(mine) >= LEAST:
                    compared += 1
                    yield from compare(
                        name, mine, code=AMD_FIRMWARE.code, limit=_RULE, fleet=target.name, of="GPUs"
                    )
        if not compared:
            raise CannotJudge(f"no firmware has {LEAST} readings ({READINGS}), so there is no majority")


def _is_amd(node: Node, ctx: Context) -> bool:
    try:
        ctx.need_gpus(node, "amd")
    except (NoLimit, NotApplicable):
        return False
    return True
