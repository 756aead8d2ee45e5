"""Who is tested with whom: pure functions over node names.

Pairings are disjoint matchings (each node in at most one pair of a round) by the circle method, so that a round can
run on all nodes at once and the number of rounds does not grow with the fleet. The rounds taken are far apart on the
circle, so partners of one node differ and sit in different places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

N = TypeVar("N")


def matchings(nodes: Sequence[N], rounds: int) -> list[list[tuple[N, N]]]:
    """Up to `rounds` disjoint matchings of the nodes; no pair occurs twice.

    With an odd number one node rests in each round, a different one each time, so two rounds cover every node.
    Fewer rounds come back when there are not enough different ones (n - 1 for even n, n for odd n).
    The order within a pair alternates over the rounds, so that both directions of a port are used.
    """
    size = len(nodes) + len(nodes) % 2
    if len(nodes) < 2:
        return []
    there_are = size - 1
    count = min(rounds, there_are)
    return [_round(nodes, size, index * there_are // count, flip=index % 2 == 1) for index in range(count)]


def _round(nodes: Sequence[N], size: int, turn: int, *, flip: bool) -> list[tuple[N, N]]:
    """One round of the circle method: seat 0 stays, the others turn by `turn` seats."""
    seats = [0] + [1 + (k + turn) % (size - 1) for k in range(size - 1)]
    pairs: list[tuple[N, N]] = []
    for low in range(size // 2):
        a, b = seats[low], seats[size - 1 - low]
        if a < len(nodes) and b < len(nodes):
            pairs.append((nodes[b], nodes[a]) if flip else (nodes[a], nodes[b]))
    return pairs


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
