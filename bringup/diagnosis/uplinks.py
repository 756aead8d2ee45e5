"""Speed that is lost only between leaves: the uplinks of one leaf, of several, or what joins them all? Pure.

Of a test between two leaves that is slow, either may be the cause. A leaf is beyond doubt where it is as fast as it
should be with other leaves, so often that chance is no reason. Where that does not tell, the fewest leaves that explain
everything are the cause, if no other ones of that number do; if others do, the confirm step asks (see `suspects`). What
is slow wherever one looks lies above the leaves.
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
SPREAD = 5
"""Slow ways at so many leaves have more in common than chance."""
SINGLE_WAYS = 3
"""Fewer slow ways between leaves that are well otherwise are so many single ones."""
MOST_TOGETHER = 4
"""So many leaves are looked for that explain a tangle of slow ways, of at most `MOST_LEAVES`; more are left to the
confirm step."""
MOST_LEAVES = 16

LeafOf = Callable[[str], str]
"""The leaf that an end hangs on; empty where the plan does not say."""
_Edge = frozenset[str]


@dataclass(frozen=True, slots=True)
class Slow:
    """What is slow, and the leaves whose uplinks it is: one, or two that cannot be told apart. None: it is above them.

    `alike` are the leaves among which only their number decided, or nothing.
    """

    leaves: tuple[str, ...]
    trials: tuple[Trial, ...]
    alike: tuple[str, ...] = ()


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
    unclear = sum(above is None and bool(network.found) for network, above in said)
    all_rails = unclear > 1 and unclear * 2 >= len(networks)
    found: list[Slow] = []
    over: list[Trial] = []
    for network, above in said:
        if above or (above is None and all_rails and network.found):
            over += network.slow
        else:
            found += network.found
    return [Slow((), tuple(over)), *found] if over else found


class _Network:
    """Leaves that spines join, and the tests between them. `found` is what is slow, as long as it is not above all of them."""

    def __init__(self, tests: Sequence[Trial], bad: Set[Trial], leaf_of: LeafOf) -> None:
        self._leaf_of = leaf_of
        # Who is slow within its leaf as well is so for a reason of its own.
        own = {end for t in tests if t in bad and not self._crosses(t.ends) for end in t.ends}
        tests = [t for t in tests if not own & set(t.ends)]
        self.slow = [t for t in tests if t in bad]
        self._inside = len({t.ends for t in tests if not self._crosses(t.ends)})
        self._known: dict[tuple[str, str], bool] = {}
        """Of each test between leaves, by its ends in their order: whether it was slow. `_inside`: how many within one."""
        for t in tests:
            if self._crosses(t.ends):
                self._known[t.ends] = self._known.get(t.ends, False) or t in bad
        self._tests: dict[str, Counter[tuple[str, bool]]] = defaultdict(Counter)
        self._slow: dict[str, Counter[tuple[str, bool]]] = defaultdict(Counter)
        """By leaf: how many there were with each other leaf, as sender or not."""
        pairs: set[frozenset[str]] = set()
        for (a, b), slow in self._known.items():
            here, there = leaf_of(a), leaf_of(b)
            pairs.add(frozenset((a, b)))
            for leaf, other, sends in ((here, there, True), (there, here, False)):
                self._tests[leaf][other, sends] += 1
                self._slow[leaf][other, sends] += slow
        self._at_leaf = Counter(leaf_of(end) for pair in pairs for end in pair)
        self.found = list(self._find()) if self.slow else []

    def above_all(self) -> bool | None:
        """Whether what is slow lies above all leaves, since those that are not named are slow with each other as well.
        Where nothing shows that these are well, several slow leaves are one cause, and of a single one nobody knows."""
        named = {leaf for slow in self.found for leaf in slow.leaves}
        if not named:
            return self._between_all()
        near = [slow for ends, slow in self._known.items() if named & self._leaves(ends)]
        apart = [slow for ends, slow in self._known.items() if not named & self._leaves(ends)]
        expected = sum(near) / len(near) * len(apart)
        if sum(apart) >= SINGLE_WAYS and sum(apart) > expected / 4:
            return True
        if expected >= BY_CHANCE:
            return False
        return True if len(self.found) > 1 else None

    def _between_all(self) -> bool:
        """Whether slow ways that are too few at each leaf are spread over leaves and never lie within one: a spine of many
        carries little of what a leaf sends. Ports that fail now and then look alike, so it must be quite certain."""
        spread = {leaf for ends, slow in self._known.items() if slow for leaf in self._leaves(ends)}
        expected = sum(self._known.values()) / max(1, len(self._known)) * self._inside
        return len(spread) >= SPREAD and expected >= 2 * BY_CHANCE

    def _find(self) -> Iterator[Slow]:
        left = self.slow
        common = self._common(left)
        tangle = [t for t in left if self._leaves(t.ends) & common]
        guilty: dict[str, tuple[str, ...]] = dict.fromkeys(self._by_others(tangle, common), ())
        for group in _groups(self._edges(tangle, common, guilty)):
            guilty |= dict.fromkeys(_fewest(group), tuple(sorted(frozenset().union(*group))))
        for leaf in sorted(guilty):
            mine = tuple(t for t in left if leaf in self._leaves(t.ends))
            if mine:
                yield Slow((leaf,), mine, guilty[leaf])
            left = [t for t in left if leaf not in self._leaves(t.ends)]
        for edge in sorted(self._edges(tangle, common, guilty), key=sorted):
            leaves = tuple(sorted(edge))
            yield Slow(leaves, tuple(t for t in left if self._leaves(t.ends) == edge), leaves)

    def _leaves(self, ends: Iterable[str]) -> frozenset[str]:
        return frozenset(self._leaf_of(end) for end in ends)

    def _crosses(self, ends: Iterable[str]) -> bool:
        return len(self._leaves(ends)) == 2

    def _common(self, slow: Iterable[Trial]) -> set[str]:
        """The leaves of which several ends are slow with several elsewhere; otherwise one end may be to blame."""
        of_leaf: dict[str, list[Trial]] = defaultdict(list)
        for t in slow:
            for leaf in self._leaves(t.ends):
                of_leaf[leaf].append(t)
        found: set[str] = set()
        for leaf, mine in of_leaf.items():
            here = {end for t in mine for end in t.ends if self._leaf_of(end) == leaf}
            there = {end for t in mine for end in t.ends if self._leaf_of(end) != leaf}
            enough = len({t.pair for t in mine}) >= SPINE_SHARE * self._at_leaf[leaf]
            if enough and len(here) >= 2 and len(there) >= 2:
                found.add(leaf)
        return found

    def _by_others(self, slow: Iterable[Trial], common: Set[str]) -> set[str]:
        """The leaves that are slow with one that is beyond doubt."""
        well = {leaf for leaf in common if self._is_well(leaf)}
        guilty: set[str] = set()
        for edge in {self._leaves(t.ends) for t in slow}:
            suspects = [leaf for leaf in edge if leaf in common and leaf not in well]
            if len(suspects) == 1:
                guilty.add(suspects[0])
        return guilty

    def _is_well(self, leaf: str) -> bool:
        """Whether others of its tests, in the roles in which it was slow, should have been slow as well if it were to
        blame, and none was. Where its ports send hardly any tests at once nothing is proven: uplinks that are missing
        show only under load."""
        roles = {sends for (_, sends), count in self._slow[leaf].items() if count}
        against = {other for (other, _), count in self._slow[leaf].items() if count}
        mine = {key: count for key, count in self._tests[leaf].items() if key[1] in roles}
        accused = sum(count for (other, _), count in mine.items() if other in against)
        apart = sum(mine.values()) - accused
        slow = sum(self._slow[leaf].values())
        return slow / accused * apart >= BY_CHANCE and apart * 2 >= accused

    def _edges(self, slow: Iterable[Trial], common: Set[str], guilty: Mapping[str, object]) -> set[_Edge]:
        """The pairs of leaves that are slow with each other, as far as no guilty leaf explains it."""
        edges = {self._leaves(t.ends) for t in slow}
        return {edge for edge in edges if not edge & guilty.keys() and edge <= common}


def _groups(edges: Collection[_Edge]) -> list[set[_Edge]]:
    """The edges that hang together."""
    groups: list[set[_Edge]] = []
    for edge in edges:
        mine = [group for group in groups if any(edge & other for other in group)]
        groups = [group for group in groups if group not in mine] + [{edge}.union(*mine)]
    return groups


def _fewest(edges: Collection[_Edge]) -> set[str]:
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
