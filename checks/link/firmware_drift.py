"""Link: adapters of one board whose firmware differs behave differently under load and in subnet management."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Context, Outputs, Plan
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Fault, Finding, Group, Limit, Measurement, Severity, Stage, Weight, Who
from bringup.parsers.majority import LEAST, vote

READINGS = "link.firmware"
_RULE = Limit(
    "link.firmware-drift", "<=", 1, "versions", why="consistency: equal boards, equal firmware", source="rule"
)


class FirmwareDrift(Check[Group]):
    """Adapters of one board run the same firmware on all nodes."""

    id = "link.firmware-drift"
    stage = Stage.LINK
    faults = (
        Fault(
            "HCA-FIRMWARE",
            "{at} runs other firmware than its equals",
            "flash the majority's firmware on {at} and reset the adapter",
            Who.SOFTWARE,
            Severity.REBOOT,
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes: there is no majority to compare with")
        if not any(ctx.training_ports(node) for node in target.members):
            raise NotApplicable("no node has planned fabric ports")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = {node.name for node in target.members}
        compared = 0
        for name in sorted(name for check, name in ctx.readings if check == READINGS):
            board = name.removeprefix("fw ")
            readings = ctx.readings[READINGS, name]
            mine = {m.at: str(m.value) for m in readings if m.at.partition("/")[0] in members}
            if len(mine) < LEAST:
                message = f"only {len(mine)} adapters of board {board}: their firmware was not compared"
                yield Finding("HCA-FIRMWARE", message, target.name, Weight.NOTE)
                continue
            compared += 1
            yield from _compare(board, mine, target.name)
        if not compared:
            raise CannotJudge(f"no board has {LEAST} readings ({READINGS}), so there is no majority")


def _compare(board: str, mine: dict[str, str], fleet: str) -> Iterator[Measurement | Finding]:
    """One board: equal everywhere, a few odd ones out, or a split in which nobody can say who is right."""
    result = vote(mine)
    different = len(result.counts)
    # Where versions differ the findings name the places; the count then only informs.
    yield Measurement(f"{board} versions", different, "versions", fleet, _RULE if different == 1 else None)
    if result.split:
        yield Finding("HCA-FIRMWARE", f"{board}: {result.spread} adapters; no clear majority", fleet)
    for place in result.odd:
        message = f"{board} firmware {mine[place]}, {result.majority} on {result.counts[result.majority]}"
        yield Finding("HCA-FIRMWARE", f"{message} of {result.total} adapters", place)
