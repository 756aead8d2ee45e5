"""Does the memory of the AMD GPUs lose data?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import amd_smi, amd_smi_health
from bringup.parsers.amd_smi_answer import answered, demand
from bringup.parsers.gpu_faults import GPU_ECC

GPU_BAD_PAGES = Fault(
    code="GPU-BAD-PAGES",
    title="{at} has bad memory pages",
    action="test the memory of {at}; a new GPU has no bad pages, so have it replaced, and at once if pages cannot be "
    "retired",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-DRIVER",),
)
GPU_PAGES_PENDING = Fault(
    code="GPU-PAGES-PENDING",
    title="{at} has memory pages that wait to be retired",
    action="reboot {node} (or reset the GPU) so that the pages are retired, and test its memory again",
    who=Who.SOFTWARE,
    severity=Severity.REBOOT,
    explained_by=("GPU-DRIVER", "GPU-ECC"),
)


class AmdRas(Check[Node]):
    """No AMD GPU has uncorrectable memory errors or bad memory pages.

    Pages that are already retired are judged where the profile limits them, else noted. Bad pages are only shown to
    root; without root the errors are judged and the pages are not.
    """

    id = "gpu.amd-ras"
    stage = Stage.GPU
    faults = (GPU_ECC, GPU_BAD_PAGES, GPU_PAGES_PENDING)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "amd")
        return run(target, amd_smi.METRIC, amd_smi_health.BAD_PAGES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected = ctx.need_gpus(target)
        limit, pages_limit = ctx.limit(target, "gpu.ecc.uncorrected"), ctx.limit(target, "gpu.amd.bad_pages")
        retired_limit = ctx.limit_or_none(target, "gpu.amd.retired_pages")
        metrics = amd_smi.parse_metrics(answered(out.answered(target, amd_smi.METRIC)))
        for metric in metrics:
            if metric.uncorrectable is not None:
                at = f"{target.name}/gpu/{metric.index}"
                yield Measurement(
                    "gpu.ecc.uncorrected", metric.uncorrectable, "errors", at, limit, GPU_ECC.code
                )
        silent = [metric.index for metric in metrics if metric.uncorrectable is None]
        demand(expected, [metric.index for metric in metrics], "uncorrectable memory errors", silent)
        answer = out.answered(target, amd_smi_health.BAD_PAGES)
        unknown: list[int] = []
        for pages in amd_smi_health.parse_bad_pages(answered(answer)):
            at = f"{target.name}/gpu/{pages.gpu}"
            if pages.pending is None or pages.unreservable is None:
                unknown.append(pages.gpu)
                continue
            waiting, stuck = pages.pending, pages.unreservable
            yield Measurement("pending pages", waiting, "pages", at, pages_limit, GPU_PAGES_PENDING.code)
            yield Measurement("unreservable pages", stuck, "pages", at, pages_limit, GPU_BAD_PAGES.code)
            if pages.retired is not None and retired_limit is not None:
                yield Measurement(
                    "gpu.amd.retired_pages", pages.retired, "pages", at, retired_limit, GPU_BAD_PAGES.code
                )
            elif pages.retired:
                message = f"{pages.retired} memory pages have been retired"
                yield Finding(GPU_BAD_PAGES.code, message, at, Weight.NOTE)
        if unknown:
            why = "" if answer.as_root else "; only root may see them"
            raise CannotJudge(f"bad pages not reported by GPU {', '.join(map(str, unknown))}{why}")
