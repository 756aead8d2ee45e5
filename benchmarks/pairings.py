"""How long it takes to draw three rounds of pairs, and to plan the confirmation of a fleet with culprits.

    python benchmarks/pairings.py

Prints a Markdown table; the times are those of one core of this machine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from fabric_model import Culprits, FabricModel
from localisation import DECLARED, evidence_of

from bringup.diagnosis import diagnose
from bringup.diagnosis.confirm import confirm_rounds, lanes
from bringup.topology import Place, matchings, place

SIZES = (1_000, 4_000, 12_500, 50_000)
CULPRITS = 0.02


def seconds(work: Callable[[], object]) -> float:
    """How much of one core the work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Print the table."""
    print(
        "| nodes | without places, s | leaves of 32, s | leaves of 32, units of 1,024, s | plan of the confirmation, s |"
    )
    print("| --- | --- | --- | --- | --- |")
    for count in SIZES:
        nodes = range(count)
        plain = seconds(partial(matchings, nodes, 3))
        leaves = seconds(partial(matchings, nodes, 3, lambda n: Place(f"leaf-{n // 32}")))
        units = seconds(partial(matchings, nodes, 3, lambda n: Place(f"leaf-{n // 32}", f"unit-{n // 1024}")))
        print(
            f"| {count:,} | {plain:.2f} | {leaves:.2f} | {units:.2f} | {_confirmation(count)} |", flush=True
        )


def _confirmation(count: int) -> str:
    """For a share of bad nodes, one rail."""
    if count > 12_500:
        return ""
    names = [f"n{k:05}" for k in range(count)]
    bad = frozenset(random.Random(1).sample(names, int(count * CULPRITS)))
    model = FabricModel(count, rails=1, per_leaf=32, culprits=Culprits(nodes=bad))
    rounds = matchings(names, 3, lambda name: place(model.nodes[name]))
    outcomes = [o for pairs in rounds for o in model.meet(pairs)]
    evidence = evidence_of(outcomes, model)
    spent = seconds(lambda: confirm_rounds(evidence, lanes(model.nodes)))
    judged = seconds(lambda: diagnose(outcomes, DECLARED, model.nodes))
    return f"{spent:.2f} for {len(bad):,} suspects (diagnosis {judged:.2f})"


if __name__ == "__main__":
    main()
