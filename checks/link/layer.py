"""Link: adapters can be switched between InfiniBand and Ethernet, and come from the factory either way."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, port_path
from bringup.parsers import rdma_sysfs


class Layer(Check[Node]):
    """Every planned port speaks the planned link layer."""

    id = "link.layer"
    stage = Stage.LINK
    faults = (
        Fault(
            "LINK-LAYER",
            "{at} speaks the wrong link layer",
            "set LINK_TYPE of {at} with mlxconfig and reboot {node}",
            Who.CONFIGURATION,
            Severity.REBOOT,
            explained_by=("HCA-MISSING",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        limit = ctx.limit(target, "link.layer")
        unknown: list[str] = []
        for planned in ctx.training_ports(target):
            port = rdma_sysfs.find_port(devices, planned.hca)
            if port is None or port.link_layer is None:
                unknown.append(planned.hca)
            else:
                at = port_path(target.name, planned.hca)
                yield Measurement("link_layer", port.link_layer, "", at, limit)
        if unknown:
            at = f"{target.name}/hca/{unknown[0]}"
            raise CannotJudge(f"no link layer read from {', '.join(unknown)}", code="HCA-MISSING", at=at)
