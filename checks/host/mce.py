"""Host: machine checks, the processor's own report of errors in itself, its caches or its memory."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import host_errors, kernel_log, kernel_trouble
from bringup.parsers.host_faults import CPU_CORRECTED, MACHINE_CHECK
from bringup.parsers.kernel_trouble import Kind, Trouble


class Mce(Check[Node]):
    """The processors have reported no machine check since boot, and few corrected errors.

    Counted by the kernel's interrupts, which anybody may read, and by the records of the kernel log, which needs root;
    the larger number counts. Arm processors have no such interrupts: there the log alone has to do.
    """

    id = "host.mce"
    stage = Stage.HOST
    faults = (MACHINE_CHECK, CPU_CORRECTED)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host_errors.COUNTS, kernel_log.LOG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        hard, soft = ctx.limit(target, "host.mce.uncorrected"), ctx.limit(target, "host.mce.corrected")
        counts = host_errors.parse(out.text(target, host_errors.COUNTS)).interrupts
        x86 = "MCE" in counts
        records: list[Trouble] = []
        unread: CannotJudge | None = None
        try:
            log, troubles = kernel_trouble.parse(out.text(target, kernel_log.LOG))
            records = [t for t in troubles if t.kind is Kind.MACHINE_CHECK]
            if not x86 and not log.whole_boot:
                unread = CannotJudge(f"the kernel log of {target.name} no longer reaches back to its boot")
        except CannotJudge as error:
            unread = None if x86 else error
        told = sum(not t.corrected for t in records)
        severe = max(counts.get("MCE", 0) + counts.get("DFR", 0), told)
        mild = max(counts.get("THR", 0), len(records) - told)
        if unread is None or severe:
            yield Measurement("machine checks", severe, "errors", target.name, hard, "MACHINE-CHECK")
            yield Measurement("corrected errors", mild, "errors", target.name, soft, "CPU-CORRECTED")
        if records:
            said = f"{len(records)} records in the kernel log, the last: {records[-1].text}"
            yield Finding("MACHINE-CHECK", said, target.name, Weight.NOTE)
        if unread is not None:
            raise unread
