"""Link: the one module of a make that nobody else has: a counterfeit, a leftover, or somebody's quick repair."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage
from bringup.parsers.link_faults import OPTIC_PART

READINGS = ("link.optics-identity", "link.optic.vendor")
PARTS = ("link.optics-identity", "link.optic.part")
_LEAST = 8
"""With fewer modules in all, one of its own kind says nothing."""
_RULE = Limit("link.optics-drift", "==", 0, "modules", why="makes come in numbers, not alone", source="rule")


class OpticsDrift(Check[Group]):
    """No planned port has a module of a make that no other port of the fleet has.

    Several makes side by side are fine, and part numbers differ with the length of the cable; only a lone make
    stands out.
    """

    id = "link.optics-drift"
    stage = Stage.LINK
    faults = (OPTIC_PART,)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not any(ctx.training_ports(node) for node in target.members):
            raise NotApplicable("no node has planned fabric ports")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = {node.name for node in target.members}
        makes = {
            m.at: str(m.value) for m in ctx.readings.get(READINGS, ()) if m.at.partition("/")[0] in members
        }
        parts = {m.at: str(m.value) for m in ctx.readings.get(PARTS, ())}
        if len(makes) < _LEAST:
            raise NotApplicable(f"fewer than {_LEAST} modules told their make")
        counts: dict[str, list[str]] = {}
        for at, make in makes.items():
            counts.setdefault(make, []).append(at)
        lone = {make: ats[0] for make, ats in counts.items() if len(ats) == 1}
        # Where there are some the findings name the places; the count then only informs.
        yield Measurement("lone makes", len(lone), "modules", target.name, None if lone else _RULE)
        for make, at in lone.items():
            others = ", ".join(sorted(other for other in counts if other != make)[:3])
            message = f"{make} {parts.get(at, 'without part number')}; the other {len(makes) - 1} modules are of {others}"
            yield Finding(OPTIC_PART.code, message, at)
