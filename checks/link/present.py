"""Link: a fabric adapter that the kernel does not show cannot be tested by anything after this.

The PCIe place of every adapter, planned or not, is kept: `link.names` compares what nodes call the one at each place.
"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import rdma_sysfs

_RULE = Limit(
    "link.present", "==", "yes", why="the plan names this adapter", source="inventory or fabric.hcas"
)


class Present(Check[Node]):
    """Every planned fabric adapter is there."""

    id = "link.present"
    stage = Stage.LINK
    collects = True  # for link.names
    faults = (
        Fault(
            "HCA-MISSING",
            "{at} is missing",
            "reseat the adapter {at} {place} and its riser; if it stays away, swap it with a neighbour",
            explained_by=("PLAN-ADAPTER",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        names = {device.name for device in devices}
        for hca in dict.fromkeys(port.hca for port in ctx.training_ports(target)):
            said = "yes" if hca in names else "no"
            yield Measurement("present", said, "", f"{target.name}/hca/{hca}", _RULE)
        for device in devices:
            if device.bdf is not None:
                yield Measurement("pcie place", device.bdf, "", f"{target.name}/hca/{device.name}")
