"""What the driver's tool saw of the GPUs while they worked, judged: of a short load and of a long one alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bringup.battery.perf import Loaded
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Weight
from bringup.parsers import siblings
from bringup.parsers.gpu_faults import GPU_SLOWDOWN, GPU_TEMPERATURE
from bringup.parsers.gpu_samples import Series
from bringup.parsers.perf_faults import GPU_CLOCK_LOW

_HOTTER_C = 20.0
"""How far above the median of its siblings a GPU must be at least: a rule of this project."""
_SLOWER = 0.10
"""How far below the median of its siblings a clock must be at least: chips of one model differ by less at one power."""


def judged(node: Node, load: Loaded, ctx: Context) -> Iterator[Measurement | Finding]:
    """Reasons for low clocks, temperature and clocks of every GPU. Raises CannotJudge for those of which nothing was told."""
    held = ctx.limit(node, "gpu.slowdown")
    if ctx.fact_if_any(node, "gpu.vendor") == "amd":  # no number is known for their memory
        warm = ctx.limit_or_none(node, "gpu.memory.temperature")
    else:
        warm = ctx.limit(node, "gpu.memory.temperature")
    series = {at: one for at, one in load.series.items() if one.samples and at in load.working}
    for at, one in series.items():
        yield from _one(at, one, held, warm)
    yield from _siblings(series)
    silent = [at.rsplit("/", 1)[1] for at in load.working if at not in series]
    if silent:
        raise CannotJudge(f"the driver told nothing of GPU {', '.join(silent)} under load", code="GPU-LOAD")
    untold = [at.rsplit("/", 1)[1] for at, one in series.items() if one.held is None]
    if untold:
        raise CannotJudge(
            f"the driver does not tell why clocks are low of GPU {', '.join(untold)}; amd-smi does since ROCm 6.3, for"
            " MI300 and later"
            if ctx.fact_if_any(node, "gpu.vendor") == "amd"
            else f"the driver told nothing of GPU {', '.join(untold)} under load",
            code="GPU-LOAD",
        )


def _one(at: str, one: Series, held: Limit, warm: Limit | None) -> Iterator[Measurement | Finding]:
    if one.held is not None:
        yield Measurement("slowdown under load", len(one.held), "reasons", at, held, GPU_SLOWDOWN.code)
        if one.held:
            yield Finding(GPU_SLOWDOWN.code, f"under load: {', '.join(one.held)}", at, Weight.NOTE)
        if one.cooled:
            yield Finding(GPU_SLOWDOWN.code, "the driver slows the GPU down to cool it", at, Weight.NOTE)
    memory = one.highest(lambda sample: sample.memory_c)
    if memory is not None:
        yield Measurement("GPU memory temperature under load", memory, "C", at, warm, GPU_TEMPERATURE.code)
    power = one.median(lambda sample: sample.power_w)
    if power is not None:
        yield Measurement("power under load", power, "W", at)


def _siblings(series: Mapping[str, Series]) -> Iterator[Measurement | Finding]:
    heat = {
        at: t
        for at, one in series.items()
        if (t := one.highest(lambda sample: sample.temperature_c)) is not None
    }
    for at, celsius in heat.items():
        yield Measurement("temperature under load", celsius, "C", at)
    for at, above in siblings.high(heat, _HOTTER_C).items():
        said = f"{heat[at]:g} C under load, {above:g} C above the median of the node's GPUs"
        yield Finding(GPU_TEMPERATURE.code, said, at)
    clocks = {
        at: mhz for at, one in series.items() if (mhz := one.median(lambda sample: sample.sm_mhz)) is not None
    }
    edge = siblings.low_edge(clocks, _SLOWER)
    limit = None
    if edge is not None:
        why = "10 % below the median of the node's GPUs, or six deviations where they scatter more"
        limit = Limit("clock under load", ">=", round(edge), "MHz", why=why, source="a rule of this project")
    for at, mhz in clocks.items():
        yield Measurement("clock under load", mhz, "MHz", at, limit, GPU_CLOCK_LOW.code)
