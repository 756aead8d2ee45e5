"""What the parsers of fabric and host tools share: strict numbers, and quoting what was not understood.

Node output is untrusted: digits are ASCII, numbers are finite and of sane length, quotes are cut and escaped.
"""

from __future__ import annotations

import math
import re

from bringup.errors import ParseError

_WHOLE = re.compile(r"[0-9]{1,20}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")


def quoted(text: str, length: int = 80) -> str:
    """A piece of tool output, short and printable, for a message."""
    cut = text.strip()
    return repr(cut[:length] + ("…" if len(cut) > length else ""))


def first_line(text: str) -> str:
    """The first line that is not blank, without the blanks around it; empty if there is none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def whole(text: str, what: str) -> int:
    """A count. Raises ParseError for anything but ASCII digits."""
    if not _WHOLE.fullmatch(text):
        raise ParseError(f"{what}: {quoted(text)} is not a whole number")
    return int(text)


def whole_or_hex(text: str, what: str) -> int:
    """A whole number, decimal or with 0x in front."""
    return int(text, 16) if _HEX.fullmatch(text) else whole(text, what)


def number(text: str, what: str) -> float:
    """A finite number. Raises ParseError for anything else, also for nan and inf."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ParseError(f"{what}: {quoted(text)} is not a number")
    return value


def is_number(text: str) -> bool:
    """Whether `number` would take it."""
    return _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def numbered_word(text: str) -> str:
    """The word of a kernel state such as `4: ACTIVE`; in some samples number and word disagree."""
    head, colon, tail = text.partition(":")
    return tail.strip() if colon and _WHOLE.fullmatch(head.strip()) else text.strip()
