"""Cabling: does every cable end where the plan says? A wrong one works, and slows or breaks what crosses it."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.cabling import FABRIC_UNSEEN, UNSEEN, ask, findings, look, need_sight, training
from bringup.cabling.plan import EXTRA, PLAN, SWAP, WRONG, compare
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Level, Limit, Measurement, Stage, Weight

_RULE = Limit("cabling.plan", "==", 0, "cables", why="a cable ends where the plan says", source="rule")
_NAMED = 4
_ELSEWHERE = ("NODE-IDENTITY", "PLAN-ADAPTER", "HCA-MISSING")
"""What makes a cable look wrong that lies well: the machine is another one, or its adapter has another name."""


class CablePlan(Check[Group]):
    """Every cable of the plan that can be seen ends at its planned switch and port, and no other one is there.

    A port without link or neighbour is unknown here, not wrong: link.state judges that. The measurements are the cables
    as they are built.
    """

    id = "cabling.plan"
    stage = Stage.CABLING
    level = Level.STANDARD
    faults = (
        Fault(WRONG, "the cable of {at} ends elsewhere than planned", "{todo}", explained_by=_ELSEWHERE),
        Fault(SWAP, "{at} have each other's cables", "{todo}", explained_by=_ELSEWHERE),
        Fault(EXTRA, "a cable at {at} is in no plan", "{todo}", Who.PLAN, Severity.MONITOR),
        Fault(PLAN, "the cable plan and {at} differ all in the same way", "{todo}", Who.PLAN),
        FABRIC_UNSEEN,
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        ports = training(target.members, ctx).values()
        if not any(port.leaf for mine in ports for port in mine):
            raise NotApplicable("the inventory has no cable plan (cables)")
        return ask(target, ctx)

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = look(target, out, ctx)
        need_sight(seen, ctx, target.name)
        for at, end in seen.ends.items():
            yield Measurement("cable", str(end), "", at)
        compared = compare(seen.planned, seen.ends)
        if compared.seen and not compared.deviations:
            yield Measurement("cables elsewhere than planned", 0, "cables", target.name, _RULE)
        yield from findings(compared.deviations)
        unseen = [str(port) for port in seen.planned if port.at not in seen.ends]
        notes = [*seen.notes]
        if unseen:
            more = f" and {len(unseen) - _NAMED} more" if len(unseen) > _NAMED else ""
            notes.append(
                f"{len(unseen)} of {len(seen.planned)} planned cables were not seen: {', '.join(unseen[:_NAMED])}{more}"
            )
        for note in notes:
            yield Finding(WRONG, note, target.name, Weight.NOTE)
        if seen.trouble or not compared.seen:
            raise CannotJudge(
                f"no planned cable of this network could be seen: {seen.trouble or 'none has a neighbour'}",
                code=UNSEEN,
                at=target.name,
            )
