"""Are results still right while all GPUs work?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_speed, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import siblings
from bringup.parsers.perf_faults import GPU_LOAD, GPU_RESULTS


class Results(Check[Node]):
    """Every GPU gets the same bits each time, the same as its siblings, and its memory keeps what was written.

    The same product of whole numbers again and again, and four patterns in most of the free memory.
    """

    id = "perf.results"
    stage = Stage.PERF
    level = Level.STANDARD
    faults = (GPU_RESULTS, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "perf.wrong")
        compared = {
            at: gpu.compare
            for at, gpu in perf.loaded(target, out, ctx).working.items()
            if gpu.compare is not None
        }
        for at, one in compared.items():
            yield Measurement("wrong values", one.wrong, "values", at, limit, GPU_RESULTS.code)
            yield Measurement("lost patterns", one.pattern_wrong, "values", at, limit, GPU_RESULTS.code)
        digests = {at: " ".join(map(str, one.digest)) for at, one in compared.items()}
        usual = siblings.majority(dict(digests))
        if usual is None and len(set(digests.values())) > 1:
            said = f"{len(set(digests.values()))} different results of one product, and no majority among the GPUs"
            yield Finding(GPU_RESULTS.code, said, target.name)
        for at, digest in digests.items():
            if usual is not None and digest != usual:
                yield Finding(GPU_RESULTS.code, "another result of the same product than the other GPUs", at)
        gpu_speed.need_all(target, ctx, compared, "results")
