"""Link: whether each planned port carries a link, and if not, whose job that is: cable, switch-off or subnet manager.

Ports outside the plan are never judged: a spare or frontend port may be down on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, port_path
from bringup.parsers import rdma_sysfs
from bringup.parsers.rdma_sysfs import RdmaDevice, RdmaPort


class State(Check[Node]):
    """Every planned fabric port is ACTIVE with its link up."""

    id = "link.state"
    stage = Stage.LINK
    gate = "component"
    faults = (
        Fault(
            "LINK-DOWN",
            "no link on {at}",
            "reseat {cable} at {at} {place} and at {leaf} {leaf_port}, clean the optics; then replace cable or optic",
            explained_by=("HCA-MISSING", "CABLE-WRONG"),
        ),
        Fault(
            "LINK-DISABLED",
            "{at} is switched off",
            "find out who switched {at} off and switch it on; if that is intended, take it out of the plan",
            Who.CONFIGURATION,
            explained_by=("HCA-MISSING",),
        ),
        Fault(
            "LINK-INIT",
            "{at} waits for the subnet manager",
            "the cable is fine: look at the subnet manager (UFM or opensm) and at the switch {leaf}",
            Who.SOFTWARE,
            Severity.ISOLATE,
            explained_by=("HCA-MISSING",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        state, phys = ctx.limit(target, "link.state"), ctx.limit(target, "link.phys_state")
        for planned in ctx.training_ports(target):
            at = port_path(target.name, planned.hca)
            port = rdma_sysfs.find_port(devices, planned.hca)
            code = _code(devices, port)
            # A port without a device is not unknown: the kernel listed its devices, and this is not among them.
            yield Measurement("state", (port and port.state) or "absent", "", at, state, code)
            yield Measurement("phys_state", (port and port.phys_state) or "absent", "", at, phys, code)


def _code(devices: tuple[RdmaDevice, ...], port: RdmaPort | None) -> str:
    """Which fault it is, if the port is not as it should be."""
    if port is None:
        return "LINK-DOWN"
    if port.link_layer == "Ethernet":
        # Ethernet says Disabled without carrier as well: only the interface's own switch tells.
        return (
            "LINK-DISABLED" if port.phys_state == "Disabled" and _switched_off(devices, port) else "LINK-DOWN"
        )
    if port.phys_state == "Disabled":
        return "LINK-DISABLED"
    return "LINK-INIT" if port.phys_state == "LinkUp" else "LINK-DOWN"


def _switched_off(devices: tuple[RdmaDevice, ...], port: RdmaPort) -> bool:
    netdevs = next((device.netdevs for device in devices if device.name == port.device), ())
    return not any(netdev.up for netdev in netdevs)
