"""What equal parts of one node agree on, and which of them stand out. Pure, for checks within a node.

Needs no number from anybody: eight GPUs of one board in one airflow are each other's measure. A tight group raises
nothing, because an outlier must also be `floor` away from the median.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

LEAST = 4
"""With fewer siblings nobody can say which one stands out."""
_MADS = 6.0
"""How many median absolute deviations an outlier is away at least: far outside any normal scatter."""


def high(values: Mapping[str, float], floor: float) -> dict[str, float]:
    """The parts far above their siblings: name -> how far above the median."""
    if len(values) < LEAST:
        return {}
    middle = statistics.median(values.values())
    scatter = statistics.median(abs(value - middle) for value in values.values())
    least = max(floor, _MADS * scatter)
    return {name: value - middle for name, value in values.items() if value - middle >= least > 0}


def low_edge(values: Mapping[str, float], share: float) -> float | None:
    """Below this a part is far below its siblings: by a share of their median at least, and by six deviations.

    None with too few siblings.
    """
    if len(values) < LEAST:
        return None
    middle = statistics.median(values.values())
    scatter = statistics.median(abs(value - middle) for value in values.values())
    return middle - max(share * middle, _MADS * scatter)


def majority(values: Mapping[str, float | str]) -> float | str | None:
    """The value of more than half of the parts; None where there is no such value."""
    counts: dict[float | str, int] = {}
    for value in values.values():
        counts[value] = counts.get(value, 0) + 1
    return next((value for value, count in counts.items() if count * 2 > len(values)), None)


def lonely(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """The bad pairs neither of whose parts is in another one: nobody can say which of the two it is."""
    all_pairs = {(min(pair), max(pair)) for pair in pairs}
    counts: dict[int, int] = {}
    for part in (part for pair in all_pairs for part in set(pair)):
        counts[part] = counts.get(part, 0) + 1
    return {pair for pair in all_pairs if all(counts[part] == 1 for part in pair)}


def blamed(pairs: Iterable[tuple[int, int]]) -> set[int]:
    """The fewest parts that explain all bad pairs, the one in most of them first.

    One bad GPU shows at each of its siblings; only that one is to be touched.
    """
    of: dict[int, set[int]] = {}
    for a, b in pairs:
        of.setdefault(a, set()).add(b)
        of.setdefault(b, set()).add(a)
    found: set[int] = set()
    while any(of.values()):
        worst = max(of, key=lambda part: (len(of[part]), -part))
        found.add(worst)
        for other in of.pop(worst):
            of.get(other, set()).discard(worst)
    return found
