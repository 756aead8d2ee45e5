"""What readings of many nodes agree on: the majority and those that differ from it. Pure, for checks of a fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

LEAST = 3
"""With fewer readings there is no majority."""
LARGEST_MINORITY = 1 / 3
"""Above this share the ones that differ are no odd ones out: nobody can say which side is right."""


@dataclass(frozen=True, slots=True)
class Vote:
    """How readings are spread. `odd` are the places outside the majority; empty when all agree or it is a split."""

    counts: Mapping[str, int]
    majority: str
    odd: tuple[str, ...]
    split: bool

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def spread(self) -> str:
        """The values with their numbers, most frequent first, as people read them."""
        return ", ".join(f"{value} on {count}" for value, count in self.counts.items())


def vote(readings: Mapping[str, str]) -> Vote:
    """The vote over readings by place. Raises ValueError without any reading."""
    if not readings:
        raise ValueError("a vote needs at least one reading")
    counts = dict(sorted(Counter(readings.values()).items(), key=lambda item: (-item[1], item[0])))
    (majority, most), *others = counts.items()
    differ = len(readings) - most
    tie = bool(others) and others[0][1] == most
    split = tie or differ > LARGEST_MINORITY * len(readings)
    odd = () if split else tuple(place for place, value in readings.items() if value != majority)
    return Vote(counts, majority, odd, split)
