"""Link: a link that came up slower than planned passes every up/down test and halves every job."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, port_path
from bringup.parsers import rdma_sysfs


class Rate(Check[Node]):
    """Every planned port that is up runs at the planned rate."""

    id = "link.rate"
    stage = Stage.LINK
    faults = (
        Fault(
            "LINK-RATE",
            "{at} runs below its rate",
            "clean and reseat both ends of {cable} ({at} {place}; {leaf} {leaf_port}), then replace it; look for a split port",
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-INIT"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        limit = ctx.limit(target, "link.rate")
        judged = 0
        for planned in ctx.training_ports(target):
            port = rdma_sysfs.find_port(devices, planned.hca)
            if port is None or port.state != "ACTIVE":
                continue  # a port that is down prints a rate all the same; link.state judges it
            at = port_path(target.name, planned.hca)
            if port.rate_gbps is None or port.lanes is None:
                raise CannotJudge(f"{at} is ACTIVE and tells no rate")
            yield Measurement("rate", port.rate_gbps, "Gb/s", at, limit)
            yield Measurement("width", f"{port.lanes}X {port.generation or ''}".strip(), "", at)
            judged += 1
        if not judged:
            raise CannotJudge(
                "no planned port is ACTIVE, so no rate means anything (link.state says why)",
                code="LINK-RATE",
            )
