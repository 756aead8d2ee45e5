"""Host: what the kernel itself calls trouble while the run goes on: memory, disks, file systems, lockups, crashes."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.errors import CannotJudge
from bringup.model import Fault, Finding, Limit, Measurement, Node, Severity, Stage, Weight, Who
from bringup.parsers import kernel_log, kernel_trouble
from bringup.parsers.host_faults import MEMORY_ECC
from bringup.parsers.kernel_trouble import Kind, Trouble

_OWN_CHECKS = (Kind.HUNG_TASK, Kind.MACHINE_CHECK)
"""Judged by host.hung and host.mce."""
_CODES = {Kind.DISK: "DISK-ERRORS", Kind.FILE_SYSTEM: "DISK-ERRORS", Kind.MEMORY_ERROR: MEMORY_ECC.code}
_MOST_SAID = 5


class Dmesg(Check[Node]):
    """The kernel log holds no trouble of the host since the run's window began.

    Recent means: since `kernel_log.lookback_min` minutes before the run began; older records are notes. Reports of
    GPUs, of the PCI bus, of hung tasks and of machine checks have checks of their own.
    """

    id = "host.dmesg"
    stage = Stage.HOST
    faults = (
        Fault(
            "KERNEL-ERRORS",
            "the kernel of {node} reported trouble",
            "do what the record asks for on {node} {place}: a failing disk or module is replaced, a hang needs a reboot",
            Who.SOFTWARE,
            Severity.REBOOT,
            explained_by=("DISK-ERRORS", "HCA-MISSING"),
        ),
        Fault(
            "DISK-ERRORS",
            "a disk or file system of {node} reported errors",
            "replace the disk of {node} {place} that the record names (its serial number: nvme list, or the BMC), "
            "after saving what is on it",
            explained_by=("NVME-DEAD", "ROOT-READ-ONLY", "DISK-READ-ONLY"),
        ),
        MEMORY_ECC,
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, kernel_log.LOG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.dmesg")
        lookback_s = ctx.number(target, "kernel_log.lookback_min") * 60.0
        log, found = kernel_trouble.parse(out.text(target, kernel_log.LOG))
        window_s = max(0.0, out.get(target, kernel_log.LOG).at - ctx.started) + lookback_s
        troubles = [t for t in found if t.kind not in _OWN_CHECKS]
        recent = [t for t in troubles if not t.corrected and (t.age_s is None or t.age_s <= window_s)]
        yield from _verdict(target, recent, limit)
        others = [t for t in troubles if t not in recent]
        if others:
            said = f"before this run's window, or corrected: {_words(others)}"
            yield Finding("KERNEL-ERRORS", said, target.name, Weight.NOTE)
        if not log.whole_boot and (log.reaches_back_s is None or log.reaches_back_s < window_s):
            raise CannotJudge(f"the kernel log of {target.name} does not reach back {window_s / 60:.0f} min")


def _code(trouble: Trouble) -> str:
    return _CODES.get(trouble.kind, "KERNEL-ERRORS")


def _verdict(node: Node, recent: list[Trouble], limit: Limit) -> Iterator[Measurement | Finding]:
    """One finding for each kind of fault; the count is what the profile limits."""
    good = limit.holds(len(recent))
    yield Measurement("kernel errors", len(recent), "", node.name, limit if good else None)
    for code in dict.fromkeys(_code(t) for t in recent):
        mine = [t for t in recent if _code(t) == code]
        yield Finding(code, _words(mine), node.name, Weight.NOTE if good else Weight.FAIL)


def _words(troubles: list[Trouble]) -> str:
    """Each kind of trouble once, with its number and its last record."""
    last: dict[Kind, Trouble] = {t.kind: t for t in troubles}
    said = [
        f"{kind} ({sum(t.kind is kind for t in troubles)} times): {t.text}"
        for kind, t in list(last.items())[:_MOST_SAID]
    ]
    return " | ".join(said)
