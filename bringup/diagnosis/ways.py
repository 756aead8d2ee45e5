"""Failing pairs of two good ends: is it an end now and then, one direction, the way above a leaf, or only this pair?

What many failing pairs have in common is to blame. Speed that is lost only between leaves, by several ports of a leaf,
is that leaf's uplinks; if it is so at many leaves, it is what joins them. An end that fails with several partners, each
good with others, fails now and then, or in one direction only. What is left is the way between two ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.diagnosis.trials import Trial
from bringup.diagnosis.uplinks import LeafOf, slow_above
from bringup.model import FLEET, Node


@dataclass(frozen=True, slots=True)
class Way:
    """What failing pairs of good ends have in common. Without a `code` it is an end that has the fault itself.

    `at` is the end, the leaves, the fleet or the pair; `sends` tells of an end which direction fails, if only one does.
    `ask` are the leaves that the confirm step should ask about.
    """

    code: str
    at: tuple[str, ...]
    trials: tuple[Trial, ...]
    sends: bool | None = None
    ask: tuple[str, ...] = ()


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


def _above_leaves(
    failing: Sequence[Trial], trials: Sequence[Trial], leaf_of: LeafOf, plane_of: Mapping[str, str]
) -> Iterator[Way]:
    for slow in slow_above(failing, trials, leaf_of, plane_of):
        if slow.leaves:
            yield Way("UPLINK-SLOW", slow.leaves, slow.trials, ask=slow.ask)
        else:
            yield Way("SPINE-SLOW", (FLEET,), slow.trials)


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
