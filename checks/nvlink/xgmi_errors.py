"""Do the XGMI links between AMD GPUs make errors?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import amd_smi_health
from bringup.parsers.amd_smi_answer import answered, demand
from bringup.parsers.gpu_faults import XGMI_ERRORS


class XgmiErrors(Check[Node]):
    """No AMD GPU has counted more XGMI errors than the profile allows.

    Some versions tell no count, only none, one or several.
    """

    id = "nvlink.xgmi-errors"
    stage = Stage.NVLINK
    faults = (XGMI_ERRORS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if ctx.need_gpus(target, "amd") < 2:
            raise NotApplicable(f"profile {target.profile} has a single GPU")
        return run(target, amd_smi_health.XGMI_ERRORS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "nvlink.xgmi.errors")
        text = answered(out.answered(target, amd_smi_health.XGMI_ERRORS))
        gpus = amd_smi_health.parse_xgmi_errors(text)
        for gpu, errors in gpus.items():
            if errors is not None:
                yield Measurement("nvlink.xgmi.errors", errors, "errors", f"{target.name}/gpu/{gpu}", limit)
        silent = [gpu for gpu, errors in gpus.items() if errors is None]
        demand(ctx.need_gpus(target), list(gpus), "XGMI errors", silent)
