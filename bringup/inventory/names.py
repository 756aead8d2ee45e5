"""Node names: ranges such as gpu-[001-016] to names and back.

The notation and the folding are ClusterShell's. What a person wrote is looked at first, for two reasons: a range may
stand for a billion names, and ClusterShell would build them all; and its words for a mistake are not a technician's.
Its node groups stay off, because they may run programs of the machine's configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from ClusterShell.RangeSet import RangeSet

from bringup.inventory.problems import quoted

MOST_NODES = 200_000
# Names become file names and arguments of ssh: none may begin with a dot or a dash.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18})(?:/([0-9]{1,9}))?)?")
_NUMBERS = re.compile(r"[0-9]+")
_MOST_FOLDED_WHOLE = 128
_MOST_RANGES = 8


class BadNames(ValueError):
    """A name or range that cannot be used; the message quotes it."""


def is_name(text: str) -> bool:
    """Whether this is one plain name: letters, digits, dot, underscore, dash; at most 253; not beginning with . or -."""
    return _NAME.fullmatch(text) is not None


def bad_name(text: str) -> str:
    """What is wrong with a text that is not a name."""
    if not text:
        return "a name is empty"
    if len(text) > 253:
        return f"{quoted(text, 20)} is longer than 253 characters"
    odd = next((c for c in text if not re.match(r"[A-Za-z0-9._-]", c)), "")
    if odd:
        return f"{quoted(text)} has the character {quoted(odd)}; names are made of letters, digits, dot, underscore and dash"
    return f"{quoted(text)} begins with {quoted(text[0])}; a name begins with a letter or digit"


def split(text: str) -> list[str]:
    """The items of a list written with commas or blanks, brackets kept whole. Raises BadNames."""
    items, item, inside = [], "", False
    for char in text:
        if char == "[" and inside:
            raise BadNames(f"{quoted(text)} has a bracket inside a bracket")
        if char == "]" and not inside:
            raise BadNames(f"{quoted(text)} has a closing bracket without an opening one")
        inside = (inside or char == "[") and char != "]"
        if not inside and (char == "," or char.isspace()):
            items.append(item)
            item = ""
        else:
            item += char
    if inside:
        raise BadNames(f"{quoted(text)} has no closing bracket")
    return [i for i in [*items, item] if i]


def expand(text: str, most: int = MOST_NODES) -> list[str]:
    """All names of a list of names and ranges, in the order written; a name written twice comes twice.

    Raises BadNames, also for more than `most` names.
    """
    items = split(text)
    if sum(_count(item) for item in items) > most:
        raise BadNames(f"{quoted(text)} stands for more than {most:,} names")
    found: list[str] = []
    for item in items:
        names = [str(n) for n in NodeSet(item, resolver=RESOLVER_NOGROUP)] if "[" in item else [item]
        bad = next((n for n in names if not is_name(n)), None)
        if bad is not None:
            raise BadNames(bad_name(bad))
        found += names
    return found


def _count(item: str) -> int:
    """How many names one item stands for. Raises BadNames where it is no name and no range."""
    if "][" in item:
        raise BadNames(f"{quoted(item)} has two ranges side by side; put a letter or dash between them")
    count = 1
    pieces = re.split(r"\[([^\]]*)\]", item)
    if len(pieces) > 2 * _MOST_RANGES + 1:
        raise BadNames(f"{quoted(item)} has more than {_MOST_RANGES} ranges")
    if not is_name("x" + "0".join(pieces[0::2])) or pieces[0][:1] in (".", "-"):
        raise BadNames(bad_name(item if len(pieces) == 1 else "".join(pieces[0::2])))
    for inside in pieces[1::2]:
        count *= sum(_width(item, part) for part in inside.split(","))
    return count


def _width(item: str, part: str) -> int:
    match = _RANGE.fullmatch(part)
    if match is None:
        raise BadNames(
            f"{quoted(item)}: {quoted(part)} is no range of numbers; write for example [001-016] or [1,3-5]"
        )
    low, high, step = match[1], match[2] or match[1], int(match[3] or 1)
    if len(low) != len(high) and ("0" in (low[0], high[0]) and low != "0"):
        raise BadNames(
            f"{quoted(item)}: {quoted(part)} has numbers of different width; write both with as many digits"
        )
    if int(low) > int(high):
        raise BadNames(f"{quoted(item)}: {quoted(part)} runs backwards")
    if step == 0:
        raise BadNames(f"{quoted(item)}: {quoted(part)} has the step 0")
    return (int(high) - int(low)) // step + 1


@lru_cache(maxsize=1 << 15)
def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts gpu-9 before gpu-10."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((1, int(p[:18]), p) if p.isdecimal() else (0, 0, p) for p in parts if p)


def folded(names: Iterable[str]) -> str:
    """The names folded to ranges, `gpu-[001-003,005]`, each once, in natural order. Never raises.

    Names that no inventory would allow are listed as they are after the others.
    """
    unique = frozenset(names)
    good = frozenset(n for n in unique if is_name(n))
    parts = [_fold(good)] if good else []
    return ",".join(parts + sorted(unique - good, key=natural_key))


@lru_cache(maxsize=256)
def _fold(names: frozenset[str]) -> str:
    if len(names) <= _MOST_FOLDED_WHOLE or all(len(_NUMBERS.findall(n)) <= 2 for n in names):
        return str(NodeSet.fromlist(sorted(names, key=natural_key), resolver=RESOLVER_NOGROUP))
    return _fold_last_number(names)


def _fold_last_number(names: frozenset[str]) -> str:
    """Folds along the last number only: folding three numbers and more takes a time that grows too fast."""
    rows: dict[tuple[str, str], list[str]] = {}
    plain: list[str] = []
    for name in sorted(names, key=natural_key):
        match = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", name)
        if match is None:
            plain.append(name)
        else:
            rows.setdefault((match[1], match[3]), []).append(match[2])
    for (before, after), numbers in rows.items():
        ranges = str(RangeSet.fromlist(numbers))
        plain.append(f"{before}[{ranges}]{after}" if len(numbers) > 1 else f"{before}{ranges}{after}")
    return ",".join(sorted(plain, key=natural_key))
