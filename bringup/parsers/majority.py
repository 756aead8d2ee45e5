"""What readings of many nodes agree on: the majority and those that differ from it. Pure, for checks of a fleet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.model import Finding, Limit, Measurement, Node, Weight

LEAST = 3
"""With fewer readings there is no majority."""
LARGEST_MINORITY = 1 / 3
"""Above this share the ones that differ are no odd ones out: nobody can say which side is right."""
_LONGEST = 60
"""Characters of a value that is told as it is where nobody knows which value is right; longer ones are counted."""


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
        if any(len(value) > _LONGEST for value in self.counts):
            return f"{len(self.counts)} values on {', '.join(map(str, self.counts.values()))}"
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


def compare(
    what: str,
    readings: Mapping[str, str],
    *,
    code: str,
    limit: Limit,
    fleet: str,
    of: str = "nodes",
    word_by_word: bool = False,
    split: Weight = Weight.FAIL,
) -> Iterator[Measurement | Finding]:
    """What a check of the fleet says about one reading: equal everywhere, a few odd ones out, or a split.

    `limit` is on the number of different values; its unit names them. `of` is what the places are. `word_by_word`
    tells only the words that differ. `split` is what it means if there is no majority: a note where values may well
    belong to each place alone. Raises ValueError without any reading.
    """
    result = vote(readings)
    different = len(result.counts)
    # Where values differ the findings name the places; the count then only informs.
    judged = limit if different == 1 else None
    yield Measurement(f"{what} {limit.unit}", different, limit.unit, fleet, judged, code)
    if result.split:
        yield Finding(code, f"{what}: {result.spread} {of}; no clear majority", fleet, split)
    share = f"on {result.counts[result.majority]} of {result.total} {of}"
    for place in result.odd:
        mine = readings[place]
        if word_by_word:
            yield Finding(code, f"{what}: {_words(mine, result.majority)}; not so {share}", place)
        else:
            yield Finding(code, f"{what} {mine}, {result.majority} {share}", place)


def _words(mine: str, majority: str) -> str:
    """The words that one has and the others lack, and the other way round."""
    have, others = mine.split(), majority.split()
    more = " ".join(word for word in have if word not in others)
    less = " ".join(word for word in others if word not in have)
    parts = [f"has {more}" if more else "", f"lacks {less}" if less else ""]
    return ", ".join(part for part in parts if part) or "other order"


def by_profile(members: Sequence[Node]) -> dict[str, frozenset[str]]:
    """The names of the nodes of each profile: only equal nodes can be compared."""
    profiles = dict.fromkeys(node.profile for node in members)
    return {p: frozenset(n.name for n in members if n.profile == p) for p in profiles}


def of_nodes(readings: Iterable[Measurement], names: frozenset[str]) -> dict[str, str]:
    """The readings of these nodes and of parts of them: place -> value."""
    return {m.at: _told(m.value) for m in readings if m.at.partition("/")[0] in names}


def _told(value: float | str) -> str:
    """A number as a whole one where it is: what a run has read back from its journal must equal what it reads anew."""
    return value if isinstance(value, str) else f"{value:.12g}"
