"""Host: what the kernel itself calls trouble while the run goes on: memory, disks, file systems, lockups, crashes."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import troubles
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import kernel_log, kernel_trouble


class Dmesg(Check[Node]):
    """The kernel log holds no trouble of the host since the run's window began.

    Recent means: since `kernel_log.lookback_min` minutes before the run began; older records are notes. Reports of
    GPUs, of the PCI bus, of hung tasks and of machine checks have checks of their own.
    """

    id = "host.dmesg"
    stage = Stage.HOST
    faults = troubles.FAULTS

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, kernel_log.LOG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.dmesg")
        lookback_s = ctx.number(target, "kernel_log.lookback_min") * 60.0
        log, found = kernel_trouble.parse(out.text(target, kernel_log.LOG))
        window_s = max(0.0, out.get(target, kernel_log.LOG).at - ctx.started) + lookback_s
        mine = [t for t in found if t.kind not in troubles.OWN_CHECKS]
        recent = [t for t in mine if not t.corrected and (t.age_s is None or t.age_s <= window_s)]
        yield from troubles.verdict(target, recent, limit)
        others = [t for t in mine if t not in recent]
        if others:
            said = f"before this run's window, or corrected: {troubles.words(others)}"
            yield Finding("KERNEL-ERRORS", said, target.name, Weight.NOTE)
        if not log.covers(window_s):
            raise CannotJudge(f"the kernel log of {target.name} does not reach back {window_s / 60:.0f} min")
