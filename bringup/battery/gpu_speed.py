"""How fast the GPUs of a node copied, moved their memory and reached each other, whichever program measured it.

The vendor's own tool counts where the node has it; else bringup's own program. Numbers are judged by the profile's
floor, and by the other GPUs of the node: parts of one make, in one machine, in one moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Generic, TypeVar

from bringup.battery.perf import Loaded, bandwidth, loaded
from bringup.check import Outputs
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node, Weight
from bringup.parsers import siblings
from bringup.parsers.gpu_load import Gpu
from bringup.parsers.perf_faults import GPU_GEMM, GPU_LOAD

K = TypeVar("K")
PYTORCH = "PyTorch"
SHARE = 0.05
"""So far below the median of its siblings a GPU stands out."""
_WHY = f"{SHARE:.0%} below the median of the node's GPUs, or six deviations where they scatter more"
SOURCE = "stas00/ml-engineering: GPUs of one node are within 5 percent of each other"


def judged(
    node: Node, name: str, unit: str, values: Mapping[str, float], floor: Limit | None, code: str
) -> Iterator[Measurement | Finding]:
    """A measurement for each GPU, against the profile's floor or the siblings, whichever asks for more."""
    edge = siblings.low_edge(values, SHARE)
    limit = floor
    if edge is not None and (floor is None or edge > float(floor.value)):
        limit = Limit(name, ">=", round(edge, 3), unit, why=_WHY, source=SOURCE)
    if limit is None and values:
        said = f"{name}: no floor in the profile and only {len(values)} GPUs; compared only with other nodes (perf.fleet)"
        yield Finding(code, said, node.name, Weight.NOTE)
    for at, value in values.items():
        yield Measurement(name, round(value, 3), unit, at, limit, code)


def need_all(node: Node, ctx: Context, found: Sized, what: str) -> None:
    """Raises CannotJudge unless every planned GPU is among those that were measured."""
    expected = ctx.need_gpus(node)
    if len(found) < expected:
        raise CannotJudge(
            f"{what} of {len(found)} of {expected} GPUs, the others are not judged",
            code=GPU_LOAD.code,
            at=node.name,
        )


@dataclass(frozen=True, slots=True)
class Speeds(Generic[K]):
    """GB/s by component path, or by two of them. `by` names the program where it is not the vendor's own, because
    numbers of different programs are not compared with each other."""

    values: Mapping[K, float]
    by: str = ""

    def name(self, what: str) -> str:
        """What was measured, with the program."""
        return f"{what}, {self.by}" if self.by else what


def copies(node: Node, out: Outputs, ctx: Context) -> tuple[Speeds[str], Speeds[str]]:
    """To each GPU, and from each GPU."""
    measured = bandwidth(node, out, ctx)
    if measured is not None:
        report, paths = measured
        to_gpu = {paths[gpu]: gbs for gpu, gbs in report.to_gpu.items()}
        return Speeds(to_gpu), Speeds(
            {paths[gpu]: gbs for gpu, gbs in report.from_gpu.items() if gpu in paths}
        )
    working = _instead(node, out, ctx, "the vendor's tool for copies")
    own = {at: gpu.copies for at, gpu in working.items() if gpu.copies is not None}
    return (
        Speeds({at: copy.h2d_gbs for at, copy in own.items()}, PYTORCH),
        Speeds({at: copy.d2h_gbs for at, copy in own.items()}, PYTORCH),
    )


def memory(node: Node, out: Outputs, ctx: Context) -> Speeds[str]:
    """Each GPU's own memory in a copy, every byte counted that is read or written."""
    measured = bandwidth(node, out, ctx)
    if measured is not None and measured[0].memory is not None:
        report, paths = measured
        return Speeds({paths[gpu]: gbs for gpu, gbs in (report.memory or {}).items() if gpu in paths})
    working = _instead(node, out, ctx, "the vendor's tool for GPU memory")
    own = {at: gpu.memory.copy_gbs for at, gpu in working.items() if gpu.memory is not None}
    return Speeds(own, PYTORCH)


def peers(node: Node, out: Outputs, ctx: Context) -> Speeds[tuple[str, str]]:
    """From each GPU to each other one that it can reach directly.

    Raises NotApplicable where the tool says that no two of them can.
    """
    measured = bandwidth(node, out, ctx)
    if measured is not None:
        report, paths = measured
        if report.peers is None:
            raise NotApplicable(f"the GPUs of {node.name} have no way to each other, says {report.tool}")
        return Speeds({(paths[a], paths[b]): gbs for (a, b), gbs in report.peers.items()})
    _instead(node, out, ctx, "the vendor's tool for transfers between GPUs")
    load = loaded(node, out, ctx)
    if load.report.peers is None:
        raise CannotJudge(f"transfers between GPUs failed: {load.report.peers_error or 'no reason given'}")
    names = {gpu.index: at for at, gpu in load.gpus.items()}
    own = {
        (names[a], names[b]): gbs
        for a, row in enumerate(load.report.peers)
        for b, gbs in enumerate(row)
        if gbs is not None and a in names and b in names
    }
    return Speeds(own, PYTORCH)


def _instead(node: Node, out: Outputs, ctx: Context, what: str) -> dict[str, Gpu]:
    """The GPUs with results of bringup's own program. Raises ToolMissing that names both ways where there is none."""
    try:
        return loaded(node, out, ctx).working
    except ToolMissing as missing:
        told = (what, f"or {missing.tools[0]}")
        raise ToolMissing(told, at=node.name, instead=missing.instead) from None


def products(node: Node, load: Loaded, ctx: Context) -> Iterator[Measurement | Finding]:
    """Matrix products of every GPU; what fails on one while others work is that GPU's fault."""
    for at, gpu in load.gpus.items():
        if gpu.error is not None:
            yield Finding(GPU_LOAD.code, gpu.error, at)
    products = {at: gpu.gemm for at, gpu in load.working.items() if gpu.gemm is not None}
    bf16 = {at: gemm.bf16.tflops for at, gemm in products.items()}
    floor = ctx.limit_or_none(node, "perf.gemm.bf16")
    yield from judged(node, "GEMM bf16", "TFLOPS", bf16, floor, GPU_GEMM.code)
    fp8 = {at: gemm.fp8.tflops for at, gemm in products.items() if gemm.fp8 is not None}
    if fp8:
        yield from judged(
            node, "GEMM fp8", "TFLOPS", fp8, ctx.limit_or_none(node, "perf.gemm.fp8"), GPU_GEMM.code
        )
    need_all(node, ctx, products, "matrix products")
