"""How many tests and rounds it takes to name what is slow: prints a Markdown table.

    python benchmarks/localisation.py [--nodes 232] [--runs 50]

Each row seeds culprits into a model of a fabric, plays three rounds of disjoint pairs, diagnoses, plays the confirm
rounds and what follows from them, diagnoses again, and compares what is named with what was seeded. The last rows are
figures that others publish.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fabric_model import CHECK, CODE, Culprits, FabricModel

from bringup.check import port_path
from bringup.defects import Defect, Fault
from bringup.diagnosis import diagnose
from bringup.diagnosis.bisect import Ask, Failure, Job, next_step
from bringup.diagnosis.confirm import Meeting, confirm_rounds, lanes
from bringup.diagnosis.decide import Decision, decide
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.strangers import strangers
from bringup.diagnosis.symptoms import all_signs
from bringup.diagnosis.unsteady import unsteady
from bringup.model import Outcome, Verdict
from bringup.topology import matchings, place

SCREENING = 3
DECLARED = {CHECK: (Fault(CODE, "slow {at}", "look"),)}
PUBLISHED = (
    ("grouped bisection, 232 nodes (NVIDIA cluster-readiness-engine, ADR-055)", "22-57", "about 7 (28 min)"),
    ("all pairs, 232 nodes (same source)", "26,796", "at least 231 (19 h)"),
)


@dataclass(frozen=True)
class Localised:
    """What a whole localisation came to."""

    defects: tuple[Defect, ...]
    decisions: tuple[Decision, ...]
    tests: int
    rounds: int

    @property
    def named(self) -> frozenset[tuple[str, str]]:
        return frozenset((d.code, d.component) for d in self.defects)


def evidence_of(outcomes: Sequence[Outcome], model: FabricModel) -> Evidence:
    """What these results say."""
    return Evidence.of(outcomes, all_signs(outcomes, DECLARED), model.nodes, {CHECK: CODE})


def localise(model: FabricModel) -> Localised:
    """Screening, confirmation, once more whom that leaves now good and now bad, verdict, as a run does it."""
    outcomes: list[Outcome] = []
    names = list(model.nodes)
    screening = matchings(names, SCREENING, lambda name: place(model.nodes[name]))
    for pairs in screening:
        outcomes += model.meet(pairs)
    lane_of = lanes(model.nodes)
    plan = confirm_rounds(evidence_of(outcomes, model), lane_of)
    new = strangers(evidence_of(outcomes, model), model.nodes, lane_of)
    results = [_confirmed(meetings, model, outcomes) for meetings in plan.rounds]
    for meetings in new:
        _confirmed(meetings, model, outcomes)
    seen = evidence_of(outcomes, model)
    again = confirm_rounds(seen, lane_of, about=unsteady(seen, lambda end: (CHECK,)))
    for meetings in again.rounds:
        _confirmed(meetings, model, outcomes)
    defects = diagnose(outcomes, DECLARED, model.nodes)
    return Localised(
        tuple(defects),
        decide(plan, results, lane_of),
        model.tests + plan.pairs + sum(len({m.nodes for m in tests}) for tests in new) + again.pairs,
        len(screening) + len(plan.rounds) + len(new) + len(again.rounds),
    )


def _confirmed(
    meetings: Sequence[Meeting], model: FabricModel, outcomes: list[Outcome]
) -> dict[Meeting, bool | None]:
    """What these tests say; their results come to the others."""
    said = dict(zip(meetings, model.at_once([(m.a, m.b) for m in meetings]), strict=True))
    outcomes += said.values()
    return {m: outcome.verdict is Verdict.PASS for m, outcome in said.items()}


# ---------------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Row:
    """What is seeded: culprits and the defects that must be named, nothing else."""

    what: str
    count: int
    seeded: Callable[[random.Random, FabricModel], tuple[Culprits, frozenset[tuple[str, str]]]]


def _nodes(count: int) -> Row:
    def seeded(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
        bad = rng.sample(sorted(model.nodes), count)
        return Culprits(nodes=frozenset(bad)), frozenset(("NODE-SLOW", name) for name in bad)

    return Row("slow nodes (all their ports)", count, seeded)


def _ports(count: int) -> Row:
    def seeded(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
        bad = [
            port_path(n, f"mlx5_{rng.randrange(model.rails)}") for n in rng.sample(sorted(model.nodes), count)
        ]
        return Culprits(ports=frozenset(bad)), frozenset((CODE, path) for path in bad)

    return Row("slow ports", count, seeded)


def _one_way(count: int) -> Row:
    def seeded(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
        bad = [
            port_path(n, f"mlx5_{rng.randrange(model.rails)}") for n in rng.sample(sorted(model.nodes), count)
        ]
        return Culprits(one_way=frozenset(bad)), frozenset((CODE, path) for path in bad)

    return Row("ports that only send slowly", count, seeded)


def _flaky(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
    bad = port_path(rng.choice(sorted(model.nodes)), f"mlx5_{rng.randrange(model.rails)}")
    return Culprits(flaky=frozenset({bad})), frozenset({("RDMA-FLAKY", bad)})


def _spine(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
    return Culprits(spines=frozenset({rng.randrange(model.spines)})), frozenset({("SPINE-SLOW", "fleet")})


def _uplinks(count: int) -> Row:
    def seeded(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
        rail = rng.randrange(model.rails)
        leaves = rng.sample(sorted({n.ports[rail].leaf for n in model.nodes.values()}), count)
        return Culprits(uplinks=frozenset(leaves)), frozenset(("UPLINK-SLOW", leaf) for leaf in leaves)

    return Row("leaves of one rail with slow cables to one spine", count, seeded)


def _sparse(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
    leaf = rng.choice(sorted({p.leaf for n in model.nodes.values() for p in n.ports}))
    return Culprits(sparse=frozenset({leaf})), frozenset({("UPLINK-SLOW", leaf)})


def _ways(count: int) -> Row:
    def seeded(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
        pairs = matchings(list(model.nodes), SCREENING, lambda name: place(model.nodes[name]))[1]
        rail = rng.randrange(model.rails)
        bad = [tuple(port_path(n, f"mlx5_{rail}") for n in pair) for pair in rng.sample(pairs, count)]
        named = frozenset(("PATH-UNSTABLE", " ~ ".join(way)) for way in bad)
        return Culprits(ways=frozenset(frozenset(way) for way in bad)), named

    return Row("pairs of good ports that met and are slow only together", count, seeded)


def _leaf(rng: random.Random, model: FabricModel) -> tuple[Culprits, frozenset[tuple[str, str]]]:
    leaf = rng.choice(sorted({p.leaf for n in model.nodes.values() for p in n.ports}))
    return Culprits(leaves=frozenset({leaf})), frozenset({("LEAF-SLOW", leaf)})


ROWS = (
    Row("nothing", 0, lambda rng, model: (Culprits(), frozenset())),
    *(_nodes(k) for k in (1, 2, 5)),
    *(_ports(k) for k in (1, 2, 5)),
    *(_ways(k) for k in (1, 2)),
    *(_one_way(k) for k in (1, 2)),
    Row("ports that are slow in every second test", 1, _flaky),
    Row("slow leaves", 1, _leaf),
    *(_uplinks(k) for k in (1, 2, 3)),
    Row("leaves that send through half of their uplinks", 1, _sparse),
    Row("slow spines", 1, _spine),
)


@dataclass(frozen=True)
class Score:
    """A row after all its runs."""

    row: Row
    runs: int
    exact: int
    wrong: int
    tests: Sequence[int]
    rounds: Sequence[int]


def play(row: Row, nodes: int, runs: int) -> Score:
    """All runs of a row, each with its own culprits."""
    exact = wrong = 0
    tests: list[int] = []
    rounds: list[int] = []
    for seed in range(runs):
        culprits, must = row.seeded(random.Random(f"{row.what}/{row.count}/{seed}"), FabricModel(nodes))
        came = localise(FabricModel(nodes, culprits=culprits, seed=seed))
        exact += came.named == must
        wrong += len(came.named - must)
        tests.append(came.tests)
        rounds.append(came.rounds)
    return Score(row, runs, exact, wrong, tests, rounds)


def bisected(nodes: int, size: int, count: int, seed: int) -> tuple[bool, int, int]:
    """A job of so many of the nodes fails because of `count` of them: whether exactly these are found, jobs, rounds."""
    rng = random.Random(seed)
    names = [f"n{k:05}" for k in range(nodes)]
    failing, good = tuple(names[:size]), tuple(names[size:])
    model = FabricModel(nodes, rails=1, culprits=Culprits(nodes=frozenset(rng.sample(failing, count))))
    known: dict[Job, bool | None] = {}
    rounds = 0
    while isinstance(step := next_step(Failure(failing, good), known), Ask):
        rounds += 1
        for job in step.jobs:
            known[job] = model.job_is_good(job.nodes)
    found = {node for culprit in step.culprits for node in culprit.nodes}
    return found == model.culprits.nodes, len(known), rounds


# --------------------------------------------------------------------------------------------------- table


def table(nodes: int, runs: int) -> Iterator[str]:
    """The Markdown table, line by line."""
    yield f"Pairs of nodes on 8 rails, {nodes} nodes on leaves of 16, {runs} runs each."
    yield ""
    yield "| seeded | how many | exactly these named | wrongly named | tests | rounds |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in ROWS:
        s = play(row, nodes, runs)
        yield (
            f"| {row.what} | {row.count} | {s.exact} of {s.runs} | {s.wrong} | {_spread(s.tests)} | {_spread(s.rounds)} |"
        )
    for size, count in ((s, c) for s in (32, nodes // 2) for c in (1, 2, 5)):
        came = [bisected(nodes, size, count, seed) for seed in range(runs)]
        exact, jobs, rounds = zip(*came, strict=True)
        yield (
            f"| slow nodes in a job of {size} nodes that fails | {count} | {sum(exact)} of {runs} | "
            f"{runs - sum(exact)} | {_spread(jobs)} jobs | {_spread(rounds)} |"
        )
    for what, tests, rounds_said in PUBLISHED:
        yield f"| published: {what} | | | | {tests} | {rounds_said} |"


def _spread(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}-{high:,} (median {statistics.median(values):,.0f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How many tests and rounds it takes to name what is slow.")
    parser.add_argument("--nodes", type=int, default=232)
    parser.add_argument("--runs", type=int, default=50)
    asked = parser.parse_args()
    for line in table(asked.nodes, asked.runs):
        print(line, flush=True)


if __name__ == "__main__":
    main()
