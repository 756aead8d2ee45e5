"""Link: the firmware of every planned adapter by its board; `link.firmware-drift` compares them over the fleet."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import rdma_sysfs


class Firmware(Check[Node]):
    """The node tells the firmware of its planned adapters."""

    id = "link.firmware"
    stage = Stage.LINK
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        planned = {port.hca for port in ctx.training_ports(target)}
        for device in rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS)):
            if device.name in planned and device.fw_ver and device.board_id:
                # One reading for each board (PSID): firmware is only comparable between equal boards.
                at = f"{target.name}/hca/{device.name}"
                yield Measurement(f"fw {device.board_id}", device.fw_ver, "", at)
