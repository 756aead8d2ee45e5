"""One element of `nvidia-smi -q -x` by its path: text, number, yes or no; None where the driver reports no value."""

from __future__ import annotations

import re
from functools import lru_cache
from xml.etree.ElementTree import Element

from bringup.errors import ParseError

LOST = "gpu is lost"
"""What a lost GPU prints in place of values, in lower case."""
_NOT_REPORTED = frozenset(
    {"", "n/a", "not supported", "not available", "unknown", "unknown error", "err!",
     "insufficient permissions", "requested functionality has been deprecated"}
)  # fmt: skip
_NUMBER = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*(?:[A-Za-z%]+(?:\(s\))?)?")
Parts = dict[str, Element]
"""What stands below an element, by tag."""


@lru_cache(maxsize=4096)
def cleaned(text: str | None) -> str | None:
    """The text of an element, None if it says that there is no value. The same few words come again and again."""
    words = " ".join((text or "").split())
    bare = words.strip("[]").lower()
    return None if bare in _NOT_REPORTED or LOST in bare else words


@lru_cache(maxsize=256)
def _steps(path: str) -> tuple[str, tuple[str, ...]]:
    first, *rest = path.split("/")
    return first, tuple(rest)


def children(element: Element) -> Parts:
    """The elements below one by their tags; of several with one tag the first."""
    return {child.tag: child for child in reversed(element)}


def _raw(parts: Parts, path: str) -> str | None:
    """The text as it stands. A step at a time: a whole path is looked up by Python code, ten times as slow."""
    first, rest = _steps(path)
    child = parts.get(first)
    for tag in rest:
        child = child.find(tag) if child is not None else None
    return child.text if child is not None else None


def said(parts: Parts, path: str) -> str | None:
    """The text of an element."""
    raw = _raw(parts, path)
    return None if raw is None else cleaned(raw)


def number(parts: Parts, path: str) -> float | None:
    """A number with or without its unit. Raises ParseError for any other text."""
    raw = _raw(parts, path)
    if raw is None:
        return None
    value = _value(raw)
    if isinstance(value, str):
        raise ParseError(f"nvidia-smi -q -x: {path} is {value[:40]!r}, which is no number")
    return value


@lru_cache(maxsize=4096)
def _value(raw: str) -> float | str | None:
    """The number in a text, None if it says that there is none, the text itself where it is neither."""
    text = cleaned(raw)
    if text is None:
        return None
    match = _NUMBER.fullmatch(text)
    return text if match is None or len(match[1]) > 18 else float(match[1])


def whole(parts: Parts, path: str) -> int | None:
    """A whole number. Raises ParseError for any other."""
    value = number(parts, path)
    if value is None:
        return None
    if value != int(value):
        raise ParseError(f"nvidia-smi -q -x: {path} is {value}, which is no whole number")
    return int(value)


def first_number(parts: Parts, *paths: str) -> float | None:
    """The number under the first path that has one: layouts differ by driver."""
    return next((value for path in paths if (value := number(parts, path)) is not None), None)


def flag(parts: Parts, path: str) -> bool | None:
    """Yes or No. Raises ParseError for any other text."""
    text = said(parts, path)
    if text is None:
        return None
    if text not in ("Yes", "No"):
        raise ParseError(f"nvidia-smi -q -x: {path} is {text[:40]!r}, needed Yes or No")
    return text == "Yes"
