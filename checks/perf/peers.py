"""How fast does every GPU reach every other one of its node?"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence, Set

from bringup.battery import gpu_speed, perf
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import siblings
from bringup.parsers.perf_faults import GPU_LOAD, GPU_PEER_BW

Pairs = Mapping[tuple[str, str], float]


class Peers(Check[Node]):
    """Every pair of GPUs moves as much data as the profile asks, and as the other pairs.

    Over NVLink or XGMI, one pair at a time. One bad GPU shows in all its pairs, so the fewest GPUs that explain all slow
    pairs are named, and whether it is their sending or their receiving side. A pair that is slow alone is named as one.
    """

    id = "perf.peers"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (GPU_PEER_BW, GPU_LOAD)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if ctx.need_gpus(target) < 2:
            raise NotApplicable(f"profile {target.profile} has one GPU")
        if ctx.fact(target, "gpu.vendor") == "nvidia" and ctx.number(target, "nvlink.links") == 0:
            raise NotApplicable(
                f"the GPUs of profile {target.profile} have no NVLink: how they are connected differs"
            )
        return run(target, perf.bandwidth_command(target, ctx), perf.load_command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        found = gpu_speed.peers(target, out, ctx)
        pairs = found.values
        gpus = sorted({at for pair in pairs for at in pair}, key=lambda at: int(_number(at)))
        if not pairs:
            raise CannotJudge("no transfer between two GPUs was measured")
        limit = _limit(pairs, ctx.limit_or_none(target, "perf.peer"))
        slow = {pair for pair, gbs in pairs.items() if limit is not None and not limit.holds(gbs)}
        bad = _bad(slow, gpus)
        for at in gpus:
            yield from _sides(at, found, limit, sum(at in pair for pair in slow) if at in bad else 0)
        for a, b in sorted(slow):
            if a not in bad and b not in bad:
                said = f"GPU {_number(a)} to GPU {_number(b)}: {pairs[a, b]:.4g} GB/s, needs {limit}"
                yield Finding(GPU_PEER_BW.code, said, target.name)
        wanted = len(gpus) * (len(gpus) - 1)
        gpu_speed.need_all(target, ctx, gpus, "transfers")
        if len(pairs) < wanted:
            raise CannotJudge(f"transfers were measured between {len(pairs)} of {wanted} pairs of GPUs")


def _bad(slow: Set[tuple[str, str]], gpus: Sequence[str]) -> frozenset[str]:
    """The fewest GPUs that explain the slow pairs, of those that are slow with more than one other GPU."""
    blamed = siblings.blamed((gpus.index(a), gpus.index(b)) for a, b in slow)
    return frozenset(
        gpus[n] for n in blamed if len({at for pair in slow if gpus[n] in pair for at in pair}) > 2
    )


def _sides(
    at: str, found: gpu_speed.Speeds[tuple[str, str]], limit: Limit | None, slow: int
) -> Iterator[Measurement | Finding]:
    """What a GPU sends and receives, the median over the others; `slow` pairs are its fault."""
    pairs, proven = found.values, False
    for name, end in (("sends", 0), ("receives", 1)):
        mine = [gbs for pair, gbs in pairs.items() if pair[end] == at]
        if not mine:
            continue
        usual = statistics.median(mine)
        low = limit is not None and not limit.holds(usual)
        proven = proven or (low and slow > 0)
        # What is low only because the others are is no measure of this one.
        judged_by = None if low and not slow else limit
        yield Measurement(found.name(f"GPU {name}"), round(usual, 3), "GB/s", at, judged_by, GPU_PEER_BW.code)
    if slow and not proven:
        gbs, (a, b) = min((gbs, pair) for pair, gbs in pairs.items() if at in pair)
        said = f"{slow} slow transfers, GPU {_number(a)} to GPU {_number(b)} {gbs:.4g} GB/s, needs {limit}"
        yield Finding(GPU_PEER_BW.code, said, at)


def _number(at: str) -> str:
    return at.rsplit("/", 1)[1]


def _limit(pairs: Pairs, floor: Limit | None) -> Limit | None:
    """The profile's floor, or what the pairs themselves say, whichever asks for more; None with too few pairs."""
    edge = siblings.low_edge({f"{a} {b}": gbs for (a, b), gbs in pairs.items()}, gpu_speed.SHARE)
    if edge is None or (floor is not None and float(floor.value) >= edge):
        return floor
    why = "5 % below the median of all pairs of this node, or six deviations where they scatter more"
    return Limit("perf.peer", ">=", round(edge, 3), "GB/s", why=why, source=gpu_speed.SOURCE)
