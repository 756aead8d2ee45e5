"""Are all AMD GPUs there, as their driver sees them?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import amd_smi
from bringup.parsers.amd_smi_answer import answered
from bringup.parsers.gpu_faults import GPU_DRIVER, GPU_MISSING


class AmdCount(Check[Node]):
    """The amdgpu driver answers for as many AMD GPUs as the node should have.

    A driver that does not answer at all is its own fault.
    """

    id = "gpu.amd-count"
    stage = Stage.GPU
    gate = "node"
    faults = (GPU_MISSING, GPU_DRIVER)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "amd")
        return run(target, amd_smi.LIST)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "gpu.count")
        try:
            text = answered(out.answered(target, amd_smi.LIST))
        except CannotJudge as error:
            if error.code != GPU_DRIVER.code:
                raise
            yield Finding(GPU_DRIVER.code, error.reason, target.name)
            return
        gpus = amd_smi.parse_gpus(text)
        yield Measurement("gpu.count", len(gpus), "GPUs", target.name, limit, GPU_MISSING.code)
