"""Which symptoms follow from another one: rules as data (each fault's `explained_by`), on the same component path.

A lower cause explains a higher consequence only where one path contains the other (a port and its node, a GPU and its
NVLink): a bad port of one node never explains anything on another node, except at the far end of its own pair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bringup.diagnosis.symptoms import Sign
from bringup.model import STAGES, Fault


def related(a: str, b: str) -> bool:
    """Whether two component paths are the same object path: equal, or one contains the other."""
    return a == b or a.startswith(b + "/") or b.startswith(a + "/")


def explained(signs: Sequence[Sign], faults: Mapping[str, Fault]) -> dict[int, int]:
    """For each sign that follows from another: its index -> the index of its root. Roots are not in the map."""
    by_node: dict[str, list[int]] = {}
    for index, sign in enumerate(signs):
        for name in {path.split("/")[0] for path in sign.at}:
            by_node.setdefault(name, []).append(index)
    cause: dict[int, int] = {}
    for index, sign in enumerate(signs):
        fault = faults.get(sign.code)
        explaining = fault.explained_by if fault else ()
        near = sorted({i for path in sign.at for i in by_node[path.split("/")[0]]} - {index})
        candidates = [
            (rank, STAGES.index(signs[i].stage), i)
            for i in near
            if (rank := _rank(signs[i], sign, explaining)) is not None
            and any(related(p, q) for p in signs[i].at for q in sign.at)
        ]
        if candidates:
            cause[index] = min(candidates)[2]
    return {index: _root(index, cause) for index in cause if _root(index, cause) != index}


def _rank(cause: Sign, sign: Sign, explaining: Sequence[str]) -> int | None:
    """How good an explanation a sign is for another: its place in the list, or None if it is none.

    What was proven explains what could not be judged for the same reason.
    """
    for code in (cause.code, cause.was):
        if code in explaining:
            return explaining.index(code)
    if sign.unjudged and not cause.unjudged and sign.code == cause.code:
        return len(explaining)
    return None


def _root(index: int, cause: Mapping[int, int]) -> int:
    """Follow the causes to their end; a circle ends where it began."""
    seen = {index}
    while index in cause and cause[index] not in seen:
        index = cause[index]
        seen.add(index)
    return index
