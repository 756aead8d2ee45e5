"""GPUs whose VBIOS differs behave differently under load; which version is right, the majority says."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage, Weight
from bringup.parsers.majority import LEAST, compare, of_nodes

READINGS = "gpu.vbios"
VBIOS_MINORITY = Fault(
    code="VBIOS-MINORITY",
    title="{at} runs another VBIOS than the others",
    action="have the VBIOS of the majority flashed on {at} by the machine's maker (an HGX board is updated as a whole), "
    "then reboot {node}",
    who=Who.SOFTWARE,
    severity=Severity.MONITOR,
    explained_by=("GPU-MODEL", "GPU-LOST"),
)
_RULE = Limit("gpu.vbios-drift", "<=", 1, "versions", why="equal GPUs run an equal VBIOS", source="rule")


class VbiosDrift(Check[Group]):
    """GPUs of one model run the same VBIOS, within a node and on all nodes."""

    id = "gpu.vbios-drift"
    stage = Stage.GPU
    faults = (VBIOS_MINORITY,)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not any(_is_nvidia(node, ctx) for node in target.members):
            raise NotApplicable("no node has NVIDIA GPUs")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = frozenset(node.name for node in target.members)
        compared = told = 0
        for name in sorted(name for check, name in ctx.readings if check == READINGS):
            mine = of_nodes(ctx.readings[READINGS, name], members)
            told += len(mine)
            if len(mine) < LEAST:
                message = f"only {len(mine)} GPUs: {name} was not compared"
                yield Finding(VBIOS_MINORITY.code, message, target.name, Weight.NOTE)
                continue
            compared += 1
            yield from compare(
                name, mine, code=VBIOS_MINORITY.code, limit=_RULE, fleet=target.name, of="GPUs"
            )
        if not told:
            raise CannotJudge("no GPU has told its VBIOS")
        if not compared:
            raise NotApplicable(f"no model has {LEAST} GPUs: there is no majority to compare with")


def _is_nvidia(node: Node, ctx: Context) -> bool:
    try:
        ctx.need_gpus(node, "nvidia")
    except (NoLimit, NotApplicable):
        return False
    return True
