"""Have the GPUs joined the NVLink fabric?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml

NVLINK_FABRIC = Fault(
    code="NVLINK-FABRIC",
    title="{at} has not joined the NVLink fabric in good health",
    action="restart the fabric manager of {node}, then reset the GPUs; if it stays, look at the NVSwitches and "
    "the baseboard",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("GPU-LOST", "GPU-DRIVER", "FM-DOWN", "NVLINK-DOWN", "GPU-XID"),
)


class Fabric(Check[Node]):
    """Every GPU has joined the NVLink fabric: state, status and health are good.

    State and status alone are not enough: a GPU can be "Completed" with "Success" and be unhealthy. Health is
    judged where the driver reports it; older ones do not.
    """

    id = "nvlink.fabric"
    stage = Stage.NVLINK
    faults = (NVLINK_FABRIC,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        gpus = ctx.need_gpus(target, "nvidia")
        if ctx.number(target, "nvlink.links") == 0:
            raise NotApplicable(f"profile {target.profile} has no NVLink")
        if gpus == 1 and ctx.fact_if_any(target, "nvlink.domain_nodes") in (None, 1):
            raise NotApplicable(f"profile {target.profile} has a single GPU, which joins no fabric")
        if ctx.fact_if_any(target, "nvlink.fabric_reported") is False:
            raise NotApplicable(
                f"profile {target.profile}: these GPUs do not report the state of the NVLink fabric"
            )
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        state, status = ctx.limit(target, "nvlink.fabric.state"), ctx.limit(target, "nvlink.fabric.status")
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            at = f"{target.name}/gpu/{gpu.label}"
            fabric = gpu.fabric
            if fabric.state is None or (fabric.status is None and fabric.state == state.value):
                silent.append(gpu.label)
            if fabric.state is not None:
                yield Measurement("nvlink.fabric.state", fabric.state, "", at, state, NVLINK_FABRIC.code)
            if fabric.status is not None:
                yield Measurement("nvlink.fabric.status", fabric.status, "", at, status, NVLINK_FABRIC.code)
            if fabric.health not in (None, "Healthy") or fabric.complaints:
                words = "; ".join((f"health: {fabric.health}", *fabric.complaints))
                yield Finding(NVLINK_FABRIC.code, words, at)
        smi.demand(expected, "NVLink fabric state", silent)
