"""Is the service that sets up the NVSwitches running?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NoLimit, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import systemd

FM_DOWN = Fault(
    code="FM-DOWN",
    title="the fabric manager of {node} is not running",
    action="on {node}: systemctl enable --now nvidia-fabricmanager; if it stays down, install the fabric manager in "
    "exactly the driver's version and read its log",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("GPU-DRIVER",),
)

UNIT = systemd.unit("nvidia-fabricmanager")


class FabricManager(Check[Node]):
    """The fabric manager service is active.

    The state that the GPUs report is not enough: it stays "Completed" long after the service has died.
    """

    id = "nvlink.fabric-manager"
    stage = Stage.NVLINK
    faults = (FM_DOWN,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        needed = ctx.fact(target, "nvlink.fabric_manager")
        if not isinstance(needed, bool):
            raise NoLimit(
                f"profile {target.profile}: fact nvlink.fabric_manager is {needed!r}, needed true or false"
            )
        if not needed:
            raise NotApplicable(f"profile {target.profile} has no fabric manager on the node")
        return run(target, UNIT)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "nvlink.fm.state")
        unit = systemd.parse(out.text(target, UNIT))
        state = unit.active if unit.load == "loaded" else unit.load
        yield Measurement("nvlink.fm.state", state, "", target.name, limit, FM_DOWN.code)
        if not limit.holds(state):
            detail = f"{unit.id}: {unit.load}, {unit.active} ({unit.sub}), result {unit.result or 'unknown'}"
            yield Finding(FM_DOWN.code, detail, target.name, Weight.NOTE)
