"""Can the GPUs run at their full clock?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml
from bringup.parsers.siblings import majority

GPU_CLOCKS = Fault(
    code="GPU-CLOCK",
    title="the clocks of {at} are limited",
    action="on {node}: nvidia-smi -rgc and nvidia-smi -rac take locked clocks back; if the maximum stays low, compare "
    "its VBIOS with the others and replace the GPU",
    who=Who.CONFIGURATION,
    severity=Severity.RESET,
    explained_by=("GPU-LOST", "GPU-MODEL"),
)


class GpuClocks(Check[Node]):
    """Every GPU may run at the highest clock of its model, and nobody has set it lower.

    The maximum is compared with the profile's `gpu.clocks.sm_max`; where that is not known, with the majority of the
    node's own GPUs. The application clock is compared with its own default, where the driver still reports it.
    What the clock does under load is for the load tests.
    """

    id = "gpu.clocks"
    stage = Stage.GPU
    faults = (GPU_CLOCKS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        told = {
            f"{target.name}/gpu/{gpu.label}": gpu.settings.sm_max_mhz
            for gpu in smi.answering
            if gpu.settings.sm_max_mhz is not None
        }
        limit = ctx.limit_or_none(target, "gpu.clocks.sm_max")
        if limit is None and told:
            limit = _of_siblings(dict(told))
        for at, clock in told.items():
            yield Measurement("gpu.clocks.sm_max", clock, "MHz", at, limit)
        for gpu in smi.answering:
            chosen, default = gpu.settings.application_mhz, gpu.settings.application_default_mhz
            if chosen is not None and default is not None and chosen < default:
                message = f"the application clock is set to {chosen} MHz, its default is {default} MHz"
                yield Finding(GPU_CLOCKS.code, message, f"{target.name}/gpu/{gpu.label}")
        silent = [gpu.label for gpu in smi.answering if gpu.settings.sm_max_mhz is None]
        smi.demand(expected, "maximum SM clock", silent)


def _of_siblings(clocks: dict[str, float | str]) -> Limit:
    usual = majority(clocks)
    if usual is None:
        values = ", ".join(sorted({f"{clock} MHz" for clock in clocks.values()}))
        raise CannotJudge(f"the profile names no maximum clock and the GPUs do not agree on one: {values}")
    return Limit(
        "gpu.clocks.sm_max", "==", usual, "MHz", why="the majority of this node's GPUs", source="rule"
    )
