"""Trouble of the host in the kernel log, as defects: for the checks that look at it before the load and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Limit, Measurement, Node, Weight
from bringup.parsers.host_faults import MEMORY_ECC
from bringup.parsers.kernel_trouble import Kind, Trouble

KERNEL_ERRORS = Fault(
    "KERNEL-ERRORS",
    "the kernel of {node} reported trouble",
    "do what the record asks for on {node} {place}: a failing disk or module is replaced, a hang needs a reboot",
    Who.SOFTWARE,
    Severity.REBOOT,
    explained_by=("DISK-ERRORS", "HCA-MISSING"),
)
DISK_ERRORS = Fault(
    "DISK-ERRORS",
    "a disk or file system of {node} reported errors",
    "replace the disk of {node} {place} that the record names (its serial number: nvme list, or the BMC), "
    "after saving what is on it",
    explained_by=("NVME-DEAD", "ROOT-READ-ONLY", "DISK-READ-ONLY"),
)
FAULTS = (KERNEL_ERRORS, DISK_ERRORS, MEMORY_ECC)

OWN_CHECKS = (Kind.HUNG_TASK, Kind.MACHINE_CHECK)
"""Judged by host.hung and host.mce."""
_CODES = {Kind.DISK: "DISK-ERRORS", Kind.FILE_SYSTEM: "DISK-ERRORS", Kind.MEMORY_ERROR: MEMORY_ECC.code}
_MOST_SAID = 5


def _code(trouble: Trouble) -> str:
    return _CODES.get(trouble.kind, "KERNEL-ERRORS")


def verdict(node: Node, recent: Sequence[Trouble], limit: Limit) -> Iterator[Measurement | Finding]:
    """One finding for each kind of fault; the count is what the profile limits."""
    good = limit.holds(len(recent))
    yield Measurement("kernel errors", len(recent), "", node.name, limit if good else None)
    for code in dict.fromkeys(_code(t) for t in recent):
        mine = [t for t in recent if _code(t) == code]
        yield Finding(code, words(mine), node.name, Weight.NOTE if good else Weight.FAIL)


def words(troubles: Sequence[Trouble]) -> str:
    """Each kind of trouble once, with its number and its last record."""
    last: dict[Kind, Trouble] = {t.kind: t for t in troubles}
    said = [
        f"{kind} ({sum(t.kind is kind for t in troubles)} times): {t.text}"
        for kind, t in list(last.items())[:_MOST_SAID]
    ]
    return " | ".join(said)
