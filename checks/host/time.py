"""Host: clocks that differ break logs, leases and certificates, and make every comparison of logs a guess."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import chrony, timesyncd

_RULE = Limit("host.time.synchronised", "==", "yes", why="a clock without a source drifts", source="rule")


class Time(Check[Node]):
    """The clock follows a time source and is close to it.

    chronyd is asked, else systemd-timesyncd. Where neither runs the kernel tells only whether anybody steers its clock.
    """

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
        return run(target, chrony.TRACKING, timesyncd.STATUS, chrony.KERNEL_CLOCK)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        try:
            answered = out.answered(target, chrony.TRACKING)
        except ToolMissing as missing:
            yield from _without_chrony(target, out, ctx, missing)
            return
        if chrony.no_daemon(answered.text):
            unknown = CannotJudge("chronyd does not run, so the offset is unknown")
            yield from _without_chrony(target, out, ctx, unknown)
            return
        tracking = chrony.parse(out.text(target, chrony.TRACKING))
        yield from _clock(target, ctx, tracking.offset_s if tracking.synchronised else None)


def _clock(node: Node, ctx: Context, offset_s: float | None) -> Iterator[Measurement]:
    """A clock that follows a source and is so far off; None: it follows none."""
    said = "no" if offset_s is None else "yes"
    yield Measurement("synchronised", said, "", node.name, _RULE, code="CLOCK-UNSYNCED")
    if offset_s is not None:
        limit = ctx.limit(node, "host.time.offset")
        yield Measurement(
            "offset", round(abs(offset_s) * 1000, 6), "ms", node.name, limit, code="CLOCK-OFFSET"
        )


def _without_chrony(node: Node, out: Outputs, ctx: Context, unknown: CannotJudge) -> Iterator[Measurement]:
    """systemd-timesyncd tells as much where it runs; else only the kernel can be asked."""
    try:
        answered = out.answered(node, timesyncd.STATUS)
        status = None if answered.status else timesyncd.parse(answered.text)
    except ToolMissing:
        status = None
    if status is None:
        yield from _kernel_says(node, out, unknown)
    else:
        yield from _clock(node, ctx, status.offset_s if status.synchronised else None)


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
