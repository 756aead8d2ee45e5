"""Host: nodes whose software differs from that of the others fail later in ways that look like hardware."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage, Weight
from bringup.parsers.majority import LEAST, by_profile, compare, of_nodes

READINGS = "host.software"
_RULE = Limit(
    "host.drift",
    "<=",
    1,
    "versions",
    why="consistency: equal nodes run equal software; not a number",
    source="rule",
)


class Drift(Check[Group]):
    """Nodes of one profile run the same versions of kernel, drivers, BIOS and libraries of collectives."""

    id = "host.drift"
    stage = Stage.HOST
    faults = (
        Fault(
            "VERSION-MINORITY",
            "{at} runs other software than the others",
            "install the majority's version on {at} (re-image it; flash a BIOS), or correct the others if the majority is wrong",
            Who.SOFTWARE,
            Severity.REBOOT,
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes: there is no majority to compare with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        names = sorted(name for check, name in ctx.readings if check == READINGS)
        few: list[str] = []
        for profile, members in by_profile(target.members).items():
            for name in names:
                mine = of_nodes(ctx.readings[READINGS, name], members)
                if len(mine) >= LEAST:
                    yield from compare(name, mine, code="VERSION-MINORITY", limit=_RULE, fleet=target.name)
                elif mine and len(members) >= LEAST:
                    few.append(f"{name} of {len(mine)} of {len(members)} nodes with profile {profile}")
                elif mine:
                    yield Finding(
                        "VERSION-MINORITY",
                        f"only {len(members)} with profile {profile}: {name} was not compared",
                        target.name,
                        Weight.NOTE,
                    )
        if few:
            raise CannotJudge(f"too few readings for a majority: {'; '.join(few)}")
        if not names:
            raise CannotJudge(f"no node told its versions ({READINGS} has no reading)")
