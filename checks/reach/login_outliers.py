"""Reach: a node whose login is far slower than that of the others hangs on something that tests would hang on too."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage
from bringup.parsers import outliers

CHECK = "reach.login-time"
_FLOOR_S = 0.5
"""Differences of this size are the load of the moment, whatever the spread of the fleet."""


class LoginOutliers(Check[Group]):
    """No node's login takes far longer than that of most others.

    The connection (TCP, greeting, key) and the login itself (home directory, shell profile) are compared apart. The
    numbers come from the fleet: the median plus six deviations (MAD, at least half a second each).
    """

    id = "reach.login-outliers"
    stage = Stage.REACH
    faults = (
        Fault(
            "LOGIN-SLOW",
            "logging in to {node} takes far longer than to the others",
            "look for what hangs on {node}: mounts of the home directory (df, mount), name service, the shell's profile",
            Who.CONFIGURATION,
            Severity.MONITOR,
            explained_by=("NODE-BUSY",),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < outliers.LEAST:
            raise NotApplicable(f"fewer than {outliers.LEAST} nodes: there is no middle to compare with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = {node.name for node in target.members}
        for name in ("connection", "login"):
            mine = {m.at: float(m.value) for m in ctx.readings.get((CHECK, name), ()) if m.at in members}
            if mine or name == "login":  # nobody logs in to the machine that bringup itself runs on
                yield from _compared(name, target, mine)


def _compared(name: str, target: Group, mine: dict[str, float]) -> Iterator[Measurement]:
    if len(mine) < outliers.LEAST:
        raise CannotJudge(f"only {len(mine)} nodes told how long the {name} takes: no middle to compare with")
    spread = outliers.high(mine, floor=_FLOOR_S)
    limit = Limit(
        f"reach.{name}",
        "<=",
        round(spread.edge, 3),
        "s",
        why=f"median {spread.middle:.2f} s of {len(mine)} nodes plus six deviations",
        source="this fleet",
    )
    for place in spread.high:
        yield Measurement(name, mine[place], "s", place, limit)
    rest = max((v for p, v in mine.items() if p not in spread.high), default=None)
    if rest is not None:
        yield Measurement(f"slowest other {name}", rest, "s", target.name, limit)
