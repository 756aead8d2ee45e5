"""Is any part far slower than the same parts of the other nodes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Level, Limit, Measurement, Stage
from bringup.parsers import outliers
from bringup.parsers.perf_faults import (
    COLL_OPS_BW,
    GPU_CLOCK_LOW,
    GPU_COPY_BW,
    GPU_GEMM,
    GPU_MEMORY_BW,
    GPU_PEER_BW,
    HOST_MEMORY_BW,
    NETWORK_BW,
    NVME_SLOW,
)

_COMPARED = {
    "perf.copies": (GPU_COPY_BW.code, 0.05),
    "perf.gpu-memory": (GPU_MEMORY_BW.code, 0.05),
    "perf.peers": (GPU_PEER_BW.code, 0.05),
    "perf.gemm": (GPU_GEMM.code, 0.05),
    "perf.under-load": (GPU_CLOCK_LOW.code, 0.10),
    "perf.host-memory": (HOST_MEMORY_BW.code, 0.10),
    "perf.nvme": (NVME_SLOW.code, 0.20),
    "perf.network": (NETWORK_BW.code, 0.20),
    "perf.collectives": (COLL_OPS_BW.code, 0.05),
    "perf.mscclpp": (COLL_OPS_BW.code, 0.05),
}
"""By check: what a slow part is called, and how far below the median of the fleet it must be at least."""
_SPEEDS = ("GB/s", "Gb/s", "TFLOPS", "MHz")


class PerfFleet(Check[Group]):
    """No part of a node is far slower than the same parts of the other nodes with its profile.

    The number comes from the fleet: the median less six deviations (MAD), and less 5 percent at least (10 for clocks and
    the memory of processors, 20 for drives and networks), so that a fleet of almost equal parts raises nothing.
    """

    id = "perf.fleet"
    stage = Stage.PERF
    level = Level.STANDARD
    faults = (
        GPU_COPY_BW,
        GPU_MEMORY_BW,
        GPU_PEER_BW,
        GPU_GEMM,
        GPU_CLOCK_LOW,
        HOST_MEMORY_BW,
        NVME_SLOW,
        NETWORK_BW,
        COLL_OPS_BW,
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < outliers.LEAST:
            raise NotApplicable(f"fewer than {outliers.LEAST} nodes: there is no middle to compare with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        profiles = {node.name: node.profile for node in target.members}
        compared, most = False, 0
        for (check, name), readings in ctx.readings.items():
            if check not in _COMPARED:
                continue
            code, share = _COMPARED[check]
            for profile in dict.fromkeys(profiles.values()):
                mine = {m.at: m for m in readings if profiles.get(m.at.split("/")[0]) == profile}
                speeds = {at: float(m.value) for at, m in mine.items() if m.unit in _SPEEDS}
                told = len({at.split("/")[0] for at in speeds})
                most = max(most, told)
                if told >= outliers.LEAST:
                    compared = True
                    yield from _compare(
                        name, next(iter(mine.values())).unit, speeds, share, code, target.name
                    )
        if most and not compared:  # the others are out, or say themselves why they told nothing
            raise NotApplicable(
                f"at most {most} nodes of one profile told a speed: no middle to compare with"
            )
        if not compared:
            raise CannotJudge("no node told a speed")


def _compare(
    name: str, unit: str, speeds: Mapping[str, float], share: float, code: str, fleet: str
) -> Iterator[Measurement]:
    """The parts that stand out, and the slowest of the others."""
    middle = median(speeds.values())
    spread = outliers.low(speeds, floor=share * middle / outliers.MADS)
    why = f"median {middle:.4g} {unit} of {len(speeds)} parts, less six deviations, and less {share:.0%} at least"
    limit = Limit(f"{name} of the fleet", ">=", round(spread.edge, 3), unit, why=why, source="this fleet")
    for at, value in _gathered(spread.low, speeds):
        yield Measurement(name, value, unit, at, limit, code)
    rest = min((value for at, value in speeds.items() if at not in spread.low), default=None)
    if rest is not None:
        yield Measurement(f"slowest other {name}", rest, unit, fleet, limit, code)


def _gathered(low: Sequence[str], speeds: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The slow parts, the worst first; where most of a node's are slow, the node with its worst."""
    parts: dict[str, list[str]] = {}
    for at in speeds:
        parts.setdefault(at.split("/")[0], []).append(at)
    whole = {node for node, mine in parts.items() if 2 <= len(mine) < 2 * len(set(mine) & set(low))}
    told: set[str] = set()
    for at in low:
        node = at.split("/")[0]
        place = node if node in whole else at
        if place not in told:
            told.add(place)
            yield place, speeds[at]
