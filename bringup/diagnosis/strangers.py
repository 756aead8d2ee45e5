"""Leaves that have not met, where everything between leaves seems to be slow: are a few of them the cause after all? Pure.

In rounds of pairs a leaf meets two or three others. Where there are hardly more, two slow ones have part in every test,
as a slow spine has. So all ports of leaves that have not met yet meet in two rounds more, and send in one of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

from bringup.diagnosis.confirm import LaneOf, Meeting, Round
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.suspects import Suspect, node_of, suspects
from bringup.diagnosis.trials import Key
from bringup.diagnosis.ways import planes
from bringup.model import Node

MOST_LEAVES = 8
"""Of more leaves those are known that are well with each other, or it is no matter of a few."""


def strangers(
    evidence: Evidence,
    nodes: Mapping[str, Node],
    lane_of: LaneOf,
    gone: Callable[[str], bool] = lambda end: False,
) -> tuple[Round, ...]:
    """Those rounds; none where nothing is slow above the leaves, or all have met. Each node meets one other."""
    slow = [key for key, about in evidence.ends.items() if _above(evidence, key)]
    if not slow:
        return ()
    plane_of = planes(nodes.values())
    accused = {end for suspect in suspects(evidence) for end in suspect.ends}
    ports: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    met: Counter[frozenset[str]] = Counter()
    for about in (evidence.ends[key] for key in slow):
        met |= Counter(
            frozenset(about.leaf.get(end, "") for end in pair) for pair in {t.pair for t in about.trials}
        )
        for leaf, ends in about.ports_of_leaf.items():
            fit = (end for end in ends if end in about.good and end not in accused and not gone(end))
            ports[leaf] |= {(node_of(end), lane_of(end)): end for end in fit}
    of_plane: dict[str, list[str]] = defaultdict(list)
    for leaf in sorted(ports):
        of_plane[plane_of[leaf]].append(leaf)
    partner: dict[str, str] = {}
    tests: list[tuple[str, str]] = []
    for leaves in of_plane.values():
        if len(leaves) <= MOST_LEAVES:
            for one, other in _unmet({leaf: len(ports[leaf]) for leaf in leaves}, met):
                tests += _between(ports[one], ports[other], partner)
    checks = tuple(dict.fromkeys(check for check, _ in slow))
    there = tuple(Meeting(a, b, checks, Suspect((a, b), checks)) for a, b in tests)
    back = tuple(Meeting(t.b, t.a, t.checks, t.about) for t in there)
    return (there, back) if there else ()


def _above(evidence: Evidence, key: Key) -> bool:
    return any(evidence.ways[key[1]][t.pair].code == "SPINE-SLOW" for t in evidence.ends[key].failing_ways)


def _unmet(leaves: Mapping[str, int], met: Mapping[frozenset[str], int]) -> Iterator[tuple[str, str]]:
    """Disjoint pairs of leaves, with so many ports each, of which less than half have met; first those that have met most
    other leaves."""
    new = {
        one: {
            other
            for other in leaves
            if other != one and met[frozenset((one, other))] < min(leaves[one], leaves[other]) / 2
        }
        for one in leaves
    }
    free = set(leaves)
    for one in sorted(leaves, key=lambda leaf: (len(new[leaf]), leaf)):
        others = sorted(new[one] & free, key=lambda leaf: (len(new[leaf]), leaf)) if one in free else []
        if others:
            free -= {one, others[0]}
            yield one, others[0]


def _between(
    here: Mapping[tuple[str, str], str], there: Mapping[tuple[str, str], str], partner: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Each node of one leaf meets one of the other on all rails that both have there, and on other leaves the same one."""
    free = [name for name in dict.fromkeys(name for name, _ in there) if name not in partner]
    for name, lane in here:
        if name not in partner and free:
            other = free.pop(0)
            partner |= {name: other, other: name}
        if (partner.get(name, ""), lane) in there:
            yield here[name, lane], there[partner[name], lane]
