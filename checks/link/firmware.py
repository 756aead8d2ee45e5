"""Link: board and firmware of every planned adapter; `link.board-drift` and `link.firmware-drift` compare them."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import rdma_sysfs
from bringup.parsers.link_faults import HCA_FIRMWARE

APPROVED = "link.firmware.approved"


class Firmware(Check[Node]):
    """The node tells the board and the firmware of its planned adapters, and the firmware is approved.

    Judged only where the profile names what it approves (fact `link.firmware.approved`): versions, or boards (PSID)
    with their version.
    """

    id = "link.firmware"
    stage = Stage.LINK
    collects = True
    faults = (HCA_FIRMWARE,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        approved = words(target, ctx, APPROVED)
        planned = {port.hca for port in ctx.training_ports(target)}
        quiet: list[str] = []
        for device in rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS)):
            if device.name not in planned:
                continue
            if not device.fw_ver or not device.board_id:
                quiet.append(device.name)
                continue
            at = f"{target.name}/hca/{device.name}"
            yield Measurement("board", device.board_id, "", at)
            # One reading for each board (PSID): firmware is only comparable between equal boards.
            yield Measurement(f"fw {device.board_id}", device.fw_ver, "", at)
            if approved:
                mine = {device.fw_ver, f"{device.board_id} {device.fw_ver}"}
                expected = device.fw_ver if mine & set(approved) else " or ".join(approved)
                limit = Limit(APPROVED, "==", expected, why="a fact of the profile", source="profile")
                yield Measurement("firmware", device.fw_ver, "", at, limit, HCA_FIRMWARE.code)
        if quiet and approved:
            raise CannotJudge(f"firmware or board is not told by {', '.join(sorted(quiet))}")
