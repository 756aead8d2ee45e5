"""How fast do the local NVMe drives read?"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bringup.battery import perf
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import nvme_speed, siblings
from bringup.parsers.perf_faults import NVME_SLOW

_SHARE = 0.2
"""How far below its siblings a drive must be: two runs on one drive differ by several percent. A rule of this project."""


class Nvme(Check[Node]):
    """Every local NVMe drive reads as fast as the others of its model in the node.

    All drives read at once, for some seconds, past the page cache; nothing is written. Drives with fewer than three
    of their kind beside them are readings, which `perf.fleet` compares over the fleet.
    """

    id = "perf.nvme"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (NVME_SLOW,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        answer = out.answered(target, _command(target, ctx))
        drives = nvme_speed.parse(answer.text)
        if not drives:
            raise NotApplicable(f"{target.name} has no local NVMe drive")
        for model in dict.fromkeys(drive.model for drive in drives):
            speeds = {d.name: d.gbs for d in drives if d.model == model and d.gbs is not None}
            limit = _limit(speeds)
            for name, gbs in speeds.items():
                at = f"{target.name}/drive/{name}"
                yield Measurement(f"read {model}", round(gbs, 3), "GB/s", at, limit)
        silent = [f"{drive.name} ({drive.why})" for drive in drives if drive.gbs is None]
        if silent:
            rights = "" if answer.as_root else "; drives can only be read as root"
            raise CannotJudge(f"no speed of {', '.join(silent)[:300]}{rights}")


def _limit(speeds: dict[str, float]) -> Limit | None:
    edge = siblings.low_edge(speeds, _SHARE)
    if edge is None:
        return None
    why = f"{_SHARE:.0%} below the median of {len(speeds)} drives ({median(speeds.values()):.3g} GB/s)"
    return Limit("perf.nvme", ">=", round(edge, 3), "GB/s", why=why, source="a rule of this project")


def _command(node: Node, ctx: Context) -> Command:
    return nvme_speed.read(ctx.number(node, "perf.nvme_seconds"), perf.program(node, ctx, "perf.fio"))
