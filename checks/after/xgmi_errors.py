"""After the load: the errors of the XGMI links between AMD GPUs again."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import NotApplicable
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import amd_smi_health
from bringup.parsers.amd_smi_answer import answered, demand
from bringup.parsers.gpu_faults import XGMI_ERRORS


class XgmiErrors(Check[Node]):
    """No AMD GPU has counted XGMI errors during the run beyond what the profile allows."""

    id = "after.xgmi-errors"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (XGMI_ERRORS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if ctx.need_gpus(target, "amd") < 2:
            raise NotApplicable(f"profile {target.profile} has a single GPU")
        return again(target, amd_smi_health.XGMI_ERRORS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        rules = {"xgmi errors": Rule(ctx.limit(target, "nvlink.xgmi.errors"), XGMI_ERRORS.code)}

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, expected, outputs)

        yield from rises(target, out, amd_smi_health.XGMI_ERRORS, read, rules)


def _counts(node: Node, expected: int, outputs: Outputs) -> Iterator[Count]:
    text = answered(outputs.answered(node, amd_smi_health.XGMI_ERRORS))
    gpus = amd_smi_health.parse_xgmi_errors(text)
    for gpu, errors in gpus.items():
        if errors is not None:
            yield Count(f"{node.name}/gpu/{gpu}", "xgmi errors", errors)
    demand(expected, list(gpus), "XGMI errors", [gpu for gpu, errors in gpus.items() if errors is None])
