"""What did the GPU driver and the NVSwitches report in the kernel log?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.errors import CannotJudge
from bringup.model import Fault, Finding, Limit, Measurement, Node, Severity, Stage, Weight, Who
from bringup.parsers import bdf, kernel_log, nvidia_smi_xml
from bringup.parsers.gpu_faults import GPU_LOST
from bringup.parsers.kernel_log import FellOff, KernelLog, SwitchXid, Xid
from bringup.parsers.nvidia_smi_gpu import Smi
from bringup.parsers.xid_table import FALLEN_OFF_THE_BUS, Kind, meaning

GPU_XID = Fault(
    code="GPU-XID",
    title="the driver reported hardware errors of {at}",
    action="do what the evidence says for each error (mostly: reset the GPU, then run the memory and NVLink "
    "checks again); an error that comes back means replacing the part",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-LOST", "GPU-REMAP-FAILED", "GPU-REMAP-PENDING", "GPU-ECC"),
)

Report = Xid | SwitchXid | FellOff


class GpuXid(Check[Node]):
    """The kernel log holds no recent hardware error of a GPU or NVSwitch.

    Recent means: since `kernel_log.lookback_min` minutes before the run began. Older reports, reports that
    programs cause, and NVLink reports that the driver itself calls nonfatal are notes. A log that does not
    reach back so far proves nothing about the rest of the time.
    """

    id = "gpu.xid"
    stage = Stage.GPU
    faults = (GPU_XID, GPU_LOST)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, kernel_log.LOG, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "gpu.xid")
        lookback_s = ctx.number(target, "kernel_log.lookback_min") * 60.0
        log = kernel_log.parse(out.text(target, kernel_log.LOG))
        read_at = out.get(target, kernel_log.LOG).at
        oldest_s = max(0.0, read_at - ctx.started) + lookback_s
        # The driver's list only turns PCI addresses into indices; the log is judged without it too.
        smi = nvidia_smi_xml.read_or_none(out.get(target, nvidia_smi_xml.QUERY))
        reports = [e for e in log.events if isinstance(e, Xid | SwitchXid | FellOff)]
        severe = [r for r in reports if _is_recent(r, oldest_s) and _is_severe(r)]
        others = [r for r in reports if not (_is_recent(r, oldest_s) and _is_severe(r))]
        yield from _notes(target, smi, others, oldest_s)
        yield from _verdict(target, smi, severe, limit)
        if not _covers(log, oldest_s):
            raise CannotJudge(
                f"the kernel log of {target.name} does not reach back the {oldest_s / 60:.0f} min that the profile asks for"
            )


def _covers(log: KernelLog, oldest_s: float) -> bool:
    return log.whole_boot or (log.reaches_back_s is not None and log.reaches_back_s >= oldest_s)


def _is_recent(report: Report, oldest_s: float) -> bool:
    """Whether a report lies in the window; one without age does, because nobody can say that it is old."""
    return report.age_s is None or report.age_s <= oldest_s


def _is_severe(report: Report) -> bool:
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
    lost = isinstance(report, FellOff) or report.code == FALLEN_OFF_THE_BUS
    return (GPU_LOST if lost else GPU_XID).code, f"{target.name}/gpu/{label}"


def _verdict(
    target: Node, smi: Smi | None, severe: list[Report], limit: Limit
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


def _notes(target: Node, smi: Smi | None, reports: list[Report], oldest_s: float) -> Iterator[Finding]:
    for at in dict.fromkeys(_place(target, smi, r)[1] for r in reports):
        mine = [r for r in reports if _place(target, smi, r)[1] == at]
        young = [r for r in mine if _is_recent(r, oldest_s)]
        old = [r for r in mine if not _is_recent(r, oldest_s)]
        if young:
            yield Finding(GPU_XID.code, f"no evidence against the hardware: {_words(young)}", at, Weight.NOTE)
        if old:
            yield Finding(GPU_XID.code, f"before this run's window: {_words(old)}", at, Weight.NOTE)
