"""After the load: the error counters of every NVLink again."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import nvlinks
from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_nvlink
from bringup.parsers.gpu_faults import NVLINK_ERRORS
from bringup.parsers.nvidia_smi_nvlink import ERRORS


class NvlinkErrors(Check[Node]):
    """No NVLink has counted replays, recoveries or CRC errors during the run beyond what the profile allows."""

    id = "after.nvlink-errors"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (NVLINK_ERRORS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        if ctx.number(target, "nvlink.links") == 0:
            raise NotApplicable(f"profile {target.profile} has no NVLink")
        return again(target, ERRORS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        rules = {name: Rule(ctx.limit(target, name), NVLINK_ERRORS.code) for name in nvlinks.KINDS}

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, expected, outputs)

        yield from rises(target, out, ERRORS, read, rules)


def _counts(node: Node, expected: int, outputs: Outputs) -> Iterator[Count]:
    """The counters by link; a link that is down reports none, which the checks before the load say."""
    gpus = nvidia_smi_nvlink.read_errors(outputs.answered(node, ERRORS))
    for gpu in gpus:
        for name, counters in nvlinks.KINDS.items():
            for link, count in nvlinks.counts(gpu, counters).items():
                yield Count(f"{node.name}/gpu/{gpu.gpu.index}/nvlink/{link}", name, count)
    if len(gpus) < expected:
        raise CannotJudge(
            f"NVLink errors of only {len(gpus)} of {expected} GPUs are listed, the others are not judged",
            code="GPU-MISSING",
        )
