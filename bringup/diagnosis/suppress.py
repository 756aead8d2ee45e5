"""Which symptoms follow from another one: rules as data (each fault's `explained_by`), on the same component path.

A lower cause explains a higher consequence only where one path contains the other (a port and its node, a GPU and its
NVLink): a bad port of one node never explains anything on another node, except at the far end of its own pair. A cause
that contains the part explains it only if it spared no other part that it contains: one bad cable of eight is not the
node's driver. What lies above the leaves explains what is slow between two nodes that meet over it. And what could not
be judged never explains what was proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bringup.diagnosis.symptoms import Sign, related
from bringup.model import FLEET, STAGES

ABSENT = frozenset({"GPU-LOST", "HCA-MISSING", "PCIE-GPU-MISSING"})
"""A part that is not there: nothing within it can be judged, whatever the reason that a tool gives."""

ABOVE_LEAVES = frozenset({"UPLINK-SLOW", "SPINE-SLOW"})
"""Causes at leaves or at what joins them; of nodes they name only those that met over them."""

SOME_PARTS = frozenset({"NODE-BUSY"})
"""Causes of a whole node that may well spare some of its parts: a program of somebody's runs on some GPUs only."""

Explaining = Callable[[Sign], Sequence[str]]
"""The codes that explain a sign, the best first."""


def explained(
    signs: Sequence[Sign], explaining: Explaining, leaf: Mapping[str, str] | None = None
) -> dict[int, int]:
    """For each sign that follows from another: its index -> the index of its root. Roots are not in the map.

    `leaf` names the leaf of each planned port.
    """
    crossed = _Crossed(leaf or {})
    above = [i for i, sign in enumerate(signs) if sign.code in ABOVE_LEAVES]
    by_node: dict[str, list[int]] = {}
    for index, sign in enumerate(signs):
        for name in {path.split("/")[0] for path in sign.at}:
            by_node.setdefault(name, []).append(index)
    cause: dict[int, int] = {}
    for index, sign in enumerate(signs):
        codes = explaining(sign)
        near = sorted({i for path in sign.at for i in by_node[path.split("/")[0]]} - {index, *above})
        candidates = [
            (rank, STAGES.index(signs[i].stage), i)
            for i in near
            if (rank := _rank(signs[i], sign, codes)) is not None and _reaches(signs[i], sign)
        ]
        candidates += [
            (codes.index(signs[i].first_code), STAGES.index(signs[i].stage), i)
            for i in above
            if signs[i].first_code in codes
            and sign.code not in ABOVE_LEAVES
            and crossed.by(sign, signs[i].at)
        ]
        if candidates:
            cause[index] = min(candidates)[2]
    return {index: _root(index, cause) for index in cause if _root(index, cause) != index}


class _Crossed:
    """Over which leaves two nodes meet."""

    def __init__(self, leaf: Mapping[str, str]) -> None:
        self._of_node: dict[str, dict[str, str]] = {}
        for port, name in leaf.items():
            node, _, rest = port.partition("/")
            self._of_node.setdefault(node, {})[rest] = name

    def by(self, sign: Sign, leaves: Sequence[str]) -> bool:
        """Whether a test of two nodes went from one of these leaves to another; of the fleet: from any to any."""
        if len(sign.nodes) != 2 or sign.unjudged:
            return False
        a, b = (self._of_node.get(name, {}) for name in sign.nodes)
        rails = {path.partition("/")[2] for path in sign.first_at if "/" in path} or set(a)
        ways = {(a[rail], b[rail]) for rail in rails if rail in a and rail in b and a[rail] != b[rail]}
        return bool(ways) if tuple(leaves) == (FLEET,) else any(set(way) & set(leaves) for way in ways)


def _rank(cause: Sign, sign: Sign, explaining: Sequence[str]) -> int | None:
    """How good an explanation a sign is for another: its place in the list, or None if it is none.

    What was proven explains what could not be judged for the same reason, never the other way round.
    """
    if cause.unjudged and not sign.unjudged:
        return None
    if len(cause.at) > 1 and not cause.joined and set(cause.nodes) != set(sign.nodes):
        return None  # which of its ends is bad is not known, so it speaks of nothing but this pair
    if cause.first_code in explaining:
        return explaining.index(cause.first_code)
    if sign.unjudged and not cause.unjudged and sign.code == cause.code:
        return len(explaining)
    if sign.unjudged and cause.code in ABSENT and all(_within(path, cause.at) for path in sign.at):
        return len(explaining) + 1
    return None


def _within(path: str, parts: Sequence[str]) -> bool:
    """Whether the path is one of these parts of a node, or lies in one; a whole node is no such part."""
    return any("/" in part and (path == part or path.startswith(part + "/")) for part in parts)


def _reaches(cause: Sign, sign: Sign) -> bool:
    """Whether the cause lies on the sign's path, and would not have hit other parts that are fine."""
    return any(
        related(c, s)
        and (cause.code in SOME_PARTS or not any(spared.startswith(c + "/") for spared in sign.spared))
        for c in cause.at
        for s in sign.at
    )


def with_more(causes: Mapping[int, int], more: Mapping[int, int]) -> dict[int, int]:
    """The causes (sign -> root) and further ones, whose signs may have been roots themselves."""
    return {index: more.get(root, root) for index, root in causes.items()} | dict(more)


def _root(index: int, cause: Mapping[int, int]) -> int:
    """Follow the causes to their end; of a circle the first stays, so that none of it is lost."""
    way = [index]
    while way[-1] in cause:
        after = cause[way[-1]]
        if after in way:
            return min(way[way.index(after) :])
        way.append(after)
    return way[-1]
