"""Link: the light of every lane. A dirty end shows here before it shows anywhere else."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import lanes, optic_commands, optics_of, own_limits
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers.optics import DARK_DBM

_DARK = Limit("link.optic.power", ">", DARK_DBM, "dBm", why="that is darkness", source="SFF-8636")


class OpticsPower(Check[Node]):
    """On every planned port the light that is sent and received is within the module's own limits.

    A module without limits is only judged on darkness. Copper has no light: ports with copper are left out.
    """

    id = "link.optics-power"
    stage = Stage.LINK
    faults = (
        Fault(
            "OPTIC-POWER",
            "the light of {at} is out of range",
            "received light: clean both ends of {cable} ({at} {place}; {leaf} {leaf_port}), then look at the far end's "
            "transmitter; sent light: replace the module of {at}",
            severity=Severity.ISOLATE,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, *optic_commands(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        silent: list[str] = []
        judged = 0
        for at, optic in optics_of(target, out, ctx):
            for name, reading in (
                ("rx", optic.rx_dbm if optic else None),
                ("tx", optic.tx_dbm if optic else None),
            ):
                values = lanes(optic, reading)
                if values is None:
                    silent.append(f"{at} {name}")
                    continue
                for lane, dbm in values:
                    limits = (own_limits(f"link.optic.{name}_power", "dBm", reading) if reading else ()) or (
                        _DARK,
                    )
                    bad = [limit for limit in limits if not limit.holds(dbm)]
                    yield Measurement(f"{name} power of lane {lane}", dbm, "dBm", at, (bad or limits)[0])
                    judged += 1
        if silent:
            raise CannotJudge(f"the light is not reported by {', '.join(silent)}")
        if not judged:
            raise NotApplicable(f"no planned port of {target.name} has an optical module")
