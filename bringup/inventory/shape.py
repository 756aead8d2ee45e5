"""Reads one value of the tree as text, list or number, and says what was seen and what was needed if it is another."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping

from bringup.inventory.problems import Problems, did_you_mean, quoted
from bringup.inventory.tree import Items, Table, Text, Value
from bringup.inventory.types import Scalar

_MOST_TEXT = 1024
_MOST_LISTED = 1024
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][-+]?[0-9]{1,3})?")


def table(
    value: Value,
    where: str,
    known: Collection[str],
    problems: Problems,
    elsewhere: Mapping[str, str] | None = None,
) -> dict[str, Value]:
    """The known keys of a table; unknown ones are reported with the nearest known one or where they belong."""
    found: dict[str, Value] = {}
    for key, item in keys(value, where, problems):
        if key.text in known:
            found[key.text] = item
        else:
            belongs = (elsewhere or {}).get(key.text)
            hint = f"; it belongs under {belongs}" if belongs else did_you_mean(key.text, known)
            known_here = "" if hint else f"; known are {', '.join(known)}"
            problems.add(
                key.line, f"{where + ': ' if where else ''}unknown key {quoted(key.text)}{hint}{known_here}"
            )
    return found


def keys(value: Value, where: str, problems: Problems) -> Iterator[tuple[Text, Value]]:
    """All keys and values of a table, whatever their names."""
    if isinstance(value, Table):
        yield from value.entries
    elif not (isinstance(value, Text) and value.nothing):
        problems.add(
            value.line, f"{where or 'the file'}: needs keys and values (key: value), got {kind(value)}"
        )


def items(value: Value, where: str, problems: Problems) -> tuple[Value, ...]:
    """The items of a list; nothing at all is an empty list."""
    if isinstance(value, Items):
        return value.items
    if not (isinstance(value, Text) and value.nothing):
        problems.add(value.line, f"{where}: needs a list (lines that begin with -), got {kind(value)}")
    return ()


def text(value: Value, where: str, problems: Problems, most: int = _MOST_TEXT) -> str | None:
    """One line of text, or None where it is none."""
    if not isinstance(value, Text):
        hint = '; put it in quotes: "{n}"' if isinstance(value, Table) else ""
        problems.add(value.line, f"{where}: needs text, got {kind(value)}{hint}")
    elif value.nothing:
        problems.add(value.line, f'{where}: has no value; leave the key out, or write "" for none')
    elif not value.text.isprintable():
        problems.add(value.line, f"{where}: {quoted(value.text)} has a line break or control character")
    elif len(value.text) > most:
        problems.add(value.line, f"{where}: {quoted(value.text, 40)} is longer than {most} characters")
    else:
        return value.text
    return None


def texts(
    value: Value, where: str, problems: Problems, most: int = _MOST_TEXT, most_items: int = _MOST_LISTED
) -> tuple[str, ...] | None:
    """A list of texts; a single text is a list of one, an empty text an empty list."""
    if isinstance(value, Text):
        one = text(value, where, problems, most)
        return None if one is None else (one,) if one else ()
    if isinstance(value, Table):
        problems.add(value.line, f"{where}: needs text or a list of texts, got {kind(value)}")
        return None
    if len(value.items) > most_items:
        problems.add(value.line, f"{where}: has more than {most_items:,} items")
        return None
    found = [text(item, where, problems, most) for item in value.items]
    return None if None in found else tuple(t for t in found if t)


def whole(value: Value, where: str, problems: Problems, low: int, high: int) -> int | None:
    """A whole number between two others."""
    said = text(value, where, problems)
    if said is None:
        return None
    if not _WHOLE.fullmatch(said) or not low <= int(said) <= high:
        problems.add(value.line, f"{where}: needs a whole number from {low} to {high}, got {quoted(said)}")
        return None
    return int(said)


def number(value: Value, where: str, problems: Problems, high: float) -> float | None:
    """A number above 0 and up to `high`."""
    said = text(value, where, problems)
    if said is None:
        return None
    if not _NUMBER.fullmatch(said) or not 0 < float(said) <= high:
        problems.add(value.line, f"{where}: needs a number above 0 and up to {high:g}, got {quoted(said)}")
        return None
    return float(said)


def scalar(value: Value, where: str, problems: Problems) -> Scalar | None:
    """true, false, a number, or text; what stands in quotes is text."""
    said = text(value, where, problems)
    if said is None or not (isinstance(value, Text) and value.plain):
        return said
    if said in ("true", "false"):
        return said == "true"
    if _WHOLE.fullmatch(said):
        return int(said)
    if _NUMBER.fullmatch(said) and math.isfinite(float(said)):
        return float(said)
    return said


def kind(value: Value) -> str:
    """What a value is, in a person's words."""
    if isinstance(value, Items):
        return "a list"
    return "a table" if isinstance(value, Table) else quoted(value.text)
