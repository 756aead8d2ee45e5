"""Is a profile what its author meant? Names that no check asks for, wrong units, limits that judge nothing.

A file can be read without a mistake and still be wrong: a misspelt limit leaves the parent's in force and nobody sees it.
`certain` are mistakes whatever the site is like; `doubtful` are numbers and directions that hardly anybody can mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bringup.errors import Problem
from bringup.model import Limit
from bringup.profile import usual
from bringup.profile.loading import STOCK, sources
from bringup.profile.source import Source, did_you_mean, is_name
from bringup.profile.types import Fact
from bringup.profile.usual import Aim

_FAR = 50.0
_RANGES: Mapping[str, tuple[float, float]] = {
    "%": (0, 100),
    "C": (1, 150),
    "W": (1, 20_000),
    "lanes": (1, 32),
    "GT/s": (2.5, 128),
    "Gb/s": (0.1, 10_000),
    "GB/s": (0.1, 1_000_000),
    "MHz": (1, 20_000),
    "dBm": (-60, 30),
}
"""What a part of today can be, by unit."""
_LARGEST = 1e15
_FITS: Mapping[Aim, tuple[str, ...]] = {
    Aim.FLOOR: (">=", ">", "=="),
    Aim.CEILING: ("<=", "<", "=="),
    Aim.COUNT: ("==", ">=", ">"),
    Aim.WORD: ("==", "!="),
}


class Asks(Protocol):
    """What the checks ask for: the units in which each limit is measured, the facts, those that are whole numbers."""

    @property
    def limits(self) -> Mapping[str, frozenset[str]]: ...
    @property
    def facts(self) -> frozenset[str]: ...
    @property
    def numbers(self) -> frozenset[str]: ...


def check(target: str | Path, dirs: Sequence[Path], asks: Asks) -> list[Problem]:
    """Everything that is wrong with a profile and its parents. A path stands for its file, text for a name."""
    name, folders = (target, dirs) if isinstance(target, str) else (target.stem, (target.parent, *dirs))
    if isinstance(target, Path) and (not target.is_file() or target.suffix != ".toml" or not is_name(name)):
        return [Problem(str(target), None, "is no file of a profile; its name is NAME.toml")]
    read, problems = sources((name,), folders)
    for source in read:
        problems += [*certain(source, asks), *doubtful(source, asks)]
    return tidy(problems)


def tidy(problems: Iterable[Problem]) -> list[Problem]:
    """Each once, by file and line."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line or 0))


def is_stock(path: Path) -> bool:
    """Whether a profile's file came with bringup."""
    return path.parent == STOCK


# ------------------------------------------------------------------------------------------------ certain


def certain(source: Source, asks: Asks) -> list[Problem]:
    """Names that no check asks for, and limits in a unit that no check measures."""
    return [*_names(source, asks), *_units(source, asks)]


def _names(source: Source, asks: Asks) -> Iterator[Problem]:
    for kind, names, known, other in (
        ("limits", source.limits, asks.limits, asks.facts),
        ("facts", source.facts, asks.facts, asks.limits),
    ):
        for name in names:
            if name in known:
                continue
            one = kind.removesuffix("s")
            hint = did_you_mean(name, sorted(known)) or "; bringup checks docs lists the names"
            if name in other:
                hint = f"; it is a {'fact' if one == 'limit' else 'limit'}"
            yield source.problem((kind, name), f"no check asks for this {one}{hint}")


def _units(source: Source, asks: Asks) -> Iterator[Problem]:
    for name, limit in source.limits.items():
        stock = usual.limits().get(name)
        units = asks.limits.get(name, frozenset()) | (stock.units if stock else frozenset())
        if name in asks.limits and units and limit.unit not in units:
            named = " or ".join(f'"{unit}"' for unit in sorted(units))
            yield source.problem(
                ("limits", name, "unit"), f'unit "{limit.unit}": the checks measure it in {named}'
            )


# ----------------------------------------------------------------------------------------------- doubtful


def doubtful(source: Source, asks: Asks) -> list[Problem]:
    """Directions and numbers that hardly anybody can mean."""
    found: list[Problem] = []
    for name, limit in source.limits.items():
        if name in asks.limits:
            for key, said in (("op", _direction(limit)), ("value", _size(limit))):
                found += [source.problem(("limits", name, key), said)] if said else []
    for name, fact in source.facts.items():
        if name in asks.facts and (said := _value(fact, asks)):
            found.append(source.problem(("facts", name, "value"), said))
    return found


def _direction(limit: Limit) -> str:
    """What is wrong with the operator of a limit, or nothing."""
    aim, op = usual.aim_of(limit.name, limit.unit), limit.op
    if aim is None:
        return ""
    fits = _FITS[aim]
    if op not in fits:
        return f'op "{op}": {aim}, so it needs {" or ".join(fits)}'
    if op == "==" and limit.value != 0 and _measured(limit):
        return f'op "==": a measured number of {limit.unit} is hardly ever exactly this; it needs {fits[0]}'
    return ""


def _measured(limit: Limit) -> bool:
    """Whether readings of this limit are never the same twice. A link's rate is not measured but told."""
    stock = usual.limits().get(limit.name)
    told = stock is not None and "==" in stock.ops
    return not told and (usual.is_rate(limit.unit) or limit.unit in usual.TIMES)


def _size(limit: Limit) -> str:
    """What is wrong with the value of a limit, or nothing."""
    value, stock = limit.value, usual.limits().get(limit.name)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if stock is not None and stock.words != (not number) and not (stock.words and stock.numbers):
        return f"value {_told(value)}: {'a word' if stock.words else 'a number'} is compared here"
    if not number or isinstance(value, str):
        return ""
    if limit.op in (">=", ">") and (value < 0 or (value == 0 and limit.op == ">=")):
        return f"value {value:g}: every reading is at least that, so nothing is judged"
    low, high = _RANGES.get(limit.unit, (0, _LARGEST))
    if value and not low <= value <= high:
        span = f"{low:g} to {high:g} {limit.unit}" if limit.unit in _RANGES else f"0 to {high:g}"
        return f"value {value:g}: not within {span}, which is all that machines of today show"
    usually = [n for n in stock.numbers if n > 0] if stock else []
    compared = usual.is_rate(limit.unit) or limit.unit in usual.TIMES or limit.unit in usual.SIZES
    if value and compared and usually and not min(usually) / _FAR <= value <= max(usually) * _FAR:
        span = " to ".join(f"{n:g}" for n in dict.fromkeys((min(usually), max(usually))))
        return f"value {value:g}: other profiles say {span} {limit.unit}; is it meant in {limit.unit}?"
    return ""


def _value(fact: Fact, asks: Asks) -> str:
    """What is wrong with the value of a fact, or nothing."""
    if fact.name in asks.numbers:
        if isinstance(fact.value, bool) or not isinstance(fact.value, int) or fact.value < 0:
            return f"value {_told(fact.value)}: a whole number from 0 on is needed"
        return ""
    wanted = usual.facts().get(fact.name)
    if wanted and usual.kind(fact) != wanted:
        return f"value {_told(fact.value)}: {wanted} is needed"
    return ""


def _told(value: object) -> str:
    shown = (
        str(value).lower()
        if isinstance(value, bool)
        else f"{list(value) if isinstance(value, tuple) else value}"
    )
    return f'"{shown}"' if isinstance(value, str) else shown[:60]
