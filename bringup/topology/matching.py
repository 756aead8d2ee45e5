"""Rounds of disjoint pairs: who is tested with whom, so that all nodes work at once and few rounds tell much."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from bringup.topology.places import DOMAIN_LEAST, Place, Reach, groups, reach

N = TypeVar("N")

SMALL = 8
"""Up to so many nodes the best round is found by trying them all."""
TRIES = 16
"""How many others are asked for an exchange before a pair that does not fit is given up."""


def matchings(
    nodes: Sequence[N], rounds: int, where: Callable[[N], Place] | None = None
) -> list[list[tuple[N, N]]]:
    """Up to `rounds` disjoint matchings of the nodes; no pair occurs twice.

    With an odd number one node rests in each round, a different one each time, so two rounds cover every node. Fewer
    rounds come back when there are not enough different ones (n - 1 for even n, n for odd n; with places possibly
    fewer, but never fewer than three of those). With places the rounds want, in turn, pairs inside a leaf, across
    leaves of a unit and across units; where there are too few of a kind, the next best fills up. Who has not yet met a
    node of its large domain does so first: between others NVLink is not tried at all. Without places, or
    where all are alike, they are rounds of the circle method that lie far apart. Who is in several rounds is named
    first in one and second in another, so that both directions of its ports are used.
    """
    if len(nodes) < 2:
        return []
    places = [where(node) if where is not None else Place() for node in nodes]
    size = len(nodes) + len(nodes) % 2  # of an odd number one meets an empty seat
    domains = Counter(p.domain for p in places)
    joined = any(DOMAIN_LEAST <= n < len(nodes) for domain, n in domains.items() if domain)
    if len({(p.unit, p.leaf) for p in places}) == 1 and not joined:
        count = min(rounds, size - 1)
        drawn = [_circle(size, turn * (size - 1) // count) for turn in range(count)]
    else:
        drawn = _diverse(places, size, rounds)
    pairs = [[(a, b) for a, b in mine if a < len(nodes) and b < len(nodes)] for mine in drawn]
    return [[(nodes[a], nodes[b]) for a, b in mine] for mine in _turned(pairs, len(nodes))]


def _circle(size: int, turn: int) -> list[tuple[int, int]]:
    """One round of the circle method: seat 0 stays, the others turn by `turn` seats."""
    seats = [0, *(1 + (k + turn) % (size - 1) for k in range(size - 1))]
    return [(seats[low], seats[size - 1 - low]) for low in range(size // 2)]


def _diverse(places: Sequence[Place], size: int, rounds: int) -> list[list[tuple[int, int]]]:
    """Rounds that cross different parts of the fabric. The seat behind the last node is empty."""
    met: list[set[int]] = [set() for _ in range(size)]
    drawn: list[list[tuple[int, int]]] = []
    used: Counter[Reach] = Counter()
    for number in range(rounds):
        wanted = _WANTED[number % len(_WANTED)]
        best = _best(places, size, wanted, met) if size <= SMALL else None
        mine = best if size <= SMALL else _round(places, size, wanted, met, used)
        if mine is None:
            break
        used.update({reach(places[a], places[b]) for a, b in mine if max(a, b) < len(places)})
        for a, b in mine:
            met[a].add(b)
            met[b].add(a)
        drawn.append(mine)
    return drawn


_WANTED = (
    (Reach.LEAF, Reach.UNIT, Reach.FAR),
    (Reach.UNIT, Reach.FAR, Reach.LEAF),
    (Reach.FAR, Reach.UNIT, Reach.LEAF),
)
"""What each round wants to cross, the best first."""


def _cost(a: int, b: int, places: Sequence[Place], wanted: Sequence[Reach]) -> int:
    """How far a pair is from what the round wants; the empty seat does not matter."""
    if max(a, b) >= len(places):
        return 0
    return wanted.index(reach(places[a], places[b]))


def _best(
    places: Sequence[Place], size: int, wanted: Sequence[Reach], met: Sequence[set[int]]
) -> list[tuple[int, int]] | None:
    """The best of all rounds without a repeated pair, for a handful of nodes; None where there is none."""

    def search(free: tuple[int, ...]) -> tuple[int, list[tuple[int, int]]] | None:
        if not free:
            return 0, []
        a, found = free[0], None
        for b in free[1:]:
            rest = None if b in met[a] else search(tuple(n for n in free if n not in (a, b)))
            if rest is not None:
                cost = rest[0] + _cost(a, b, places, wanted) ** 2
                if found is None or cost < found[0]:
                    found = (cost, [(a, b), *rest[1]])
        return found

    found = search(tuple(range(size)))
    return None if found is None else found[1]


def _round(
    places: Sequence[Place],
    size: int,
    wanted: Sequence[Reach],
    met: Sequence[set[int]],
    used: Mapping[Reach, int],
) -> list[tuple[int, int]] | None:
    """One round of many nodes: each kind of pair in its turn, then whoever is left with anybody.

    `used` counts in how many rounds before there was each kind: a second time the partners come from elsewhere.
    """
    pairs = _in_domains(places, met)
    free = sorted(set(range(len(places))) - {n for pair in pairs for n in pair})
    for kind in wanted:
        free = _pair_up(free, places, kind, met, used[kind], pairs)
    free += range(len(places), size)
    while free:
        a = free.pop(0)
        b = next((n for n in free if n not in met[a]), None)
        if b is not None:
            free.remove(b)
            pairs.append((a, b))
        elif not _exchange(a, free.pop(0), places, wanted, met, pairs):
            return None
    return pairs


def _in_domains(places: Sequence[Place], met: Sequence[set[int]]) -> list[tuple[int, int]]:
    """Pairs in which everybody who has met nobody of its own large domain meets one, on its own leaf where it can."""
    pairs: list[tuple[int, int]] = []
    for mates in groups(range(len(places)), lambda n: places[n].domain).values():
        if len(mates) < DOMAIN_LEAST:
            continue
        alone = [n for n in mates if not met[n].intersection(mates)]
        left: list[int] = []
        for pool in (*groups(alone, lambda n: f"{places[n].unit}\0{places[n].leaf}").values(), left):
            half = len(pool) // 2
            pairs += zip(pool[:half], pool[half : 2 * half], strict=True)
            if pool is not left:
                left += pool[2 * half :]
        busy = {n for pair in pairs for n in pair}
        for n in (n for n in alone if n not in busy):
            mate = next((m for m in mates if m not in busy and m != n and m not in met[n]), None)
            if mate is not None:
                pairs.append((n, mate))
                busy |= {n, mate}
    return pairs


def _pair_up(
    free: Sequence[int],
    places: Sequence[Place],
    kind: Reach,
    met: Sequence[set[int]],
    turn: int,
    pairs: list[tuple[int, int]],
) -> list[int]:
    """Adds as many pairs of this kind as there are to `pairs`; returns who is left.

    Sorted by part, the largest first, each meets the one half the list away: the same part only where it holds more
    than half of all. From the second `turn` on the far half is turned by a part of its length.
    """
    inside, across = _POOLS[kind]
    pools: dict[str, list[int]] = defaultdict(list)
    for n in free:
        pools[inside(places[n])].append(n)
    left: list[int] = []
    for pool in pools.values():
        sizes = Counter(across(places[n]) for n in pool)
        order = sorted(pool, key=lambda n: (-sizes[across(places[n])], across(places[n]), n))
        half, rest = len(order) - len(order) // 2, len(order) // 2
        left += order[rest:half]
        turned = rest * turn // (turn + 1)
        mine = [(order[k], order[half + (k + turned) % rest]) for k in range(rest)]
        fits = [_fits(pair, places, kind, met) for pair in mine]
        for k in range(len(mine)):
            if not fits[k]:
                _swap(k, mine, fits, places, kind, met)
        pairs += [pair for pair, good in zip(mine, fits, strict=True) if good]
        left += [n for pair, good in zip(mine, fits, strict=True) if not good for n in pair]
    return sorted(left)


_POOLS: Mapping[Reach, tuple[Callable[[Place], str], Callable[[Place], str]]] = {
    Reach.LEAF: (lambda p: f"{p.unit}\0{p.leaf}", lambda p: ""),
    Reach.UNIT: (lambda p: p.unit, lambda p: p.leaf),
    Reach.FAR: (lambda p: "", lambda p: p.unit),
}
"""In which part a pair of this kind stays, and of which part its two ends must differ."""


def _fits(pair: tuple[int, int], places: Sequence[Place], kind: Reach, met: Sequence[set[int]]) -> bool:
    a, b = pair
    return b not in met[a] and reach(places[a], places[b]) is kind


def _swap(
    k: int, mine: list[tuple[int, int]], fits: list[bool], places: Sequence[Place], kind: Reach, met: Sequence[set[int]]
) -> None:  # fmt: skip
    """Mends pair `k` by an exchange of partners with another, near or far, if both then fit."""
    a, b = mine[k]
    near = range(1, min(TRIES // 2, len(mine) - 1) + 1)
    far = range(near.stop, len(mine), max(1, 2 * len(mine) // TRIES))
    for step in (*near, *far):
        other = (k + step) % len(mine)
        c, d = mine[other]
        for one, two in (((a, d), (c, b)), ((a, c), (b, d))):
            if _fits(one, places, kind, met) and _fits(two, places, kind, met):
                mine[k], mine[other] = one, two
                fits[k] = fits[other] = True
                return


def _exchange(
    a: int, b: int, places: Sequence[Place], wanted: Sequence[Reach], met: Sequence[set[int]], pairs: list[tuple[int, int]]
) -> bool:  # fmt: skip
    """Two who have met already take the partners of a pair apart: of the first that can, what fits best."""
    options = (
        (_cost(a, x, places, wanted) + _cost(b, y, places, wanted), index, x, y)
        for index, (c, d) in enumerate(pairs)
        for x, y in ((c, d), (d, c))
        if x not in met[a] and y not in met[b]
    )
    best = min(itertools.islice(options, TRIES), default=None)
    if best is None:
        return False
    _, index, x, y = best
    pairs[index] = (a, x)
    pairs.append((b, y))
    return True


def _turned(rounds: Sequence[Sequence[tuple[int, int]]], count: int) -> list[list[tuple[int, int]]]:
    """The same rounds with each pair turned so that nobody is always first: along walks through all pairs.

    On a walk a node is left as often as it is entered; only where a walk ends may it differ by one.
    """
    edges = [(number, k) for number, mine in enumerate(rounds) for k in range(len(mine))]
    near: list[list[int]] = [[] for _ in range(count)]
    for index, (number, k) in enumerate(edges):
        for n in rounds[number][k]:
            near[n].append(index)
    turned = [list(mine) for mine in rounds]
    used = [False] * len(edges)

    def walk(n: int) -> None:
        while True:
            while near[n] and used[near[n][-1]]:
                near[n].pop()
            if not near[n]:
                return
            index = near[n].pop()
            used[index] = True
            number, k = edges[index]
            a, b = rounds[number][k]
            far = b if a == n else a
            turned[number][k] = (n, far)
            n = far

    for n in [n for n in range(count) if len(near[n]) % 2] + list(range(count)):
        walk(n)
    return turned
