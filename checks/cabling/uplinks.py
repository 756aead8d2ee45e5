"""Cabling above the leaves: a missing or slow link to a spine is felt only under full load, by everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bringup.battery.cabling import FABRIC_UNSEEN, Seen, ask, findings, look, need_sight
from bringup.cabling.uplinks import LEAST_LEAVES, MISSING, SLOW, SPINE, compare, leaves
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Level, Limit, Measurement, Stage

_RULE = Limit(
    "cabling.uplinks", "==", 0, "leaves", why="leaves are joined to the spines alike", source="rule"
)


class Uplinks(Check[Group]):
    """Every leaf of the InfiniBand fabric has as many links to other switches as its siblings, and none is slower."""

    id = "cabling.uplinks"
    stage = Stage.CABLING
    level = Level.STANDARD
    faults = (
        Fault(MISSING, "links of {at} to the spines are missing", "{todo}"),
        Fault(SLOW, "links of {at} to the spines are slow", "{todo}"),
        Fault(SPINE, "all links of {at} are slow", "{todo}"),
        FABRIC_UNSEEN,
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        plan = ask(target, ctx)
        if not plan.steps:
            raise NotApplicable("no node has InfiniBand: switches of other networks are not asked")
        return plan

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = look(target, out, ctx)
        need_sight(seen, ctx, target.name)
        found = leaves(seen.fabric, seen.names, _hosts(seen))
        if len(found) < LEAST_LEAVES or not any(leaf.trunks for leaf in found):
            raise NotApplicable(
                f"{len(found)} leaves with {sum(len(leaf.trunks) for leaf in found)} links to other switches were seen: "
                "nothing to compare with"
            )
        for leaf in found:
            yield Measurement("links to other switches", len(leaf.trunks), "links", leaf.name)
        deviations = compare(found, seen.names)
        if seen.fabric.trouble and any(one.code == MISSING for one in deviations):
            raise CannotJudge("; ".join(seen.fabric.trouble))
        if not deviations:
            yield Measurement("leaves joined otherwise than their siblings", 0, "leaves", target.name, _RULE)
        yield from findings(deviations)


def _hosts(seen: Seen) -> Counter[str]:
    """How many of our ports each switch has or should have, by GUID."""
    guid_of = {name: guid for guid, name in seen.names.items()}
    meant = (
        port.port.leaf or (seen.ends[port.at].switch if port.at in seen.ends else "") for port in seen.ports
    )
    return Counter(guid_of[name] for name in meant if name in guid_of)
