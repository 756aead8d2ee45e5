"""Host: a node with less memory than its equals lacks a module, whatever the size that was ordered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage
from bringup.parsers.host_faults import MEMORY_SIZE
from bringup.parsers.majority import LARGEST_MINORITY, by_profile
from bringup.parsers.outliers import LEAST

READINGS = ("host.memory", "memory")
_SHARE = 0.98
_NAMED = 6
_WHY = (
    "98 % of the median of its profile: one of 32 modules is 3 %; what kernel and firmware of equal nodes keep for "
    "themselves differs by far less"
)


class MemoryDrift(Check[Group]):
    """Every node has as much memory as the other nodes of its profile, at least four of them.

    Finds one module among many, which a floor in a profile lets pass, and works where the profile has none. Where more
    than a third of them have another size than the middle, nobody can say which is right, and the fleet is named.
    """

    id = "host.memory-drift"
    stage = Stage.HOST
    faults = (MEMORY_SIZE,)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if max(map(len, by_profile(target.members).values()), default=0) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes of a profile: there is no middle to compare with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        told = {m.at: float(m.value) for m in ctx.readings.get(READINGS, ())}
        few: list[str] = []
        for profile, members in by_profile(target.members).items():
            sizes = {node: told[node] for node in sorted(members) if node in told}
            if len(sizes) < LEAST:
                if len(members) >= LEAST:
                    few.append(f"{len(sizes)} of {len(members)} with profile {profile}")
                continue
            middle = median(sizes.values())
            least = round(_SHARE * middle, 1)
            small = [node for node, gib in sizes.items() if gib < least]
            large = [node for node, gib in sizes.items() if gib > middle / _SHARE]
            if len(small) + len(large) > LARGEST_MINORITY * len(sizes):
                several = Counter(f"{round(gib)} GiB" for gib in sizes.values()).most_common(_NAMED)
                said = ", ".join(f"{size} on {count}" for size, count in several)
                yield Finding(
                    MEMORY_SIZE.code, f"profile {profile}: {said} nodes; no clear majority", target.name
                )
                continue
            rule = Limit("host.memory-drift", ">=", least, "GiB", why=_WHY, source="rule")
            for node, gib in sizes.items():
                yield Measurement("memory beside the other nodes'", gib, "GiB", node, rule)
        if few:
            raise CannotJudge(f"too few nodes told their memory: {'; '.join(few)}")
