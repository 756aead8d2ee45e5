"""Link: which module or cable is in every planned port; a site may list the parts that it has approved."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import optic_commands, optics_of
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, NoLimit
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers.link_faults import OPTIC_PART

_RULE = Limit(
    "link.optic.approved", "==", "yes", why="the profile's fact link.optic.approved", source="profile"
)


class OpticsIdentity(Check[Node]):
    """The module or cable of every planned port tells what it is, and is of an approved part number.

    Where the profile has no list (fact `link.optic.approved`), vendor, part and serial number are readings only.
    """

    id = "link.optics-identity"
    stage = Stage.LINK
    collects = True
    faults = (OPTIC_PART,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, *optic_commands(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        approved = _approved(target, ctx)
        silent: list[str] = []
        for at, optic in optics_of(target, out, ctx):
            if optic is None or optic.part is None:
                silent.append(at)
                continue
            for name, value in (("vendor", optic.vendor), ("part", optic.part), ("serial", optic.serial)):
                if value is not None:
                    yield Measurement(f"link.optic.{name}", value, "", at)
            if approved:
                yield Measurement(
                    "link.optic.approved", "yes" if optic.part in approved else "no", "", at, _RULE
                )
                if optic.part not in approved:
                    yield Finding(OPTIC_PART.code, f"{optic.vendor or 'unknown vendor'} {optic.part}", at)
        if silent:
            raise CannotJudge(f"no part number is reported by the module of {', '.join(silent)}")


def _approved(node: Node, ctx: Context) -> frozenset[str]:
    try:
        value = ctx.fact(node, "link.optic.approved")
    except NoLimit:
        if node.profile not in ctx.rules:
            raise
        return frozenset()
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise NoLimit(f"profile {node.profile}: fact link.optic.approved is {value!r}, needed part numbers")
    return frozenset(value)
