"""What did the GPU driver and the NVSwitches report in the kernel log?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import xids
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import kernel_log, nvidia_smi_xml


class GpuXid(Check[Node]):
    """The kernel log holds no recent hardware error of a GPU or NVSwitch.

    Recent means: since `kernel_log.lookback_min` minutes before the run began. Older reports, reports that
    programs cause, and NVLink reports that the driver itself calls nonfatal are notes. A log that does not
    reach back so far proves nothing about the rest of the time.
    """

    id = "gpu.xid"
    stage = Stage.GPU
    faults = xids.XID_FAULTS

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
        reports = xids.reports_of(log)
        # Of a report without age nobody can say that it is old.
        recent = [r for r in reports if r.age_s is None or r.age_s <= oldest_s]
        mild = [r for r in recent if not xids.is_severe(r)]
        yield from xids.notes(target, smi, mild, "no evidence against the hardware")
        old = [r for r in reports if r not in recent]
        yield from xids.notes(target, smi, old, "before this run's window")
        yield from xids.verdict(target, smi, [r for r in recent if xids.is_severe(r)], limit)
        if not log.covers(oldest_s):
            raise CannotJudge(
                f"the kernel log of {target.name} does not reach back the {oldest_s / 60:.0f} min that the profile asks for"
            )
