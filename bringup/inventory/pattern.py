"""Patterns such as `10.1.{n//256}.{n%256}` or `R{i//4+1:02}`: text with small whole-number arithmetic, no code.

`{n}` is the last number of the node's name, `{n1}` `{n2}` ... all its numbers from the left, `{i}` the place in its
range from 0, `{name}` the name. Operators + - * // % and brackets; `:03` pads, `:x` writes hexadecimal; `{{` and
`}}` are the signs themselves.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from bringup.inventory.problems import quoted

_MOST = 10**15
_MOST_EXPRESSION = 100
_FIELD = re.compile(r"(?P<sum>[^:]*)(?::(?P<width>(?:0[0-9]{1,2})?)(?P<hex>x?))?")
_TOKEN = re.compile(r"\s*(?:(?P<number>[0-9]{1,15})|(?P<word>[A-Za-z_][A-Za-z_0-9]*)|(?P<sign>//|[-+*/%()]))")
_WORD = re.compile(r"i|n[1-9]?")


class BadPattern(ValueError):
    """A pattern that cannot be read, or has no value for a name; the message says why."""


@dataclass(frozen=True, slots=True)
class _Sum:
    """An arithmetic expression: a number, a word, or an operator with two sides."""

    number: int = 0
    word: str = ""
    sign: str = ""
    sides: tuple[_Sum, ...] = ()


@dataclass(frozen=True, slots=True)
class _Field:
    sum: _Sum | None  # None: the name itself
    width: str = ""


def is_pattern(text: str) -> bool:
    """Whether the text has anything to fill in."""
    return "{" in text or "}" in text


def check(text: str) -> None:
    """Raises BadPattern if the text cannot be read as a pattern."""
    _parts(text)


def fill(text: str, name: str, index: int) -> str:
    """The pattern's value for one name at one place of its range. Raises BadPattern."""
    return "".join(part if isinstance(part, str) else _shown(part, name, index) for part in _parts(text))


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[str | _Field, ...]:
    parts: list[str | _Field] = []
    at = 0
    while at < len(text):
        if text[at : at + 2] in ("{{", "}}"):
            parts.append(text[at])
            at += 2
        elif text[at] == "{":
            end = text.find("}", at)
            if end < 0:
                raise BadPattern(f"{quoted(text)} has no closing }}")
            parts.append(_field(text[at + 1 : end]))
            at = end + 1
        elif text[at] == "}":
            raise BadPattern(f"{quoted(text)} has a closing }} without an opening one")
        else:
            end = min((p for p in (text.find("{", at), text.find("}", at)) if p >= 0), default=len(text))
            parts.append(text[at:end])
            at = end
    return tuple(parts)


def _field(inside: str) -> _Field:
    if inside.strip() == "name":
        return _Field(None)
    match = _FIELD.fullmatch(inside)
    if match is None or len(inside) > _MOST_EXPRESSION or (":" in inside and inside.endswith(":")):
        raise BadPattern(
            f"{quoted('{' + inside + '}')} is not understood; write for example {{n}}, {{n:03}} or {{i//4+1}}"
        )
    return _Field(_Reader(match["sum"]).whole(), f"{match['width'] or ''}{match['hex'] or 'd'}")


class _Reader:
    """Reads one expression from left to right; * // % bind closer than + and -."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._unknown(text[at:].strip()[:1])
            self._tokens.append(match[0].strip())
            at = match.end()

    def whole(self) -> _Sum:
        found = self._chain(0)
        if self._tokens:
            raise self._unknown(self._tokens[0])
        return found

    def _chain(self, level: int) -> _Sum:
        signs = (("+", "-"), ("*", "//", "%"))
        if level == len(signs):
            return self._atom()
        left = self._chain(level + 1)
        while self._tokens and self._tokens[0] in signs[level]:
            sign = self._tokens.pop(0)
            left = _Sum(sign=sign, sides=(left, self._chain(level + 1)))
        return left

    def _atom(self) -> _Sum:
        if not self._tokens:
            raise self._bad("something is missing")
        token = self._tokens.pop(0)
        if token.isdecimal():
            return _Sum(number=int(token))
        if _WORD.fullmatch(token):
            return _Sum(word=token)
        if token == "(":
            inner = self._chain(0)
            if not self._tokens or self._tokens.pop(0) != ")":
                raise self._bad("a bracket is not closed")
            return inner
        if token == "name":
            raise self._bad("name stands alone, as {name}")
        raise self._unknown(token)

    def _unknown(self, token: str) -> BadPattern:
        if token == "/":
            return self._bad("write // for a whole division")
        known = "known are n (number of the name), i (place in the range from 0), name, and + - * // %"
        return self._bad(f"{quoted(token)} is not understood; {known}")

    def _bad(self, why: str) -> BadPattern:
        return BadPattern(f"{quoted('{' + self._text + '}')}: {why}")


_SIGNS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}


def _shown(field: _Field, name: str, index: int) -> str:
    return name if field.sum is None else format(_value(field.sum, name, index), field.width)


def _value(sum_: _Sum, name: str, index: int) -> int:
    if sum_.sign:
        left, right = (_value(side, name, index) for side in sum_.sides)
        if right == 0 and sum_.sign in ("//", "%"):
            raise BadPattern(f"{quoted(name)}: a division by 0")
        found = _SIGNS[sum_.sign](left, right)
    elif sum_.word == "i":
        found = index
    elif sum_.word:
        found = _number(sum_.word, name)
    else:
        found = sum_.number
    if abs(found) > _MOST:
        raise BadPattern(f"{quoted(name)}: a number is larger than 10^15")
    return found


def _number(word: str, name: str) -> int:
    numbers = re.findall(r"[0-9]+", name)
    place = int(word[1:]) - 1 if len(word) > 1 else len(numbers) - 1
    if not numbers or place >= len(numbers):
        has = "no number" if not numbers else f"only {len(numbers)} numbers"
        raise BadPattern(f"{{{word}}} has no value: the name {quoted(name)} has {has}")
    if len(numbers[place]) > 15:
        raise BadPattern(f"{quoted(name)}: a number has more than 15 digits")
    return int(numbers[place])
