"""Which line of a command's output a result was read from, as far as its words tell: where a person should look first."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_LINES = 50_000
"""Longer outputs are searched only so far: somebody waits for the answer."""
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9._:/-]*[a-z0-9])?")
_TELLING = 6
"""A word of this length, or with a digit in it, that stands in one line alone names that line by itself."""
_COMMON = frozenset(
    {"the", "and", "for", "with", "not", "has", "have", "are", "is", "was", "of", "on", "in", "at", "to", "needs", "need",
     "least", "most", "than", "out", "all"}
)  # fmt: skip


def deciding_line(lines: Sequence[str], said: str) -> int | None:
    """The number of the line that shares most with what is said, rare words counting most; None if none stands out."""
    wanted = {
        word
        for word in _WORD.findall(said.lower())
        if word not in _COMMON and (len(word) > 1 or word.isdigit())
    }
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines[:MOST_LINES]):
        for word in wanted.intersection(_WORD.findall(line.lower())):
            found.setdefault(word, []).append(number)
    score: dict[int, float] = {}
    count: dict[int, int] = {}
    telling: set[int] = set()
    for word, places in found.items():
        digit = any(c.isdigit() for c in word)
        for number in places:
            score[number] = score.get(number, 0.0) + (2.0 if digit else 1.0) / len(places)
            count[number] = count.get(number, 0) + 1
        if len(places) == 1 and (len(word) >= _TELLING or (digit and len(word) > 1)):
            telling.update(places)
    good = [number for number in score if count[number] > 1 or number in telling]
    return max(good, key=lambda number: (score[number], -number)) if good else None
