"""Which symptoms follow from another one: rules as data (each fault's `explained_by`), on the same component path.

A lower cause explains a higher consequence only where one path contains the other (a port and its node, a GPU and its
NVLink): a bad port of one node never explains anything on another node, except at the far end of its own pair. A cause
that contains the part explains it only if it spared no other part that it contains: one bad cable of eight is not the
node's driver. And what could not be judged never explains what was proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bringup.diagnosis.symptoms import Sign, related
from bringup.model import STAGES

ABSENT = frozenset({"GPU-LOST", "HCA-MISSING", "PCIE-GPU-MISSING"})
"""A part that is not there: nothing within it can be judged, whatever the reason that a tool gives."""

Explaining = Callable[[Sign], Sequence[str]]
"""The codes that explain a sign, the best first."""


def explained(signs: Sequence[Sign], explaining: Explaining) -> dict[int, int]:
    """For each sign that follows from another: its index -> the index of its root. Roots are not in the map."""
    by_node: dict[str, list[int]] = {}
    for index, sign in enumerate(signs):
        for name in {path.split("/")[0] for path in sign.at}:
            by_node.setdefault(name, []).append(index)
    cause: dict[int, int] = {}
    for index, sign in enumerate(signs):
        codes = explaining(sign)
        near = sorted({i for path in sign.at for i in by_node[path.split("/")[0]]} - {index})
        candidates = [
            (rank, STAGES.index(signs[i].stage), i)
            for i in near
            if (rank := _rank(signs[i], sign, codes)) is not None and _reaches(signs[i], sign)
        ]
        if candidates:
            cause[index] = min(candidates)[2]
    return {index: _root(index, cause) for index in cause if _root(index, cause) != index}


def _rank(cause: Sign, sign: Sign, explaining: Sequence[str]) -> int | None:
    """How good an explanation a sign is for another: its place in the list, or None if it is none.

    What was proven explains what could not be judged for the same reason, never the other way round.
    """
    if cause.unjudged and not sign.unjudged:
        return None
    if len(cause.at) > 1 and set(cause.nodes) != set(sign.nodes):
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
        related(c, s) and not any(spared.startswith(c + "/") for spared in sign.spared)
        for c in cause.at
        for s in sign.at
    )


def _root(index: int, cause: Mapping[int, int]) -> int:
    """Follow the causes to their end; of a circle the first stays, so that none of it is lost."""
    way = [index]
    while way[-1] in cause:
        after = cause[way[-1]]
        if after in way:
            return min(way[way.index(after) :])
        way.append(after)
    return way[-1]
