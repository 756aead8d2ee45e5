"""Whether the GPUs of a node computed right while they worked: of a short load and of a long one alike."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import gpu_speed
from bringup.battery.perf import Loaded
from bringup.context import Context
from bringup.model import Finding, Measurement, Node
from bringup.parsers import siblings
from bringup.parsers.perf_faults import GPU_RESULTS


def judged(node: Node, load: Loaded, ctx: Context) -> Iterator[Measurement | Finding]:
    """Wrong products, lost memory patterns, and a result that differs from that of the siblings."""
    limit = ctx.limit(node, "perf.wrong")
    compared = {at: gpu.compare for at, gpu in load.working.items() if gpu.compare is not None}
    for at, one in compared.items():
        yield Measurement("wrong values", one.wrong, "values", at, limit, GPU_RESULTS.code)
        yield Measurement("lost patterns", one.pattern_wrong, "values", at, limit, GPU_RESULTS.code)
    digests = {at: " ".join(map(str, one.digest)) for at, one in compared.items()}
    usual = siblings.majority(dict(digests))
    if usual is None and len(set(digests.values())) > 1:
        said = (
            f"{len(set(digests.values()))} different results of one product, and no majority among the GPUs"
        )
        yield Finding(GPU_RESULTS.code, said, node.name)
    for at, digest in digests.items():
        if usual is not None and digest != usual:
            yield Finding(GPU_RESULTS.code, "another result of the same product than the other GPUs", at)
    gpu_speed.need_all(node, ctx, compared, "results")
