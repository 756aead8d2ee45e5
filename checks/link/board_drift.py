"""Link: an adapter of another make than its equals has other firmware, other settings and other speed."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage, Weight
from bringup.parsers.majority import LEAST, by_profile, of_nodes, vote

READINGS = ("link.firmware", "board")
_RULE = Limit(
    "link.board-drift", "==", 0, "adapters", why="a fleet's adapters are bought as one make", source="rule"
)


class BoardDrift(Check[Group]):
    """No planned adapter is of another make (board id, PSID) than nearly all others of its profile.

    Makes that come in numbers are an order, not a mistake: they are noted.
    """

    id = "link.board-drift"
    stage = Stage.LINK
    faults = (
        Fault(
            "HCA-BOARD",
            "{at} is of another make than its equals",
            "compare the label of {at} {place} with the order; have it exchanged by the make of the others, or give nodes "
            "with other adapters a profile of their own",
            severity=Severity.MONITOR,
            explained_by=("HCA-MISSING",),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        ports = sum(len(ctx.training_ports(node)) for node in target.members)
        if ports < LEAST:
            raise NotApplicable(f"{ports} planned adapters: there is no majority to compare with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        compared = 0
        for profile, members in by_profile(target.members).items():
            mine = of_nodes(ctx.readings.get(READINGS, ()), members)
            if len(mine) < LEAST:
                continue
            compared += 1
            result = vote(mine)
            odd = len(result.odd)
            # Where there are some the findings name the places; the count then only informs.
            yield Measurement(
                "adapters of another make", odd, "adapters", target.name, None if odd else _RULE
            )
            for place in result.odd:
                share = f"{result.majority} on {result.counts[result.majority]} of {result.total} adapters"
                yield Finding("HCA-BOARD", f"board {mine[place]}, {share}", place)
            if result.split:
                message = f"profile {profile}: {result.spread} adapters"
                yield Finding("HCA-BOARD", message, target.name, Weight.NOTE)
        if not compared:
            raise CannotJudge(f"fewer than {LEAST} adapters told their board id")
