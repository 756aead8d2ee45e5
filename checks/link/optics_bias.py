"""Link: the current of each laser and the supply of the module: an old laser needs more and more of it."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import lanes, optic_commands, optics_of, own_limits
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage


class OpticsBias(Check[Node]):
    """Laser current and supply voltage of every planned port's module are within the module's own limits.

    What is right depends on the laser, so a module without limits of its own is only read. Copper has no laser.
    """

    id = "link.optics-bias"
    stage = Stage.LINK
    faults = (
        Fault(
            "OPTIC-BIAS",
            "the laser of {at} is out of range",
            "replace the module of {at} {place}; if the voltage is out of range on several ports, look at the adapter",
            severity=Severity.MONITOR,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, *optic_commands(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        silent: list[str] = []
        unlimited: list[str] = []
        judged = 0
        for at, optic in optics_of(target, out, ctx):
            kinds = (
                ("bias of lane", "mA", optic.bias_ma if optic else None),
                ("voltage of module", "V", optic.voltage_v if optic else None),
            )
            for name, unit, reading in kinds:
                values = lanes(optic, reading)
                if values is None:
                    silent.append(f"{at} {name}")
                    continue
                for lane, value in values:
                    limits = own_limits("link.optic", unit, reading) if reading else ()
                    bad = [limit for limit in limits if not limit.holds(value)]
                    limit = (bad or limits)[0] if limits else None
                    yield Measurement(f"{name} {lane}", value, unit, at, limit)
                    judged += limit is not None
                    unlimited += [at] if limit is None else []
        if silent:
            raise CannotJudge(f"not reported: {', '.join(silent)}")
        if not judged:
            what = "tells limits of its own" if unlimited else "is optical"
            raise NotApplicable(f"no module of a planned port of {target.name} {what}")
