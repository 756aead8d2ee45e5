"""A fabric with seeded culprits in plain Python: what tests of pairs and jobs of nodes would measure on it.

It knows nothing of how culprits are found. Bandwidth between two ports is the least of what lies on the way: both
nodes, both ports, and between leaves the uplinks and the spine that the sender's number selects. A leaf whose
routes leave some uplinks unused is slow only while more of its ports send through the others than these carry.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bringup.check import port_path
from bringup.model import Limit, Measurement, Node, Outcome, Port, Stage, Verdict

CHECK = "rdma.write-bw"
CODE = "RDMA-BW"
NEED_GBPS = 380.0
GOOD_GBPS = 391.0
LIMIT = Limit("rdma.write_bw", ">=", NEED_GBPS, "Gb/s")


@dataclass(frozen=True)
class Culprits:
    """What is wrong. Ports and ways are named by component paths, ways as the set of their two ends.

    `share` is what is left of the speed; of `sparse` leaves, what is left of the uplinks. A flaky port loses it in
    every `every`-th test of its own. `one_way` ports lose it only when they send.
    """

    nodes: frozenset[str] = frozenset()
    ports: frozenset[str] = frozenset()
    one_way: frozenset[str] = frozenset()
    flaky: frozenset[str] = frozenset()
    ways: frozenset[frozenset[str]] = frozenset()
    leaves: frozenset[str] = frozenset()
    uplinks: frozenset[str] = frozenset()
    spines: frozenset[int] = frozenset()
    sparse: frozenset[str] = frozenset()
    share: float = 0.5
    every: int = 2


@dataclass
class FabricModel:
    """Nodes on leaves, one leaf for each rail of a unit; `noise` is how far two runs of one test differ."""

    count: int
    rails: int = 8
    per_leaf: int = 16
    spines: int = 4
    culprits: Culprits = Culprits()
    seed: int = 1
    noise: float = 0.01
    nodes: dict[str, Node] = field(init=False)
    tests: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._tries: dict[str, int] = {}
        names = [f"n{k:05}" for k in range(self.count)]
        self.nodes = {
            name: Node(
                name,
                ports=tuple(
                    Port(r, f"mlx5_{r}", f"leaf-{k // self.per_leaf}-{r}") for r in range(self.rails)
                ),
            )
            for k, name in enumerate(names)
        }
        self._number = {name: k for k, name in enumerate(names)}

    def meet(self, pairs: Iterable[tuple[str, str]], rails: Sequence[int] | None = None) -> list[Outcome]:
        """One round: each pair of nodes on these rails, or on all."""
        pairs = list(pairs)
        self.tests += len(pairs)
        hcas = [f"mlx5_{rail}" for rail in (range(self.rails) if rails is None else rails)]
        return self.at_once([(port_path(a, hca), port_path(b, hca)) for a, b in pairs for hca in hcas])

    def at_once(self, ends: Sequence[tuple[str, str]]) -> list[Outcome]:
        """What the tests of these pairs of ports say, all at the same time; the first of each sends."""
        ways = [(self._leaf(a), self._leaf(b)) for a, b in ends]
        sending = Counter(a for a, b in ways if a != b and a in self.culprits.sparse)
        room = {leaf: self.per_leaf * self.culprits.share / count for leaf, count in sending.items()}
        return [
            self._outcome(*pair, room.get(a, 1.0) if a != b else 1.0)
            for pair, (a, b) in zip(ends, ways, strict=True)
        ]

    def _outcome(self, a: str, b: str, room: float) -> Outcome:
        """What the test of two ports says for which the uplinks have so much room."""
        names = (a.partition("/")[0], b.partition("/")[0])
        gbps = (
            GOOD_GBPS * min(1.0, room, self._share(a, b)) * (1 + self._rng.uniform(-self.noise, self.noise))
        )
        reading = Measurement("write_bw", round(gbps, 2), "Gb/s", f"{a} ~ {b}", LIMIT)
        rail = a.rpartition("mlx5_")[2].partition("/")[0]
        verdict = Verdict.PASS if reading.ok else Verdict.FAIL
        target = f"{names[0]} ~ {names[1]} rail {rail}"
        return Outcome(CHECK, Stage.RDMA, target, names, verdict, at=(a, b), measurements=(reading,))

    def job_is_good(self, nodes: Iterable[str], rails: Sequence[str] = ()) -> bool:
        """Whether a job over all rails of these nodes is as fast as it should be: it has no culprit in it."""
        self.tests += 1
        mine = set(nodes)
        bad = {end.partition("/")[0] for end in self.culprits.ports | self.culprits.one_way}
        if mine & (self.culprits.nodes | bad):
            return False
        return not any({end.partition("/")[0] for end in way} <= mine for way in self.culprits.ways)

    def _share(self, a: str, b: str) -> float:
        wrong, leaf = self.culprits, self._leaf
        ends = (a, b)
        names = {end.partition("/")[0] for end in ends}
        bad = bool(names & wrong.nodes) or bool(set(ends) & wrong.ports) or a in wrong.one_way
        bad = bad or frozenset(ends) in wrong.ways or bool({leaf(end) for end in ends} & wrong.leaves)
        for end in ends:
            if end in wrong.flaky:
                phase = random.Random(f"{self.seed}/{end}").randrange(wrong.every)
                self._tries[end] = self._tries.get(end, phase) + 1
                bad = bad or self._tries[end] % wrong.every == 0
        if leaf(a) != leaf(b):
            spine = self._number[a.partition("/")[0]] % self.spines
            bad = bad or spine in wrong.spines
            bad = bad or (spine == 0 and bool({leaf(a), leaf(b)} & wrong.uplinks))
        return wrong.share if bad else 1.0

    def _leaf(self, end: str) -> str:
        node, _, rest = end.partition("/hca/")
        hca = rest.partition("/")[0]
        return next(port.leaf for port in self.nodes[node].ports if port.hca == hca)
