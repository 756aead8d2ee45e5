"""Speed that is lost only between leaves: the uplinks of one leaf, of several, or what joins them all? Pure.

Of two leaves that are slow with each other either may be the cause. The one that is as fast as it should be with others,
so often that chance is no reason, is not. Where that does not tell, the fewest leaves that explain everything are the
cause, if no other ones of that number do. The confirm step asks about all of them (see `suspects`). What is slow
wherever one looks lies above the leaves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations

from bringup.diagnosis.trials import Trial

SPINE_SHARE = 0.1
"""One spine of many carries at least about this share of what leaves a leaf; fewer slow ways are single ones."""
BY_CHANCE = 3.0
"""Where so many slow ways are to be expected and there is none, chance is no reason: that happens once in twenty times."""
FAR_BELOW = 0.25
"""Seen is far below what is to be expected if it is this part of it at most: what little there is has other reasons."""
SPREAD = 5
"""Slow ways at so many leaves have more in common than chance."""
LEAST_SPINE_SHARE = 1 / 64
"""One of the 64 ports of a large leaf carries that share; what is rarer is no spine's."""
MOST_TOGETHER = 4
"""So many leaves are looked for that explain a tangle of slow ways, of at most `MOST_LEAVES`; more are left to the
confirm step."""
MOST_LEAVES = 16

LeafOf = Callable[[str], str]
"""The leaf that an end hangs on; empty where the plan does not say."""
Edge = frozenset[str]
"""Two leaves."""
LeafWay = tuple[str, str]
"""The leaf that sends and the one that receives."""


@dataclass(frozen=True, slots=True)
class Slow:
    """What is slow, and the leaves whose uplinks it is: one, or two that cannot be told apart. None: it is above them.

    `ask` are the leaves that the confirm step should ask about.
    """

    leaves: tuple[str, ...]
    trials: tuple[Trial, ...]
    ask: tuple[str, ...] = ()


def slow_above(
    failing: Sequence[Trial], trials: Sequence[Trial], leaf_of: LeafOf, plane_of: Mapping[str, str]
) -> list[Slow]:
    """What slow ways between good ends (`failing`) have in common above the leaves. `trials` are all of this fault.

    Only for speeds: a dead uplink is not used at all. `plane_of` is the network of each leaf.
    """
    bad = {t for t in failing if t.share is not None}
    of_plane: dict[str, list[Trial]] = defaultdict(list)
    for t in trials:
        a, b = leaf_of(t.a), leaf_of(t.b)
        if a and b and (t.good or t in bad):
            of_plane[plane_of[a]].append(t)
    networks = [_Network(mine, bad, leaf_of) for mine in of_plane.values()]
    said = [(network, network.above_all()) for network in networks]
    unclear = sum(above is None for _, above in said)
    all_rails = unclear > 1 and unclear * 2 >= len(networks)
    found: list[Slow] = []
    over: list[Trial] = []
    for network, above in said:
        if above or (above is None and all_rails):
            over += network.slow
        else:
            found += network.found
    return [Slow((), tuple(over)), *found] if over else found


@dataclass(frozen=True, slots=True)
class _Count:
    """Of so many tests so many were slow."""

    tests: int
    slow: int

    def expects(self, tests: int) -> float:
        """How many of other tests would be slow at this rate."""
        return self.slow / self.tests * tests if self.tests else 0.0


