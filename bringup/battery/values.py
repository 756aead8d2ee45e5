"""The values that an expression of a check can have, as far as its text tells.

For `asked.py`, which follows the names of limits from where they are written to where they are asked for. Nothing is
run: names are looked up in the loaded modules, everything else is read from the syntax tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import ModuleType


class Unknown:
    """A value that the text does not tell."""


UNKNOWN = Unknown()
Values = tuple[object, ...]
NOT_TOLD: Values = (UNKNOWN,)
_MOST = 200


@dataclass(frozen=True)
class Typed:
    """Some object of a class."""

    cls: type


@dataclass(frozen=True)
class Limited:
    """The limit of this name."""

    name: str


@dataclass(frozen=True)
class Box:
    """A container of which only is known what may be in it. Of a mapping `keys` are what iterating gives."""

    items: Values
    keys: Values = ()
    mapping: bool = False


@dataclass(frozen=True)
class Row:
    """A tuple or list written out, place by place."""

    places: tuple[Values, ...]


def union(several: Iterable[Values]) -> Values:
    """All values, each once."""
    found: list[object] = []
    for values in several:
        for value in values:
            if not any(value is f or (type(value) is type(f) and _equal(value, f)) for f in found):
                found.append(value)
    return tuple(found[:_MOST]) if len(found) <= _MOST else (*found[:_MOST], UNKNOWN)


def _equal(a: object, b: object) -> bool:
    return isinstance(a, str | int | float | Typed | Limited | Box | Row) and bool(a == b)


def elements(values: Values) -> Values:
    """What iterating over these values gives."""
    return union(_elements(value) for value in values)


def _elements(value: object) -> Values:
    match value:
        case Box():
            return value.keys if value.mapping else value.items
        case Row():
            return union(value.places)
        case str() | bytes():
            return NOT_TOLD
        case Mapping():
            return tuple(value)
        case Sequence() | set() | frozenset():
            return tuple(value)
        case _:
            return NOT_TOLD


def place(values: Values, index: int) -> Values:
    """What stands at one place of these tuples."""

    def of(value: object) -> Values:
        if isinstance(value, Row):
            return value.places[index] if index < len(value.places) else NOT_TOLD
        if isinstance(value, tuple | list):
            return (value[index],) if index < len(value) else NOT_TOLD
        return _elements(value)

    return union(of(value) for value in values)


def item(values: Values, keys: Values) -> Values:
    """What these containers hold under one of these keys; everything in them where the key is not told."""

    def of(value: object) -> Values:
        if isinstance(value, Box):
            return value.items
        if isinstance(value, Mapping):
            known = [value[key] for key in keys if isinstance(key, str | int) and key in value]
            return tuple(known) if known and UNKNOWN not in keys else tuple(value.values())
        if isinstance(value, Row | tuple | list):
            numbers = [key for key in keys if isinstance(key, int)]
            return union(place((value,), n) for n in numbers if n >= 0) if numbers else _elements(value)
        return NOT_TOLD

    return union(of(value) for value in values)


def view(values: Values, method: str) -> Values:
    """What `.items()`, `.keys()` or `.values()` of these mappings give."""

    def of(value: object) -> object:
        if isinstance(value, Mapping):
            whole = {"items": tuple(value.items()), "keys": tuple(value), "values": tuple(value.values())}
            return Box(whole[method])
        if isinstance(value, Box) and value.mapping:
            pairs: Values = (Row((value.keys, value.items)),)
            return Box({"items": pairs, "keys": value.keys, "values": value.items}[method])
        return UNKNOWN

    return union((of(value),) for value in values)


def attribute(values: Values, name: str) -> Values:
    """What a module, class or constant of the loaded code has under this name."""

    def of(value: object) -> object:
        if isinstance(value, Unknown | Typed | Box | Row | Limited | str | int | float | Mapping):
            return UNKNOWN
        try:
            return getattr(value, name, UNKNOWN)
        except Exception:  # noqa: BLE001  a property of any author's class
            return UNKNOWN

    return union((of(value),) for value in values)


def texts(parts: Sequence[Values]) -> Values:
    """All texts that these parts make one after the other."""
    if any(not isinstance(value, str | int) for values in parts for value in values):
        return NOT_TOLD
    made = ("".join(str(part) for part in chosen) for chosen in product(*parts))
    return union((text,) for text in made)


def is_module(value: object) -> bool:
    return isinstance(value, ModuleType)
