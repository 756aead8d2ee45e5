"""What the GPU driver and the NVSwitches report in the kernel log, and what of it speaks against the hardware.

For the checks that look at it before the load and after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Limit, Measurement, Node, Weight
from bringup.parsers import bdf
from bringup.parsers.gpu_faults import GPU_LOST
from bringup.parsers.kernel_log import FellOff, KernelLog, SwitchXid, Xid
from bringup.parsers.nvidia_smi_gpu import Smi
from bringup.parsers.xid_table import FALLEN_OFF_THE_BUS, GSP_SILENT, Kind, meaning

GPU_XID = Fault(
    code="GPU-XID",
    title="the driver reported hardware errors of {at}",
    action="do what the evidence says for each error (mostly: reset the GPU, then run the memory and NVLink "
    "checks again); an error that comes back means replacing the part",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "GPU-REMAP-FAILED", "GPU-REMAP-PENDING", "GPU-ECC"),
)
GPU_GSP = Fault(
    code="GPU-GSP",
    title="the system processor of {at} no longer answers the driver",
    action="reset {at} (nvidia-smi --gpu-reset) or reboot {node}; if it comes back, install a newer driver; if it still "
    "comes back, replace the GPU",
    who=Who.SOFTWARE,
    severity=Severity.REBOOT,
    explained_by=("GPU-LOST",),
)
XID_FAULTS = (GPU_XID, GPU_LOST, GPU_GSP)

Report = Xid | SwitchXid | FellOff


def reports_of(log: KernelLog) -> tuple[Report, ...]:
    """Everything that driver and switches reported."""
    return tuple(e for e in log.events if isinstance(e, Xid | SwitchXid | FellOff))


def is_severe(report: Report) -> bool:
    """Whether it is a hardware error, and not one that the driver itself calls nonfatal."""
    if isinstance(report, Xid):
        return meaning(report.code).kind is Kind.HARDWARE and report.fatal is not False
    return report.fatal if isinstance(report, SwitchXid) else True


def _place(target: Node, smi: Smi | None, report: Report) -> tuple[str, str]:
    """Fault code and component of a report.

    A switch has no component of its own, so it counts for the node.
    """
    if isinstance(report, SwitchXid):
        return GPU_XID.code, target.name
    label = smi.label(report.address) if smi else report.address
    fault = GPU_XID
    if isinstance(report, FellOff) or report.code == FALLEN_OFF_THE_BUS:
        fault = GPU_LOST
    elif report.code in GSP_SILENT:
        fault = GPU_GSP
    return fault.code, f"{target.name}/gpu/{label}"


def verdict(
    target: Node, smi: Smi | None, severe: Sequence[Report], limit: Limit
) -> Iterator[Measurement | Finding]:
    """One finding for each part and fault; the count is what the profile limits."""
    if limit.holds(len(severe)):
        yield Measurement("gpu.xid", len(severe), "errors", target.name, limit)
        weight = Weight.NOTE
    else:
        yield Measurement("gpu.xid", len(severe), "errors", target.name)
        weight = Weight.FAIL
    for code, at in dict.fromkeys(_place(target, smi, r) for r in severe):
        mine = [r for r in severe if _place(target, smi, r) == (code, at)]
        yield Finding(code, _words(mine), at, weight)


def _words(reports: list[Report]) -> str:
    """The reports of one part in words: each kind once, with its number, age, text and what to do."""
    kinds = Counter(_name(r) for r in reports)
    said: list[str] = []
    for name, times in kinds.items():
        last = [r for r in reports if _name(r) == name][-1]
        count = f" ({times} times)" if times > 1 else ""
        step = f"; {meaning(last.code).action}" if isinstance(last, Xid) else ""
        said.append(
            f"{name}{count} at {bdf.short(last.address)}, {_age(last.age_s)}: {last.text.rstrip('.')}{step}"
        )
    return " | ".join(said)


def _name(report: Report) -> str:
    if isinstance(report, Xid):
        return f"Xid {report.code} ({meaning(report.code).name})"
    return f"SXid {report.code}" if isinstance(report, SwitchXid) else "fallen off the bus"


def _age(age_s: float | None) -> str:
    return "age unknown" if age_s is None else f"{age_s / 60:.0f} min ago"


def notes(node: Node, smi: Smi | None, reports: Iterable[Report], said: str) -> Iterator[Finding]:
    """What is told about each part and fails nothing, with the words that say why."""
    reports = list(reports)
    for at in dict.fromkeys(_place(node, smi, r)[1] for r in reports):
        mine = [r for r in reports if _place(node, smi, r)[1] == at]
        yield Finding(GPU_XID.code, f"{said}: {_words(mine)}", at, Weight.NOTE)
