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
    nodes: Sequence[N],
    domain: Callable[[N], str],
    tested: Collection[frozenset[N]],
    tried: Collection[frozenset[N]] = (),
) -> tuple[list[tuple[N, N]], list[N]]:
    """Pairs in which everybody who was tested with nobody of its own NVLink domain meets one, and who finds nobody.

    `tested` are the pairs that were, `tried` those that said nothing: they meet again only if there is nobody else.
    """
    pairs: list[tuple[N, N]] = []
    left: list[N] = []
    for mates in groups(nodes, domain).values():
        lonely = [n for n in mates if not any(frozenset((n, m)) in tested for m in mates)]
        others = [n for n in mates if n not in lonely]
        while lonely:
            first = lonely.pop(0)
            mate = min((*lonely, *others), key=lambda m: frozenset((first, m)) in tried, default=None)
            if mate is None:
                left.append(first)
            else:
                pairs.append((first, mate))
                (lonely if mate in lonely else others).remove(mate)
    return pairs, left
