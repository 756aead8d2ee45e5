"""What nccl-tests prints: header, ranks, rows in its column widths, closing lines, and its JSON file."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

_NCCL = "22902"
_VERSION = "2.17.8"
# Bus bandwidth over algorithm bandwidth is this times (ranks - 1) / ranks; 1 for the others.
_FACTORS = {"all_reduce": 2.0, "all_gather": 1.0, "reduce_scatter": 1.0, "alltoall": 1.0}
_REDUCES = {"all_reduce": "sum", "reduce": "sum", "reduce_scatter": "sum"}
_ROOTED = {"broadcast": "0", "reduce": "0"}


@dataclass(frozen=True, slots=True)
class Rank:
    """One rank and the GPU that it uses."""

    host: str
    device: int
    bdf: str
    gpu: str
    pid: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How the test was called."""

    name: str
    collective: str
    args: tuple[str, ...]
    gpus_per_process: int
    sizes: tuple[int, ...]
    step: str
    warmup: int
    iterations: int
    check: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One size: microseconds of both halves, and wrong elements."""

    size: int
    times_us: tuple[float, float]
    wrong: int


def factor(collective: str, ranks: int) -> float:
    """Bus bandwidth over algorithm bandwidth."""
    return _FACTORS[collective] * (ranks - 1) / ranks if collective in _FACTORS else 1.0


def header(plan: Plan, ranks: Sequence[Rank], rccl: Sequence[str] = (), split: int = 0) -> str:
    """Everything above the rows. `rccl` are the lines that rccl-tests adds, without a mark; it names no group. Of a
    job that is `split` every rank's group is its number modulo that."""
    low, high = (min(plan.sizes), max(plan.sizes)) if plan.sizes else (0, 0)
    rows = [
        *([] if rccl else [f"# nccl-tests version {_VERSION} nccl-headers={_NCCL} nccl-library={_NCCL}"]),
        f"# Collective test starting: {plan.name}",
        f"# nThread 1 nGpus {plan.gpus_per_process} minBytes {low} maxBytes {high} step: {plan.step}"
        f" warmup iters: {plan.warmup} iters: {plan.iterations} agg iters: 1 validation: {int(plan.check)} graph: 0",
        "#",
        *rccl[:1],
        "# Using devices",
        *(_rank(i, r, i % split if split else 0, amd=bool(rccl)) for i, r in enumerate(ranks)),
        *rccl[1:],
        "#",
        *(_RCCL_HEAD if rccl else _NCCL_HEAD),
    ]
    return "\n".join(rows) + "\n"


def _rank(number: int, rank: Rank, group: int, *, amd: bool) -> str:
    if amd:
        return (
            f"#   Rank {number:2d} Pid {rank.pid:6d} on {rank.host:>10} device {rank.device:2d}"
            f" [{rank.bdf}] {rank.gpu}"
        )
    return (
        f"#  Rank {number:2d} Group {group:2d} Pid {rank.pid:6d} on {rank.host:>10} device {rank.device:2d}"
        f" [{rank.bdf.rsplit('.')[0]}] {rank.gpu}"
    )


_NCCL_HEAD = (
    "#                                                              out-of-place                       in-place          ",
    "#       size         count      type   redop    root     time   algbw   busbw  #wrong     time   algbw   busbw  #wrong ",
    "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)             (us)  (GB/s)  (GB/s)         ",
)
_RCCL_HEAD = (
    "#                                                              out-of-place                       in-place",
    "#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong",
    "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)",
)


def table(plan: Plan, ranks: int, rows: Sequence[Row]) -> str:
    """The rows and the closing lines."""
    share = factor(plan.collective, ranks)
    spread = ranks if plan.collective in ("all_gather", "alltoall", "reduce_scatter") else 1
    redop, root = _REDUCES.get(plan.collective, "none"), _ROOTED.get(plan.collective, "-1")
    lines: list[str] = []
    busbws: list[float] = []
    for row in rows:
        text = f"{row.size:12d}  {row.size // 4 // spread:12d}  {'float':>8}  {redop:>6}  {root:>6}"
        for half, us in enumerate(row.times_us):
            algbw = row.size / us / 1000
            busbws.append(algbw * share)
            unchecked = not plan.check or (half == 1 and plan.collective == "alltoall")
            wrong = "N/A" if unchecked else str(row.wrong)
            text += f"  {_time(us)}  {_bandwidth(algbw)}  {_bandwidth(algbw * share)}  {wrong:>6}"
        lines.append(text)
    bad = sum(row.wrong * 2 for row in rows) if plan.check else 0
    average = sum(busbws) / len(busbws) if busbws else 0.0
    lines += [
        f"# Out of bounds values : {bad} {'FAILED' if bad else 'OK'}",
        f"# Avg bus bandwidth    : {average:g} ",
        "#",
        f"# Collective test concluded: {plan.name}",
        "#",
        "",
    ]
    return "\n".join(lines) + "\n"


def _time(us: float) -> str:
    return f"{us:7.0f}" if us >= 100_000 else f"{us:7.1f}" if us >= 10_000 else f"{us:7.2f}"


def _bandwidth(gbs: float) -> str:
    return f"{gbs:6.0f}" if gbs >= 10_000 else f"{gbs:6.1f}" if gbs >= 1000 else f"{gbs:6.2f}"


def report(plan: Plan, ranks: Sequence[Rank], rows: Sequence[Row], began: float) -> str:
    """The file of -J. The real one holds the whole environment; this one keeps an empty place for it."""
    share = factor(plan.collective, len(ranks))
    bad = sum(row.wrong * 2 for row in rows)

    def half(row: Row, us: float) -> dict[str, object]:
        algbw = row.size / us / 1000
        return {
            "nwrong": row.wrong if plan.check else None,
            "time": us,
            "alg_bw": algbw,
            "bus_bw": algbw * share,
        }

    results = [
        {
            "size": row.size,
            "count": row.size // 4,
            "type": "float",
            "redop": _REDUCES.get(plan.collective, "none"),
            "root": _ROOTED.get(plan.collective, "-1").rjust(6),
            "out_of_place": half(row, row.times_us[0]),
            "in_place": half(row, row.times_us[1]),
        }
        for row in rows
    ]
    devices = [
        {
            "rank": i,
            "group": 0,
            "pid": r.pid,
            "hostname": r.host,
            "device": r.device,
            "device_hex": r.bdf,
            "device_info": r.gpu,
        }
        for i, r in enumerate(ranks)
    ]
    busbws = [row.size / us / 1000 * share for row in rows for us in row.times_us]
    document = {
        "version": 3,
        "start_time": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(began)),
        "args": [plan.name, *plan.args],
        "env": [],
        "nccl_version": f"{_NCCL[0]}.{int(_NCCL[1:3])}.{int(_NCCL[3:])}",
        "config": {"devices": devices},
        "results": results,
        "out_of_bounds": {"count": bad, "okay": "false" if bad else "true"},
        "average_bus_bandwidth": {"bandwidth": sum(busbws) / max(1, len(busbws)), "okay": "unchecked"},
        "end_time": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
    }
    return json.dumps(document, indent=2) + "\n"
