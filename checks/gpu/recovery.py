"""Does the driver itself ask for a GPU to be reset or replaced?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml

GPU_RECOVERY = Fault(
    code="GPU-RECOVERY",
    title="the driver asks for a recovery action on {at}",
    action="do what the driver asks for: Reset means nvidia-smi --gpu-reset, Reboot a reboot of {node}, Drain P2P or "
    "Drain and Reset to stop all programs first; if it asks again, replace the GPU",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("GPU-LOST", "GPU-REMAP-FAILED", "GPU-REMAP-PENDING", "GPU-ECC", "GPU-XID"),
)


class GpuRecovery(Check[Node]):
    """The driver asks for no recovery action on any GPU.

    The driver keeps this state until the action is done; the log line of it can be long gone. Older drivers do not
    report it: with them the check does not apply, the kernel log is judged by gpu.xid.
    """

    id = "gpu.recovery"
    stage = Stage.GPU
    faults = (GPU_RECOVERY,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limit = ctx.limit(target, "gpu.recovery")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent = [gpu.label for gpu in smi.answering if gpu.recovery_action is None]
        if smi.answering and len(silent) == len(smi.answering):
            raise NotApplicable(f"driver {smi.driver or 'of unknown version'} reports no recovery action")
        for gpu in smi.answering:
            if gpu.recovery_action is not None:
                at = f"{target.name}/gpu/{gpu.label}"
                yield Measurement("gpu.recovery", gpu.recovery_action, "", at, limit)
        smi.demand(expected, "recovery action", silent)
