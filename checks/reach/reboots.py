"""Reach: a node that boots again and again is no node to measure; its power or firmware is the first suspect."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import boots


class Reboots(Check[Node]):
    """The node has not booted more often than the profile allows in the hours that the profile looks back.

    The time since the last boot alone proves it for a node that is up long enough; else the login records do. Which
    boot it is, is asked as well, for the checks that ask again after the load.
    """

    id = "reach.reboots"
    stage = Stage.REACH
    faults = (
        Fault(
            "NODE-REBOOTS",
            "{node} boots again and again",
            "read the event log of the BMC of {node} {place} (power, temperature, watchdog) and its console; "
            "check its power supplies and feeds",
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, boots.BOOTS, boots.UP)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "reach.reboots")
        window_s = ctx.number(target, "reboots.lookback_h") * 3600.0
        seen = boots.parse(out.text(target, boots.BOOTS))
        yield Measurement("uptime", round(seen.uptime_s / 3600, 1), "h", target.name)
        if seen.uptime_s >= window_s:
            yield Measurement("boots", 0, limit.unit, target.name, limit)
            return
        if seen.boots is None or seen.since is None:
            raise CannotJudge(
                f"{target.name} booted {seen.uptime_s / 3600:.1f} h ago, and boots before that are not known: {seen.why}"
            )
        recent = [boot for boot in seen.boots if boot >= seen.now - window_s]
        yield Measurement("boots", max(1, len(recent)), limit.unit, target.name, limit)
        if seen.since > seen.now - window_s:
            message = f"the login records begin {(seen.now - seen.since) / 3600:.1f} h ago"
            yield Finding("NODE-REBOOTS", message, target.name, Weight.NOTE)
