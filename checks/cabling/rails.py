"""Cabling without a plan: nodes that stand together are cabled alike, so the odd one out is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.cabling import FABRIC_UNSEEN, ask, findings, look, need_sight, training
from bringup.cabling.ends import HostPort
from bringup.cabling.plan import SWAP
from bringup.cabling.rails import LEAST, RAIL, vote
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NotApplicable
from bringup.model import Finding, Group, Level, Limit, Measurement, Stage, Weight

_RULE = Limit("cabling.rails", "==", 0, "ports", why="nodes of a unit are cabled alike", source="rule")
_NAMED = 4


class Rails(Check[Group]):
    """Where there is no cable plan, each port of a node ends at the leaf of the same port of the nodes cabled alike."""

    id = "cabling.rails"
    stage = Stage.CABLING
    level = Level.STANDARD
    faults = (
        Fault(RAIL, "the cable of {at} ends at another leaf than those of its rail", "{todo}"),
        Fault(SWAP, "{at} have each other's cables", "{todo}"),
        FABRIC_UNSEEN,
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        ports = training(target.members, ctx).values()
        if not any(not port.leaf for mine in ports for port in mine):
            raise NotApplicable("the cable plan says where every cable ends (cabling.plan)")
        if sum(1 for mine in ports if mine) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes with fabric ports: nothing to compare with")
        return ask(target, ctx)

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = look(target, out, ctx)
        need_sight(seen, ctx, target.name)
        for port in seen.ports:
            if not port.port.leaf and port.at in seen.ends:
                yield Measurement("cable", str(seen.ends[port.at]), "", port.at)
        kinds: dict[str, list[HostPort]] = {}
        for port in seen.ports:
            if not port.port.leaf:
                kinds.setdefault(port.node.profile, []).append(port)
        votes = [vote(mine, seen.ends) for mine in kinds.values()]
        if not any(own.compared for own in votes):
            raise NotApplicable(f"no {LEAST} nodes are cabled alike: there is no rule to be seen")
        if not any(own.deviations for own in votes):
            yield Measurement("ports at another leaf than their rail", 0, "ports", target.name, _RULE)
        for own in votes:
            yield from findings(own.deviations)
            if own.unlike:
                names = ", ".join(own.unlike[:_NAMED]) + (" and more" if len(own.unlike) > _NAMED else "")
                yield Finding(RAIL, f"cabled like no others: {names}", target.name, Weight.NOTE)
