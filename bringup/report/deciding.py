"""Which line of a command's output a result was read from, as far as its words tell: where a person should look first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bringup.report import text

MOST_LINES = 50_000
"""Longer outputs are searched only so far: somebody waits for the answer."""
SHORT = 10
"""Lines that a person sees at one glance."""
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_DECIMAL = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")
_TELLING = 6
"""A word of this length, or with a digit in it, that stands in one line alone names that line by itself."""
_COMMON = frozenset(
    {"the", "and", "for", "with", "not", "has", "have", "are", "is", "was", "of", "on", "in", "at", "to", "needs", "need",
     "least", "most", "than", "out", "all"}
)  # fmt: skip


_ENOUGH = 1.0
"""The score of a line without a telling word: two words that stand nowhere else have two."""


def named_line(lines: Sequence[str], said: str) -> str:
    """ "line 70 decides: ..." for people; empty if none stands out, or if the output is short enough to be read."""
    at = deciding_line(lines, said) if len(lines) > SHORT else None
    return "" if at is None else f"line {at + 1:,} decides: {text.line(lines[at].strip(), 300)}"


def deciding_line(lines: Sequence[str], said: str) -> int | None:
    """The number of the line that shares most with what is said, rare words counting most; None if none stands out."""
    best = most_telling(lines, said)
    return None if best is None else best[1]


def most_telling(lines: Sequence[str], said: str) -> tuple[float, int] | None:
    """The deciding line with its score, to be compared with those of other outputs."""
    wanted = {
        word
        for word in _WORD.findall(said.lower())
        if word not in _COMMON and (len(word) > 1 or word.isdigit())
    }
    rounded = {word: len(word.partition(".")[2]) for word in wanted if _DECIMAL.fullmatch(word)}
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines[:MOST_LINES]):
        there = set(_WORD.findall(line.lower()))
        for word in wanted & there | _rounded(there, rounded):
            found.setdefault(word, []).append(number)
    score: dict[int, float] = {}
    count: dict[int, int] = {}
    telling: set[int] = set()
    for word, places in found.items():
        for number in places:
            score[number] = score.get(number, 0.0) + _weight(word) / len(places)
            count[number] = count.get(number, 0) + 1
        if len(places) == 1 and (len(word) >= _TELLING or _weight(word) > 1):
            telling.update(places)
    good = [n for n, much in score.items() if n in telling or (count[n] > 1 and much >= _ENOUGH)]
    best = max(good, key=lambda number: (score[number], -number), default=None)
    return None if best is None else (score[best], best)


def _weight(word: str) -> float:
    """What was measured tells most, then names and numbers, then words, a lone digit least."""
    if _DECIMAL.fullmatch(word):
        return 4.0
    if len(word) == 1:
        return 0.5
    return 2.0 if any(c.isdigit() for c in word) else 1.0


def _rounded(there: Iterable[str], rounded: Mapping[str, int]) -> set[str]:
    """Which of the decimals that were said stand in a line with more digits."""
    if not rounded:
        return set()
    longer = [float(word) for word in there if _DECIMAL.fullmatch(word)]
    return {
        said for said, digits in rounded.items() for value in longer if round(value, digits) == float(said)
    }
