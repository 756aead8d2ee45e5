"""What is usual for a limit or fact: its unit, its direction and its size, as the profiles that come with bringup have it.

A profile of a site is compared with this, and a limit that is learned from a run takes its direction from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from bringup.model import Limit
from bringup.profile.loading import STOCK
from bringup.profile.source import read
from bringup.profile.types import Fact

TIMES = frozenset({"ns", "us", "ms", "s", "min", "h"})
SIZES = frozenset({"B", "bytes", "KiB", "MiB", "GiB", "TiB", "GB", "TB"})
SURROUNDINGS = frozenset({"C", "W", "V", "A", "mA", "mW", "dBm", "RPM", "%"})
"""What the room, the load or the use of a part decides, not the part."""
_RATE = re.compile(r"[KMGT]i?[bB]/s|GT/s|[GTP]FLOP(S|/s)|[KMG]Hz|IOPS")
"""How fast something is. Errors per hour are none: of those less is better."""
_FLOORS, _CEILINGS = frozenset({">=", ">"}), frozenset({"<=", "<"})


class Aim(StrEnum):
    """Which values are the good ones."""

    FLOOR = "more is better here"
    CEILING = "less is better here"
    COUNT = "so many must be there"
    WORD = "words are compared here"


@dataclass(frozen=True, slots=True)
class Usual:
    """One name in all stock profiles."""

    units: frozenset[str]
    ops: frozenset[str]
    numbers: tuple[float, ...]
    words: bool

    @property
    def aim(self) -> Aim:
        if self.ops & _FLOORS:
            return Aim.FLOOR
        if self.ops & _CEILINGS or (self.numbers and not any(self.numbers)):
            return Aim.CEILING
        return Aim.WORD if self.words else Aim.COUNT


def is_rate(unit: str) -> bool:
    """Whether a unit measures how fast something is; such a reading is never the same twice."""
    return _RATE.fullmatch(unit) is not None


def aim_of(name: str, unit: str) -> Aim | None:
    """Which values of a limit are good: as in the stock profiles, else as its unit tells, else None."""
    usual = limits().get(name)
    if usual is not None:
        return usual.aim
    if is_rate(unit) or unit in SIZES:
        return Aim.FLOOR
    return Aim.CEILING if unit in TIMES else None


@cache
def limits() -> Mapping[str, Usual]:
    """Every limit of the stock profiles by name. A stock file that cannot be read adds nothing."""
    found: dict[str, list[Limit]] = {}
    for path in sorted(STOCK.glob("*.toml")):
        source, _ = read(path)
        for name, limit in (source.limits if source else {}).items():
            found.setdefault(name, []).append(limit)
    return {name: _usual(several) for name, several in found.items()}


def _usual(several: list[Limit]) -> Usual:
    numbers = [x.value for x in several if isinstance(x.value, int | float) and not isinstance(x.value, bool)]
    return Usual(
        frozenset(x.unit for x in several),
        frozenset(x.op for x in several),
        tuple(float(n) for n in numbers),
        len(numbers) < len(several),
    )


@cache
def facts() -> Mapping[str, str]:
    """The kind of value that every fact of the stock profiles has, by name."""
    found: dict[str, str] = {}
    for path in sorted(STOCK.glob("*.toml")):
        source, _ = read(path)
        for name, fact in (source.facts if source else {}).items():
            found[name] = kind(fact)
    return found


def kind(fact: Fact) -> str:
    """What a fact's value is, in words."""
    if isinstance(fact.value, bool):
        return "true or false"
    if isinstance(fact.value, tuple):
        return "a list"
    return "text" if isinstance(fact.value, str) else "a number"
