"""Host: a process that hangs inside the kernel waits for a device or a mount that does not answer."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import blocked, kernel_log, kernel_trouble
from bringup.parsers.kernel_trouble import Kind


class Hung(Check[Node]):
    """No process hangs inside the kernel, and the kernel reported none since the run's window began.

    A kernel thread that waits is a note: some do so by design. Without the kernel log the processes are judged, and
    the rest stays open.
    """

    id = "host.hung"
    stage = Stage.HOST
    faults = (
        Fault(
            "HUNG-TASK",
            "processes hang inside the kernel of {node}",
            "see what they wait for on {node} (/proc/PID/stack as root, dead mounts, the GPU driver); reboot it if they stay",
            Who.SOFTWARE,
            Severity.REBOOT,
            explained_by=(
                "GPU-LOST",
                "GPU-DRIVER",
                "GPU-XID",
                "ROOT-READ-ONLY",
                "DISK-READ-ONLY",
                "MOUNT-STALE",
            ),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, blocked.BLOCKED, kernel_log.LOG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.hung")
        lookback_s = ctx.number(target, "kernel_log.lookback_min") * 60.0
        waiting = blocked.parse(out.text(target, blocked.BLOCKED))
        users = [process for process in waiting if not process.kernel]
        yield Measurement("blocked processes", len(users), "", target.name, limit)
        for process in waiting:
            kind = "kernel thread" if process.kernel else "process"
            yield Finding("HUNG-TASK", f"{kind} {process.name} (pid {process.pid})", target.name, Weight.NOTE)
        log, troubles = kernel_trouble.parse(out.text(target, kernel_log.LOG))
        window_s = max(0.0, out.get(target, kernel_log.LOG).at - ctx.started) + lookback_s
        reports = [t for t in troubles if t.kind is Kind.HUNG_TASK]
        recent = [t for t in reports if t.age_s is None or t.age_s <= window_s]
        yield Measurement("hung tasks", len(recent), "", target.name, limit)
        if reports:
            said = f"{len(reports)} reports since boot, the last: {reports[-1].text}"
            yield Finding("HUNG-TASK", said, target.name, Weight.NOTE)
        if not log.whole_boot and (log.reaches_back_s is None or log.reaches_back_s < window_s):
            raise CannotJudge(f"the kernel log of {target.name} does not reach back {window_s / 60:.0f} min")
