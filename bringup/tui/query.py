"""The filter language of the screens: words, `field:glob`, `gpu-[080-095]`, and `!` for the opposite.

All words must match. Matching ignores case. A bracket list is compared number by number, never expanded, so that
`n[1-999999999]` costs nothing.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_RANGES = re.compile(r"([^\[\]]*)\[([0-9,\-]{1,200})\]([^\[\]]*)")
MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """What a filter may ask about one row: node names, fields (each with its values), and all of its text."""

    names: Sequence[str]
    fields: Mapping[str, Sequence[str]]
    text: str


Test = Callable[[Facts], bool]


def query(written: str) -> Test:
    """The test that a filter text stands for; an empty text lets everything through."""
    tests = [_term(word) for word in written[:MOST_CHARACTERS].lower().split()]
    return lambda facts: all(test(facts) for test in tests)


def _term(word: str) -> Test:
    if word.startswith("!") and len(word) > 1:
        inner = _term(word[1:])
        return lambda facts: not inner(facts)
    if ranged := _RANGES.fullmatch(word):
        return _in_ranges(*ranged.groups())
    name, colon, glob = word.partition(":")
    if colon and glob and name.isalpha():
        return lambda facts: _field(facts, name, glob, word)
    return lambda facts: word in facts.text.lower()


def _field(facts: Facts, name: str, glob: str, word: str) -> bool:
    if name == "node":
        return any(fnmatch.fnmatchcase(node.lower(), glob) for node in facts.names)
    if name not in facts.fields:
        return word in facts.text.lower()
    return any(fnmatch.fnmatchcase(value.lower(), glob) for value in facts.fields[name])


def _in_ranges(before: str, ranges: str, after: str) -> Test:
    shape = re.compile(re.escape(before) + r"([0-9]{1,18})" + re.escape(after))
    spans: list[tuple[int, int]] = []
    for part in ranges.split(","):
        low, _, high = part.partition("-")
        if low.isdecimal():
            spans.append((int(low), int(high) if high.isdecimal() else int(low)))

    def inside(name: str) -> bool:
        found = shape.fullmatch(name.lower())
        return found is not None and any(low <= int(found.group(1)) <= high for low, high in spans)

    return lambda facts: any(inside(name) for name in facts.names)
