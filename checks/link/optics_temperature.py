"""Link: hot modules make bit errors, and switch themselves off in the end."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import lanes, optic_commands, optics_of, own_limits
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage


class OpticsTemperature(Check[Node]):
    """The module of every planned port is cool enough by the profile and by its own limits.

    Copper reports no temperature: ports with copper are left out.
    """

    id = "link.optics-temperature"
    stage = Stage.LINK
    faults = (
        Fault(
            "OPTIC-TEMPERATURE",
            "the module of {at} is too hot",
            "look at the airflow around {at} {place} and at blanking panels; if its neighbours are cool, replace the "
            "module",
            severity=Severity.MONITOR,
            explained_by=("HCA-MISSING",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, *optic_commands(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        planned = ctx.limit(target, "link.optic.temperature")
        silent: list[str] = []
        judged = 0
        for at, optic in optics_of(target, out, ctx):
            reading = optic.temperature_c if optic else None
            values = lanes(optic, reading)
            if values is None:
                silent.append(at)
                continue
            for _, heat in values:
                own = own_limits("link.optic.temperature", "C", reading) if reading else ()
                bad = [limit for limit in own if not limit.holds(heat)]
                limit = planned if not planned.holds(heat) or not bad else bad[0]
                yield Measurement("link.optic.temperature", heat, "C", at, limit)
                judged += 1
        if silent:
            raise CannotJudge(f"no temperature is reported by the module of {', '.join(silent)}")
        if not judged:
            raise NotApplicable(f"no planned port of {target.name} has an optical module")
