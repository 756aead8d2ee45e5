"""Failing pairs of two good ends: is it an end now and then, one direction, the way above a leaf, or only this pair?

What many failing pairs have in common is to blame. Speed that is lost only between leaves, by several ports of a leaf,
is that leaf's uplinks; if it is so at many leaves, it is what joins them. An end that fails with several partners, each
good with others, fails now and then, or in one direction only. What is left is the way between two ends.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bringup.diagnosis.trials import Trial
from bringup.model import FLEET, Node

MANY_LEAVES = 3
"""From so many leaves on, slow ways between leaves have one cause above them all."""
SPINE_SHARE = 0.1
"""One spine of many carries at least about this share of what leaves a leaf; fewer slow ways are single ones."""

LeafOf = Callable[[str], str]
"""The leaf that an end hangs on; empty where the plan does not say."""


@dataclass(frozen=True, slots=True)
class Way:
    """What failing pairs of good ends have in common. Without a `code` it is an end that has the fault itself.

    `at` is the end, the leaves, the fleet or the pair; `sends` tells of an end which direction fails, if only one does.
    """

    code: str
    at: tuple[str, ...]
    trials: tuple[Trial, ...]
    sends: bool | None = None


def planes(nodes: Iterable[Node]) -> dict[str, str]:
    """The network that each planned leaf belongs to, by one of its leaves: those of a rail (of
    one profile: only such nodes meet) are joined by its spines.

    Where each rail has leaves of its own that is one for each rail, where a leaf takes all ports of its nodes only one.
    """
    over: dict[str, str] = {}

    def top(leaf: str) -> str:
        way = [leaf]
        while over.setdefault(way[-1], way[-1]) != way[-1]:
            way.append(over[way[-1]])
        over.update(dict.fromkeys(way, way[-1]))
        return way[-1]

    of_rail: dict[tuple[str, int], str] = {}
    for node in nodes:
        for port in node.ports:
            if port.leaf:
                over[top(port.leaf)] = top(of_rail.setdefault((node.profile, port.rail), port.leaf))
    return {leaf: top(leaf) for leaf in list(over)}


def ways(
    failing: Sequence[Trial],
    trials: Sequence[Trial],
    leaf_of: LeafOf,
    plane_of: Mapping[str, str],
    flaky: str,
) -> dict[frozenset[str], Way]:
    """For each failing pair of good ends (`failing`) the way that explains it. `trials` are all of this fault.

    `plane_of` is the network of each leaf, `flaky` the code of an end that fails now and then.
    """
    found = list(_above_leaves(failing, trials, leaf_of, plane_of))
    known = {t for way in found for t in way.trials}
    rest = [t for t in failing if t not in known]
    found += _ends(rest, trials, flaky)
    known |= {t for way in found for t in way.trials}
    by_pair: dict[frozenset[str], list[Trial]] = defaultdict(list)
    for t in failing:
        if t not in known:
            by_pair[t.pair].append(t)
    found += [Way("PATH-UNSTABLE", tuple(mine[0].ends), tuple(mine)) for mine in by_pair.values()]
    return {t.pair: way for way in reversed(found) for t in way.trials}


# ---------------------------------------------------------------------------------------- above the leaves


def _above_leaves(
    failing: Sequence[Trial], trials: Sequence[Trial], leaf_of: LeafOf, plane_of: Mapping[str, str]
) -> list[Way]:
    """Slow uplinks of a leaf, or of most of them. Only for speeds: a dead uplink is not used at all."""
    crossing = [t for t in failing if t.share is not None and _crosses(t, leaf_of)]
    planes: dict[str, list[Trial]] = defaultdict(list)
    for t in crossing:
        planes[plane_of[leaf_of(t.a)]].append(t)
    pairs = {t.pair for t in trials if _crosses(t, leaf_of)}
    all_of_leaf = Counter(leaf_of(end) for pair in pairs for end in pair)
    found = {name: _uplinks(mine, all_of_leaf, leaf_of) for name, mine in planes.items()}
    tested: dict[str, set[str]] = defaultdict(set)
    for leaf in all_of_leaf:
        tested[plane_of[leaf]].add(leaf)
    hit = sum(bool(mine) for mine in found.values())
    if (hit >= 2 and hit * 2 >= len(tested)) or any(
        _most(mine, tested[name]) for name, mine in found.items()
    ):
        return [Way("SPINE-SLOW", (FLEET,), tuple(crossing))]
    return [way for mine in found.values() for way in mine]


def _most(slow: Sequence[Way], leaves: set[str]) -> bool:
    """Whether many leaves of a network are slow, or all that there are if there are several."""
    return len(slow) >= MANY_LEAVES or (len(slow) > 1 and {leaf for way in slow for leaf in way.at} == leaves)


def _crosses(t: Trial, leaf_of: LeafOf) -> bool:
    a, b = leaf_of(t.a), leaf_of(t.b)
    return bool(a and b and a != b)


def _uplinks(crossing: Sequence[Trial], all_of_leaf: Mapping[str, int], leaf_of: LeafOf) -> list[Way]:
    """The leaves that the failing ways of one plane have in common, the one with most of them first.

    Two leaves that only fail with each other cannot be told apart.
    """
    found: list[Way] = []
    left = list(crossing)
    while True:
        of_leaf: dict[str, list[Trial]] = defaultdict(list)
        for t in left:
            for end in t.ends:
                of_leaf[leaf_of(end)].append(t)
        common = {
            leaf: tuple(mine)
            for leaf, mine in of_leaf.items()
            if len({t.pair for t in mine}) >= SPINE_SHARE * all_of_leaf[leaf]
            and _several_ends(mine, leaf, leaf_of)
        }
        if not common:
            return found
        worst = max(sorted(common), key=lambda leaf: len(common[leaf]))
        alike = tuple(leaf for leaf in sorted(common) if common[leaf] == common[worst])
        found.append(Way("UPLINK-SLOW", alike, common[worst]))
        left = [t for t in left if t not in common[worst]]


def _several_ends(trials: Sequence[Trial], leaf: str, leaf_of: LeafOf) -> bool:
    """Whether several ends on the leaf fail with several elsewhere; otherwise one end may be to blame."""
    here = {end for t in trials for end in t.ends if leaf_of(end) == leaf}
    there = {end for t in trials for end in t.ends if leaf_of(end) != leaf}
    return len(here) >= 2 and len(there) >= 2


# ------------------------------------------------------------------------------------------------- ends


def _ends(failing: Sequence[Trial], trials: Sequence[Trial], flaky: str) -> list[Way]:
    """Ends that fail with several partners, the one with most of them first."""
    found: list[Way] = []
    left = list(failing)
    while True:
        partners: dict[str, set[str]] = defaultdict(set)
        for t in left:
            partners[t.a].add(t.b)
            partners[t.b].add(t.a)
        worst = max(sorted(partners), key=lambda end: len(partners[end]), default="")
        if not worst or len(partners[worst]) < 2:
            return found
        mine = tuple(t for t in left if worst in t.ends)
        sends = _direction(worst, mine, trials)
        found.append(Way(flaky if sends is None else "", (worst,), mine, sends))
        left = [t for t in left if t not in mine]


def _direction(end: str, failing: Sequence[Trial], trials: Iterable[Trial]) -> bool | None:
    """True if exactly its sending fails, False if exactly its receiving does; None if it is neither."""
    failed = {t.a == end for t in failing}
    passed = {t.a == end for t in trials if t.good and end in t.ends}
    if any(t.share is None for t in failing) or len(failed) != 1 or failed & passed or not passed:
        return None
    return failed.pop()
