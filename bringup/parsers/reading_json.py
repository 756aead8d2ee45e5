"""What the readers of JSON share: a document that is what its tool promises, or a ParseError that quotes it.

Node output is untrusted: a value of another type, a number that is not finite and a nesting without end are all
refused here, so that the readers only say which keys they want.
"""

from __future__ import annotations

import json

from bringup.errors import ParseError
from bringup.parsers.reading import quoted

_LARGEST = 2**64
_HUGE = 1e300


def document(text: str, tool: str) -> object:
    """The one JSON document that `text` is. Raises ParseError for anything else, also for one cut off."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        said = quoted(text, 60) if text.strip() else "nothing was printed"
        raise ParseError(f"{tool}: no JSON, or cut off ({str(error)[:100]}): {said}") from None
    return value


def document_among_lines(text: str, tool: str) -> object:
    """The JSON document that starts at a line which is only `{` or `[`; what stands around it is ignored.

    Tools print warnings before and after, with braces of their own, so neither the first brace of the text nor the
    last one can be trusted.
    """
    decoder = json.JSONDecoder()
    place = 0
    for line in text.splitlines(keepends=True):
        if line.strip() in ("{", "["):
            try:
                value: object = decoder.raw_decode(text, place + line.index(line.strip()))[0]
            except (ValueError, RecursionError) as error:
                raise ParseError(f"{tool}: the JSON is broken or cut off: {str(error)[:100]}") from None
            return value
        place += len(line)
    return document(text, tool)


def mapping(value: object, what: str) -> dict[str, object]:
    """An object."""
    if not isinstance(value, dict):
        raise ParseError(f"{what} is {quoted(str(value))}, needed an object")
    return value


def items(value: object, what: str) -> list[object]:
    """A list."""
    if not isinstance(value, list):
        raise ParseError(f"{what} is {quoted(str(value))}, needed a list")
    return value


def words(value: object, what: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ParseError(f"{what} is {quoted(str(value))}, needed text")
    return value


def words_or_none(value: object, what: str) -> str | None:
    """A string; None if the key is absent, null or empty."""
    return (words(value, what).strip() or None) if value is not None else None


def figure(value: object, what: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_HUGE < value < _HUGE:
        raise ParseError(f"{what} is {quoted(str(value))}, needed a finite number")
    return float(value)


def count(value: object, what: str) -> int:
    """A whole number of at most 64 bits, not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST:
        raise ParseError(f"{what} is {quoted(str(value))}, needed a count")
    return value


def flag(value: object, what: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ParseError(f"{what} is {quoted(str(value))}, needed true or false")
    return value
