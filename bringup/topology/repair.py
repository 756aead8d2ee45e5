"""Rounds of pairs after some nodes have left the run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from bringup.topology.places import groups

N = TypeVar("N")


def repaired(
    pairs: Sequence[tuple[N, N]],
    out: frozenset[N],
    *,
    resting: Sequence[N] = (),
    fits: Callable[[N, N], bool] = lambda a, b: True,
) -> tuple[list[tuple[N, N]], list[N]]:
    """A round without the nodes that are `out`: partners left alone are paired anew, in order, where they fit.

    Who rests in this round anyway (`resting`) takes a lonely partner but is not lonely itself. Returns the pairs and
    the nodes that are left without a partner.
    """
    kept = [(a, b) for a, b in pairs if a not in out and b not in out]
    alone = [n for pair in pairs if (pair[0] in out) != (pair[1] in out) for n in pair if n not in out]
    spare = [n for n in resting if n not in out]
    left: list[N] = []
    while alone:
        first = alone.pop(0)
        others = alone if any(fits(first, n) for n in alone) else spare
        partner = next((n for n in others if fits(first, n)), None)
        if partner is None:
            left.append(first)
        else:
            others.remove(partner)
            kept.append((first, partner))
    return kept, left


def homecoming(
    nodes: Sequence[N], domain: Callable[[N], str], tested: Collection[frozenset[N]]
) -> tuple[list[tuple[N, N]], list[N]]:
    """Pairs in which everybody who was tested with nobody of its own NVLink domain meets one, and who finds nobody.

    `tested` are the pairs that were. Of an odd number the last meets one who was.
    """
    pairs: list[tuple[N, N]] = []
    left: list[N] = []
    for mates in groups(nodes, domain).values():
        lonely = [n for n in mates if not any(frozenset((n, m)) in tested for m in mates)]
        half = len(lonely) // 2
        pairs += zip(lonely[:half], lonely[half : 2 * half], strict=True)
        for last in lonely[2 * half :]:
            mate = next((m for m in mates if m not in lonely), None)
            if mate is None:
                left.append(last)
            else:
                pairs.append((last, mate))
    return pairs, left
