"""Leaves that have not met, where everything between leaves seems to be slow: are a few of them the cause after all? Pure.

In rounds of pairs a leaf meets two or three others. Where there are hardly more, two slow ones have part in every test,
as a slow spine has. So all ports of leaves that have not met yet meet in two rounds more, and send in one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from bringup.diagnosis.confirm import Meeting, Round
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.suspects import Suspect, node_of
from bringup.diagnosis.trials import Key
from bringup.diagnosis.ways import planes
from bringup.model import Node

MOST_LEAVES = 8
"""Of more leaves those are known that are well with each other, or it is no matter of a few."""


def strangers(
    evidence: Evidence, nodes: Mapping[str, Node], gone: Callable[[str], bool] = lambda end: False
) -> tuple[Round, ...]:
    """Those rounds; none where nothing is slow above the leaves, or all have met. Each node meets one other."""
    slow = [key for key, about in evidence.ends.items() if _above(evidence, key)]
    plane_of = planes(nodes.values()) if slow else {}
    of_leaf: dict[str, dict[str, str]] = defaultdict(dict)
    met: set[frozenset[str]] = set()
    checks = tuple(dict.fromkeys(check for check, _ in slow))
    for key in slow:
        about = evidence.ends[key]
        met |= {frozenset(evidence.leaf.get(end, "") for end in t.ends) for t in about.trials}
        for leaf, ends in about.ports_of_leaf.items():
            of_leaf[leaf] |= {node_of(end): end for end in ends if end in about.good and not gone(end)}
    of_plane: dict[str, list[str]] = defaultdict(list)
    for leaf in sorted(of_leaf):
        of_plane[plane_of[leaf]].append(leaf)
    partner: dict[str, str] = {}
    tests: list[Meeting] = []
    for leaves in of_plane.values():
        if len(leaves) <= MOST_LEAVES:
            for one, other in _unmet(leaves, met):
                tests += _between(of_leaf[one], of_leaf[other], partner, checks)
    back = tuple(Meeting(t.b, t.a, t.checks, t.about) for t in tests)
    return (tuple(tests), back) if tests else ()


def _above(evidence: Evidence, key: Key) -> bool:
    return any(evidence.ways[key[1]][t.pair].code == "SPINE-SLOW" for t in evidence.ends[key].failing_ways)


def _unmet(leaves: list[str], met: set[frozenset[str]]) -> Iterator[tuple[str, str]]:
    """Disjoint pairs of leaves that have not met, those first that have met most others."""
    new = {
        one: {other for other in leaves if other != one and frozenset((one, other)) not in met}
        for one in leaves
    }
    free = set(leaves)
    for one in sorted(leaves, key=lambda leaf: (len(new[leaf]), leaf)):
        others = sorted(new[one] & free, key=lambda leaf: (len(new[leaf]), leaf)) if one in free else []
        if others:
            free -= {one, others[0]}
            yield one, others[0]


def _between(
    here: Mapping[str, str], there: Mapping[str, str], partner: dict[str, str], checks: tuple[str, ...]
) -> Iterator[Meeting]:
    """Each node of one leaf meets one of the other, and on every rail the same."""
    free = [name for name in there if name not in partner]
    for name in here:
        if name not in partner and free:
            other = free.pop(0)
            partner |= {name: other, other: name}
        if partner.get(name, "") in there:
            ends = (here[name], there[partner[name]])
            yield Meeting(*ends, checks, Suspect(ends, checks))