class _Network:
    """Leaves that spines join, and the tests between them. `found` is what is slow, as long as it is not above all of them."""

    def __init__(self, tests: Sequence[Trial], bad: Set[Trial], leaf_of: LeafOf) -> None:
        self._leaf_of = leaf_of
        within = {t.ends: False for t in tests if leaf_of(t.a) == leaf_of(t.b)}
        within |= {t.ends: True for t in tests if t.ends in within and t in bad}
        self._inside = _Count(len(within), sum(within.values()))
        # Who is slow within its leaf as well is so for a reason of its own.
        own = {end for ends, slow in within.items() if slow for end in ends}
        tests = [t for t in tests if t.ends not in within and not own & set(t.ends)]
        self.slow = [t for t in tests if t in bad]
        self._tests: dict[LeafWay, int] = Counter()
        self._slow: dict[LeafWay, int] = Counter()
        slow_ends = {t.ends for t in self.slow}
        for ends in {t.ends for t in tests}:
            way = (leaf_of(ends[0]), leaf_of(ends[1]))
            self._tests[way] += 1
            self._slow[way] += ends in slow_ends
        self._of: dict[str, list[LeafWay]] = defaultdict(list)
        """The ways of each leaf."""
        for way in self._tests:
            for leaf in way:
                self._of[leaf].append(way)
        self._of_edge: dict[Edge, list[Trial]] = defaultdict(list)
        for t in self.slow:
            self._of_edge[frozenset((leaf_of(t.a), leaf_of(t.b)))].append(t)
        found = list(self._find()) if self.slow else []
        # While of some it is open which one it is, the others wait: third leaves are few.
        is_open = any(len(slow.leaves) > 1 for slow in found)
        self.found = [
            Slow(s.leaves, s.trials, s.ask if len(s.leaves) > 1 or not is_open else ()) for s in found
        ]

    def above_all(self) -> bool | None:
        """Whether what is slow lies above all leaves, since those that are not named are slow with each other as well.
        Where nothing shows that these are well, several slow leaves are one cause, and of a single one nobody knows."""
        named = {leaf for slow in self.found for leaf in slow.leaves}
        if not named:
            return self._between_all()
        near = self._count(way for way in self._tests if named & set(way))
        apart = self._count(way for way in self._tests if not named & set(way))
        expected = near.expects(apart.tests)
        if apart.slow > expected * FAR_BELOW and len(self._singles(named)) >= SPREAD:
            return True
        if expected >= BY_CHANCE:
            return False
        return True if len(self.found) > 1 else None

    def _between_all(self) -> bool:
        """Whether slow ways that are too few at each leaf are spread over leaves and hardly ever lie within one: a spine of
        many carries little of what a leaf sends. Ports that fail now and then look alike, so it must be quite certain."""
        all_ = self._count(self._tests)
        expected = all_.expects(self._inside.tests)
        return (
            len({leaf for edge in self._of_edge for leaf in edge}) >= SPREAD
            and all_.slow >= LEAST_SPINE_SHARE * all_.tests
            and expected >= 2 * BY_CHANCE
            and self._inside.slow <= expected * FAR_BELOW
        )

    def _singles(self, named: Collection[str]) -> set[str]:
        """The leaves of slow ways that no named one explains, nor an end that is slow with several."""
        slow = {t.pair for edge, mine in self._of_edge.items() if not edge & set(named) for t in mine}
        partners = Counter(end for pair in slow for end in pair)
        single = (pair for pair in slow if all(partners[end] == 1 for end in pair))
        return {self._leaf_of(end) for pair in single for end in pair}

    def _between(self, edge: Edge) -> list[LeafWay]:
        return [way for way in self._of[min(edge)] if set(way) == edge]

    def _count(self, ways: Iterable[LeafWay]) -> _Count:
        ways = list(ways)
        return _Count(sum(self._tests[way] for way in ways), sum(self._slow[way] for way in ways))

    def _find(self) -> Iterator[Slow]:
        often = {leaf for leaf, ways in self._of.items() if self._often(ways)}
        edges = {
            edge
            for edge, mine in self._of_edge.items()
            if edge & often and self._several(mine, min(edge), self._between(edge))
        }
        guilty: dict[str, tuple[str, ...]] = {}
        between: set[Edge] = set()
        for edge in edges:
            doubtful = [leaf for leaf in edge if not self._is_well(leaf, edge)]
            if len(doubtful) == 1:
                guilty[doubtful[0]] = (doubtful[0],)
            elif not doubtful:
                between.add(edge)
        for group in _groups(edge for edge in edges - between if not edge & guilty.keys()):
            guilty |= dict.fromkeys(_fewest(group), tuple(sorted(frozenset().union(*group))))
        guilty |= {leaf: (leaf,) for leaf in self._with_many(edges, guilty)}
        left = dict(self._of_edge)
        of_leaf: dict[str, list[Edge]] = defaultdict(list)
        for edge in sorted(left, key=sorted):
            for leaf in edge:
                of_leaf[leaf].append(edge)
        for leaf in sorted(guilty):
            mine = tuple(t for edge in of_leaf[leaf] if edge in left for t in left.pop(edge))
            if mine:
                yield Slow((leaf,), mine, guilty[leaf])
        over = sorted(between & left.keys(), key=sorted)
        if len(over) > 1:
            yield Slow((), tuple(t for edge in over for t in left.pop(edge)))
        for edge in sorted(edges & left.keys(), key=sorted):
            leaves = tuple(sorted(edge))
            yield Slow(leaves, tuple(left[edge]), leaves)

    def _several(self, slow: Sequence[Trial], leaf: str, ways: Iterable[LeafWay]) -> bool:
        """Whether several ends of the leaf are slow with several elsewhere, and often on these ways; otherwise one end may
        be to blame."""
        here = {end for t in slow for end in t.ends if self._leaf_of(end) == leaf}
        there = {end for t in slow for end in t.ends if self._leaf_of(end) != leaf}
        return self._often(ways) and len(here) >= 2 and len(there) >= 2

    def _often(self, ways: Iterable[LeafWay]) -> bool:
        """Whether so many tests of these ways were slow that it is more than single ones."""
        count = self._count(ways)
        return count.slow >= SPINE_SHARE * count.tests

    def _with_many(self, edges: Set[Edge], guilty: Collection[str]) -> set[str]:
        """The leaves that are slow with many others, of which each met only a few of its ends; the worst one first."""
        known, found = set(guilty), set[str]()
        while True:
            of_leaf: dict[str, list[Trial]] = defaultdict(list)
            for edge, mine in self._of_edge.items():
                if edge not in edges and not edge & known:
                    for leaf in edge:
                        of_leaf[leaf] += mine
            worst = max(sorted(of_leaf), key=lambda leaf: len(of_leaf[leaf]), default="")
            ways = [way for way in self._of[worst] if frozenset(way) not in edges and not known & set(way)]
            if not worst or not self._several(of_leaf[worst], worst, ways):
                return found
            found.add(worst)
            known.add(worst)

    def _is_well(self, leaf: str, edge: Edge) -> bool:
        """Whether tests with others should have been slow as well if this leaf were to blame for those of the edge, in the
        roles in which these were slow, and hardly any was. Where its ports send few tests nothing is proven: uplinks that
        are missing show only under load."""
        rates = {}
        for role in (0, 1):
            mine = [way for way in self._of[leaf] if way.index(leaf) == role]
            accused = self._count(way for way in mine if set(way) == edge)
            apart = self._count(way for way in mine if set(way) != edge)
            if accused.slow:
                rates[role] = (accused.expects(1), accused, apart)
        most = max(rate for rate, _, _ in rates.values())
        # A role with far fewer slow ones is not what this is about.
        counts = [(accused, apart) for rate, accused, apart in rates.values() if rate * 2 >= most]
        if any(apart.tests * 2 < accused.tests for accused, apart in counts):
            return False
        expected = sum(accused.expects(apart.tests) for accused, apart in counts)
        return expected >= BY_CHANCE and sum(apart.slow for _, apart in counts) <= expected * FAR_BELOW


def _groups(edges: Iterable[Edge]) -> list[set[Edge]]:
    """The edges that hang together."""
    groups: list[set[Edge]] = []
    for edge in edges:
        mine = [group for group in groups if any(edge & other for other in group)]
        groups = [group for group in groups if group not in mine] + [{edge}.union(*mine)]
    return groups


def _fewest(edges: Collection[Edge]) -> set[str]:
    """The fewest leaves that have part in all of these edges; none if there is no such set, or more than one."""
    leaves = sorted({leaf for edge in edges for leaf in edge})
    if len(leaves) <= MOST_LEAVES:
        for count in range(1, MOST_TOGETHER + 1):
            covers = [
                set(some) for some in combinations(leaves, count) if all(edge & set(some) for edge in edges)
            ]
            if covers:
                return covers[0] if len(covers) == 1 else set()
    return set()
