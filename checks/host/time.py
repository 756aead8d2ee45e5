"""Host: clocks that differ break logs, leases and certificates, and make every comparison of logs a guess."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.errors import CannotJudge, ToolMissing
from bringup.model import Fault, Finding, Limit, Measurement, Node, Severity, Stage, Who
from bringup.parsers import chrony

_RULE = Limit("host.time.synchronised", "==", "yes", why="a clock without a source drifts", source="rule")


class Time(Check[Node]):
    """The clock follows a time source and is close to it."""

    id = "host.time"
    stage = Stage.HOST
    faults = (
        Fault(
            "CLOCK-OFFSET",
            "the clock of {node} is off",
            "look at chronyc sources on {node}: the right servers, reachable; then chronyc makestep",
            Who.CONFIGURATION,
            Severity.MONITOR,
            explained_by=("CLOCK-UNSYNCED",),
        ),
        Fault(
            "CLOCK-UNSYNCED",
            "the clock of {node} follows no time source",
            "start chronyd on {node} and give it the site's time servers",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, chrony.TRACKING, chrony.KERNEL_CLOCK)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        try:
            answered = out.answered(target, chrony.TRACKING)
        except ToolMissing as missing:
            yield from _kernel_says(target, out, missing)
            return
        if chrony.no_daemon(answered.text):
            yield from _kernel_says(
                target, out, CannotJudge("chronyd does not run, so the offset is unknown")
            )
            return
        tracking = chrony.parse(out.text(target, chrony.TRACKING))
        said = "yes" if tracking.synchronised else "no"
        yield Measurement("synchronised", said, "", target.name, _RULE, code="CLOCK-UNSYNCED")
        if tracking.synchronised:
            offset_ms = abs(tracking.offset_s) * 1000
            limit = ctx.limit(target, "host.time.offset")
            yield Measurement("offset", round(offset_ms, 6), "ms", target.name, limit, code="CLOCK-OFFSET")


def _kernel_says(node: Node, out: Outputs, unknown: CannotJudge) -> Iterator[Measurement]:
    """Without chrony the kernel still tells whether anybody steers its clock, but not how far it is off."""
    try:
        steered = chrony.parse_kernel_clock(out.text(node, chrony.KERNEL_CLOCK))
    except CannotJudge:
        raise unknown from None
    if not steered:
        yield Measurement("synchronised", "no", "", node.name, _RULE, code="CLOCK-UNSYNCED")
        return
    raise unknown
