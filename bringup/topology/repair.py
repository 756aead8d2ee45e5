"""A round of pairs after some nodes have left the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

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
