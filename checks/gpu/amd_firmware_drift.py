"""AMD GPUs whose firmware differs behave differently under load; which version is right, the majority says."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Context, Outputs, Plan
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Fault, Finding, Group, Limit, Measurement, Node, Severity, Stage, Who
from bringup.parsers.majority import LEAST, vote

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
        for profile in dict.fromkeys(node.profile for node in target.members if _is_amd(node, ctx)):
            members = {node.name for node in target.members if node.profile == profile}
            for name in sorted(name for check, name in ctx.readings if check == READINGS):
                mine = {
                    m.at: str(m.value)
                    for m in ctx.readings[READINGS, name]
                    if m.at.partition("/")[0] in members
                }
                if len(mine) >= LEAST:
                    compared += 1
                    yield from _compare(name, mine, target.name)
        if not compared:
            raise CannotJudge(f"no firmware has {LEAST} readings ({READINGS}), so there is no majority")


def _is_amd(node: Node, ctx: Context) -> bool:
    try:
        ctx.need_gpus(node, "amd")
    except (NoLimit, NotApplicable):
        return False
    return True


def _compare(name: str, mine: dict[str, str], fleet: str) -> Iterator[Measurement | Finding]:
    """One firmware: equal everywhere, a few odd ones out, or a split in which nobody can say who is right."""
    result = vote(mine)
    different = len(result.counts)
    # Where versions differ the findings name the places; the count then only informs.
    yield Measurement(f"{name} versions", different, "versions", fleet, _RULE if different == 1 else None)
    if result.split:
        yield Finding(AMD_FIRMWARE.code, f"{name}: {result.spread} GPUs; no clear majority", fleet)
    for place in result.odd:
        message = (
            f"{name} {mine[place]}, {result.majority} on {result.counts[result.majority]} of {result.total}"
        )
        yield Finding(AMD_FIRMWARE.code, f"{message} GPUs", place)
