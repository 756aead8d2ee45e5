"""How long the multi-node stages take by the plan, from 64 to 4,096 nodes: prints a Markdown table.

    python benchmarks/wall_time.py [--workers 1024]

No node is touched: inventories of the simulated shape are planned as `bringup plan` does it, first with as many workers as
can be asked for, then with those that `bringup run` has unless told otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from bringup import battery
from bringup.campaign.layout import inventory_text, plans
from bringup.context import Context
from bringup.fleet import MOST_WORKERS, WORKERS
from bringup.inventory import parse
from bringup.model import Level, Stage
from bringup.orchestrator import Budget, confirm_s, make_plan
from bringup.profile import load_all

SIZES = (64, 128, 256, 512, 1024, 2048, 4096)
SHAPE = "hgx-h100"
STAGES = (Stage.RDMA, Stage.COLLECTIVE)


def rows(workers: int) -> Iterator[str]:
    """One line for each size."""
    checks = [c for c in battery.at_level(battery.load(()), Level.STANDARD) if c.stage in STAGES]
    context = Context(load_all([SHAPE], []))
    for count in SIZES:
        text = inventory_text(plans([SHAPE])[SHAPE], SHAPE, count, 1, name="wall-time")
        nodes = parse(text.encode(), Path("wall-time.yaml")).nodes
        planned = make_plan(checks, nodes, context, Budget(workers))
        cells = [
            f"{len(p.rounds)} x {max(map(len, p.rounds)):,} | {p.estimate_s:,.0f} | {confirm_s(p, workers):,.0f}"
            for p in planned
        ]
        yield f"| {count:,} | {workers:,} | {' | '.join(cells)} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description="Planned time of the multi-node stages against the fleet's size."
    )
    parser.add_argument("--workers", type=int, default=WORKERS)
    asked = parser.parse_args()
    head = " | ".join(f"{s}: rounds x pairs | seconds | to confirm, s" for s in STAGES)
    for workers in (MOST_WORKERS, asked.workers):
        print(f"| nodes | at once | {head} |")
        print(f"| {' | '.join(['---'] * 8)} |")
        for line in rows(workers):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
