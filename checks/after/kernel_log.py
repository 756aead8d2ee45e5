"""After the load: what the kernel called trouble meanwhile: memory, disks, file systems, lockups, crashes."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import troubles
from bringup.battery.rises import again, since
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage, Weight
from bringup.parsers import kernel_log, kernel_trouble
from bringup.parsers.host_faults import MACHINE_CHECK
from bringup.parsers.kernel_trouble import Kind


class KernelLog(Check[Node]):
    """The kernel log holds no trouble of the host since it was first read in this run."""

    id = "after.kernel-log"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (*troubles.FAULTS, MACHINE_CHECK)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return again(target, kernel_log.LOG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.dmesg")
        log, window_s = since(target, out)
        _, found = kernel_trouble.parse(out.text(target, kernel_log.LOG))
        young = [t for t in found if not t.corrected and t.age_s is not None and t.age_s <= window_s]
        checks = [t for t in young if t.kind is Kind.MACHINE_CHECK]
        yield from troubles.verdict(target, [t for t in young if t not in checks], limit)
        if checks:
            weight = Weight.NOTE if limit.holds(len(checks)) else Weight.FAIL
            yield Finding(MACHINE_CHECK.code, troubles.words(checks), target.name, weight)
        if not log.covers(window_s):
            raise CannotJudge(
                f"the kernel log of {target.name} does not reach back the {window_s / 60:.0f} min of the run"
            )
