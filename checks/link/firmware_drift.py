"""Link: adapters of one board whose firmware differs behave differently under load and in subnet management."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage, Weight
from bringup.parsers.link_faults import HCA_FIRMWARE
from bringup.parsers.majority import LEAST, compare, of_nodes

READINGS = "link.firmware"
_FIRMWARE = "fw "
_RULE = Limit(
    "link.firmware-drift", "<=", 1, "versions", why="consistency: equal boards, equal firmware", source="rule"
)


class FirmwareDrift(Check[Group]):
    """Adapters of one board run the same firmware on all nodes."""

    id = "link.firmware-drift"
    stage = Stage.LINK
    faults = (HCA_FIRMWARE,)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes: there is no majority to compare with")
        if not any(ctx.training_ports(node) for node in target.members):
            raise NotApplicable("no node has planned fabric ports")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = frozenset(node.name for node in target.members)
        compared = 0
        for name in sorted(n for check, n in ctx.readings if check == READINGS and n.startswith(_FIRMWARE)):
            board = name.removeprefix(_FIRMWARE)
            mine = of_nodes(ctx.readings[READINGS, name], members)
            if len(mine) < LEAST:
                message = f"only {len(mine)} adapters of board {board}: their firmware was not compared"
                yield Finding(HCA_FIRMWARE.code, message, target.name, Weight.NOTE)
                continue
            compared += 1
            yield from compare(
                f"{board} firmware",
                mine,
                code=HCA_FIRMWARE.code,
                limit=_RULE,
                fleet=target.name,
                of="adapters",
            )
        if not compared:
            raise CannotJudge(f"no board has {LEAST} readings ({READINGS}), so there is no majority")
