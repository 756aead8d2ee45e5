"""Reach: a node whose login is far slower than that of the others hangs on something that tests would hang on too."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Context, Outputs, Plan
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Fault, Finding, Group, Limit, Measurement, Severity, Stage, Who
from bringup.parsers import outliers

READINGS = ("reach.login-time", "login")
_FLOOR_S = 0.5
"""Differences of this size are the load of the moment, whatever the spread of the fleet."""


class LoginOutliers(Check[Group]):
    """No node's login takes far longer than that of most others.

    The number comes from the fleet: the median plus six deviations (MAD, at least half a second each).
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
        mine = {m.at: float(m.value) for m in ctx.readings.get(READINGS, ()) if m.at in members}
        if len(mine) < outliers.LEAST:
            raise CannotJudge(
                f"only {len(mine)} nodes told how long a login takes: no middle to compare with"
            )
        spread = outliers.high(mine, floor=_FLOOR_S)
        limit = Limit(
            "reach.login",
            "<=",
            round(spread.edge, 3),
            "s",
            why=f"median {spread.middle:.2f} s of {len(mine)} nodes plus six deviations",
            source="this fleet",
        )
        for place in spread.high:
            yield Measurement("login", mine[place], "s", place, limit)
        rest = max((v for p, v in mine.items() if p not in spread.high), default=None)
        if rest is not None:
            yield Measurement("slowest other login", rest, "s", target.name, limit)
