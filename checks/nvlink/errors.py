"""Do the NVLinks make errors?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bringup.battery import nvlinks
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_smi_nvlink
from bringup.parsers.gpu_faults import NVLINK_ERRORS
from bringup.parsers.nvidia_smi_nvlink import ERRORS, Counters


class NvlinkErrors(Check[Node]):
    """No NVLink has counted more replays, recoveries or CRC errors than the profile allows.

    The counts are absolute since the driver was loaded, so a count within the limit is only a note; whether
    it rises under load is judged by a later check of the difference. Counters of other names are notes if
    they are not zero.
    """

    id = "nvlink.errors"
    stage = Stage.NVLINK
    faults = (NVLINK_ERRORS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        if ctx.number(target, "nvlink.links") == 0:
            raise NotApplicable(f"profile {target.profile} has no NVLink")
        return run(target, ERRORS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected, links = ctx.need_gpus(target), ctx.number(target, "nvlink.links")
        limits = {name: ctx.limit(target, name) for name in nvlinks.KINDS}
        gpus = nvidia_smi_nvlink.read_errors(out.answered(target, ERRORS))
        silent: list[str] = []
        for gpu in gpus:
            known = False
            for name, limit in limits.items():
                mine = nvlinks.counts(gpu, nvlinks.KINDS[name])
                known = known or bool(mine)
                yield from _judged(f"{target.name}/gpu/{gpu.gpu.index}", name, mine, limit)
            yield from _others(f"{target.name}/gpu/{gpu.gpu.index}", gpu)
            if not known or len(gpu.links) < links:
                silent.append(str(gpu.gpu.index))
        if silent:
            raise CannotJudge(
                f"error counters of all {links} NVLinks are not reported by GPU {', '.join(silent)}",
                code=NVLINK_ERRORS.code,  # an inactive link reports none, and is explained by that
            )
        if len(gpus) < expected:
            raise CannotJudge(
                f"NVLink errors of only {len(gpus)} of {expected} GPUs are listed, the others are not judged",
                code="GPU-MISSING",
            )


def _judged(at: str, name: str, counts: Mapping[int, float], limit: Limit) -> Iterator[Measurement | Finding]:
    """Each link that breaks the limit; the sum of the GPU if none does."""
    bad = {link: count for link, count in counts.items() if not limit.holds(count)}
    for link, count in bad.items():
        yield Measurement(name, count, "errors", f"{at}/nvlink/{link}", limit, NVLINK_ERRORS.code)
    if counts and not bad:
        yield Measurement(name, max(counts.values()), "errors", at, limit, NVLINK_ERRORS.code)


def _others(at: str, gpu: Counters) -> Iterator[Finding]:
    """Error counters that no limit covers, summed over the links."""
    covered = {name for names in nvlinks.KINDS.values() for name in names}
    sums: dict[str, float] = {}
    for counters in gpu.links.values():
        for name, value in counters.items():
            if name.endswith("Errors") and name not in covered and value:
                sums[name] = sums.get(name, 0.0) + value
    for name, total in sums.items():
        yield Finding(NVLINK_ERRORS.code, f"{name}: {total:g} since the driver was loaded", at, Weight.NOTE)
