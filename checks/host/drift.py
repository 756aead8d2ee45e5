"""Host: nodes whose software differs from that of the others fail later in ways that look like hardware."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.check import NOTHING, Check, Context, Outputs, Plan
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Fault, Finding, Group, Limit, Measurement, Node, Severity, Stage, Weight, Who
from bringup.parsers.majority import LEAST, vote

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
    """Nodes of one profile run the same versions of kernel and drivers."""

    id = "host.drift"
    stage = Stage.HOST
    faults = (
        Fault(
            "VERSION-MINORITY",
            "{at} runs other software than the others",
            "install the majority's version on {at} (re-image), or correct the others if the majority is wrong",
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
        for profile, members in _by_profile(target.members).items():
            for name in names:
                mine = {m.at: str(m.value) for m in ctx.readings[READINGS, name] if m.at in members}
                if len(mine) >= LEAST:
                    yield from _compare(name, mine, target.name)
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


def _by_profile(members: Sequence[Node]) -> dict[str, frozenset[str]]:
    profiles = dict.fromkeys(node.profile for node in members)
    return {p: frozenset(n.name for n in members if n.profile == p) for p in profiles}


def _compare(name: str, mine: dict[str, str], fleet: str) -> Iterator[Measurement | Finding]:
    """One name: equal everywhere, a few odd ones out, or a split in which nobody can say who is right."""
    result = vote(mine)
    different = len(result.counts)
    # Where versions differ the findings name the places; the count then only informs.
    yield Measurement(f"{name} versions", different, "versions", fleet, _RULE if different == 1 else None)
    if result.split:
        yield Finding("VERSION-MINORITY", f"{name}: {result.spread} nodes; no clear majority", fleet)
    for place in result.odd:
        message = f"{name} {mine[place]}, {result.majority} on {result.counts[result.majority]} of {result.total} nodes"
        yield Finding("VERSION-MINORITY", message, place)
