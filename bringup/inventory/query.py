"""The filter language: on the command line it chooses nodes and defects, on the screens rows. One way to write it.

Words parted by blanks must all match; `!` before a word means not; commas inside a word mean any of these. A word is
`field:value`, names such as `gpu-[080-095]` or `gpu-0*`, or plain text. A value may have `*`, `?` and ranges, and a
bare number means the number in a name (`leaf:3` is `leaf-03`). Case does not matter. Ranges are compared number by
number and never expanded, so that `n[1-999999999]` costs nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_RANGES = re.compile(r"([^\[\]]*)\[([0-9,\-]{1,200})\]([^\[\]]*)")
_LAST_NUMBER = re.compile(r"([0-9]{1,18})[^0-9]*$")
MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """What a filter may ask about one row: node names, fields (each with its values), and all of its text."""

    names: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    text: str


Test = Callable[[Facts], bool]
Fits = Callable[[str], bool]


def query(written: str) -> Test:
    """The test that a filter text stands for; an empty text lets everything through."""
    tests = [_term(word) for word in written[:MOST_CHARACTERS].lower().split()]
    return lambda facts: all(test(facts) for test in tests)


def by_number(wanted: str, values: Iterable[str]) -> list[str]:
    """The values whose last number is the wanted one, where only digits were written; `3` means `leaf-03`."""
    if not wanted.isdecimal() or len(wanted) > 18:
        return []
    return [v for v in values if (found := _LAST_NUMBER.search(v)) and int(found.group(1)) == int(wanted)]


def _term(word: str) -> Test:
    if word.startswith("!") and len(word) > 1:
        inner = _term(word[1:])
        return lambda facts: not inner(facts)
    name, colon, value = word.partition(":")
    if colon and value and name.isalpha():
        fits = _any_of(value)
        return lambda facts: _field(facts, name, fits, word)
    parts = _parts(word)
    if len(parts) > 1:
        tests = [_term(part) for part in parts]
        return lambda facts: any(test(facts) for test in tests)
    if _RANGES.fullmatch(word) or "*" in word or "?" in word:
        fits = _one(word)
        return lambda facts: any(fits(name) for name in facts.names)
    return lambda facts: word in facts.text.lower()


def _field(facts: Facts, name: str, fits: Fits, word: str) -> bool:
    if name == "node":
        return any(fits(node) for node in facts.names)
    if name not in facts.fields:
        return word in facts.text.lower()
    return any(fits(value) for value in facts.fields[name])


def _parts(word: str) -> list[str]:
    """The alternatives of a word: parted by commas outside brackets."""
    return [part for part in re.split(r",(?![^\[]*\])", word) if part]


def _any_of(value: str) -> Fits:
    fits = [_one(part) for part in _parts(value)]
    return lambda said: any(fit(said) for fit in fits)


def _one(pattern: str) -> Fits:
    """Whether a value fits one pattern: a range, a number, or a text with * and ?."""
    if ranged := _RANGES.fullmatch(pattern):
        return _in_ranges(*ranged.groups())
    if pattern.isdecimal():
        return lambda value: value.lower() == pattern or bool(by_number(pattern, (value,)))
    glob = _glob(pattern)
    return lambda value: glob.fullmatch(value.lower()) is not None


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    """A pattern with * and ?, where other signs mean themselves."""
    return re.compile(fnmatch.translate(re.sub(r"\*+", "*", pattern).replace("[", "[[]")))


def _in_ranges(before: str, ranges: str, after: str) -> Fits:
    shape = re.compile(re.escape(before) + r"([0-9]{1,18})" + re.escape(after))
    spans: list[tuple[int, int]] = []
    for part in ranges.split(","):
        low, _, high = part.partition("-")
        if low.isdecimal():
            spans.append((int(low), int(high) if high.isdecimal() else int(low)))

    def inside(name: str) -> bool:
        found = shape.fullmatch(name.lower())
        return found is not None and any(low <= int(found.group(1)) <= high for low, high in spans)

    return inside
