"""Link: the subnet manager gives every InfiniBand port its address; without one nothing can be sent to it."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import rdma_sysfs

_NO_LIDS = (0, 0xFFFF)
_RULE = Limit(
    "link.sm", "==", "yes", why="a port is reached by the LID that the subnet manager gave it", source="rule"
)


class SubnetManager(Check[Node]):
    """Every planned InfiniBand port has a LID and knows its subnet manager.

    A port that is down cannot have them: link.state judges that.
    """

    id = "link.sm"
    stage = Stage.LINK
    faults = (
        Fault(
            "LINK-SM",
            "{at} has no address from a subnet manager",
            "the cable is fine: look at the subnet manager (UFM or opensm) and at its log for {at}; look at the switch "
            "{leaf}",
            Who.SOFTWARE,
            Severity.ISOLATE,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-INIT", "LINK-LAYER"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, "InfiniBand")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        silent: list[str] = []
        judged = 0
        for hca in planned(target, ctx):
            port = rdma_sysfs.find_port(devices, hca)
            if port is None or port.state != "ACTIVE" or port.link_layer not in (None, "InfiniBand"):
                continue  # link.state and link.layer judge these
            at = port_path(target.name, hca)
            if port.lid is None or port.sm_lid is None:
                silent.append(hca)
                continue
            judged += 1
            yield Measurement("lid", "no" if port.lid in _NO_LIDS else "yes", "", at, _RULE)
            yield Measurement("subnet manager", "no" if port.sm_lid in _NO_LIDS else "yes", "", at, _RULE)
            yield Measurement("sm_lid", port.sm_lid, "", at)
        if silent:
            raise CannotJudge(f"no LID is reported by {', '.join(silent)}")
        if not judged:
            raise CannotJudge(
                "no planned port is ACTIVE, so none has a LID (link.state says why)", code="LINK-SM"
            )
