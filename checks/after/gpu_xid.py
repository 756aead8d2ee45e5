"""After the load: what the GPU driver and the NVSwitches reported in the kernel log meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import xids
from bringup.battery.rises import again, since
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import kernel_log, nvidia_smi_xml


class GpuXid(Check[Node]):
    """The kernel log holds no hardware error of a GPU or NVSwitch since it was first read in this run.

    Reports that programs cause, and NVLink reports that the driver itself calls nonfatal, are notes.
    """

    id = "after.gpu-xid"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = xids.XID_FAULTS

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return again(target, kernel_log.LOG, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "gpu.xid")
        log, window_s = since(target, out)
        # The driver's list only turns PCI addresses into indices; the log is judged without it too.
        smi = nvidia_smi_xml.read_or_none(out.get(target, nvidia_smi_xml.QUERY))
        young = [r for r in xids.reports_of(log) if r.age_s is not None and r.age_s <= window_s]
        mild = [r for r in young if not xids.is_severe(r)]
        yield from xids.notes(target, smi, mild, "no evidence against the hardware")
        yield from xids.verdict(target, smi, [r for r in young if xids.is_severe(r)], limit)
        if not log.covers(window_s):
            raise CannotJudge(
                f"the kernel log of {target.name} does not reach back the {window_s / 60:.0f} min of the run"
            )
