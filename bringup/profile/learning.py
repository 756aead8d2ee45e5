"""From the readings of healthy parts to limits: how many, how far apart, and where a limit then stands.

A limit is only proposed where the parts agree: a median over a handful of nodes, or over parts that differ by themselves,
would accuse healthy ones or let sick ones pass. Why nothing is proposed is always said.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bringup.profile import usual
from bringup.profile.usual import Aim

FEWEST_NODES = 5
SHARE = 0.90
"""Of the median: a floor stands here, a ceiling as far on the other side (the median divided by this)."""
SIZE_SHARE = 0.99
"""A size is not measured but told; what firmware and drivers keep for themselves differs by less than this."""
_ONE_SIGMA = 1.4826
"""A normal spread's standard deviation over its median absolute deviation."""
_SIGMAS = 3.0
_MOST_OUTSIDE = 0.10
"""Of the readings: more than this outside the limit, and the parts are of two kinds."""
_LONGEST_WORD = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a limit's quantity at a part of a healthy node (of a pair: of one of its nodes)."""

    limit: str
    value: float | str
    unit: str
    at: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """What the readings of one quantity look like. `mad` is the median distance from the median."""

    readings: int
    parts: int
    nodes: int
    median: float
    mad: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Learned:
    """A limit that the readings support. `outside` are parts that would fail by it: they are worth a look."""

    name: str
    op: str
    value: float | str
    unit: str
    spread: Spread | None
    readings: int
    parts: int
    nodes: int
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A quantity of which no limit is proposed."""

    name: str
    why: str


def learn(samples: Iterable[Sample], named: frozenset[str] = frozenset()) -> list[Learned | LeftOut]:
    """A proposal, or the reason for none, for every quantity. `named` are those that somebody asked for by name."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.limit, []).append(sample)
    return [_one(name, several, name in named) for name, several in sorted(by_name.items())]


def _one(name: str, samples: Sequence[Sample], named: bool) -> Learned | LeftOut:
    nodes = {node for sample in samples for node in sample.nodes}
    units = {sample.unit for sample in samples}
    numbers = [s.value for s in samples if not isinstance(s.value, str)]
    if len(nodes) < FEWEST_NODES:
        return LeftOut(name, f"read on {len(nodes)} healthy nodes, needs {FEWEST_NODES}")
    if len(units) > 1 or (numbers and len(numbers) < len(samples)):
        return LeftOut(name, "not read in the same unit everywhere")
    unit = _unit(name, units.pop())
    aim = usual.aim_of(name, unit) if numbers else Aim.WORD
    if aim is None:
        return LeftOut(name, "whether more or less is better is not known; write this limit by hand")
    if unit in usual.SURROUNDINGS and not named:
        return LeftOut(
            name, f"{unit} depends on room, load or use; name it with --limit to learn it all the same"
        )
    if aim is Aim.WORD or aim is Aim.COUNT:
        return _same(name, unit, samples, nodes)
    return _measured(name, unit, aim, samples, numbers, nodes)


def _unit(name: str, read: str) -> str:
    """The unit as profiles write it: a check that counts may print none."""
    stock = usual.limits().get(name)
    return next(iter(stock.units)) if stock and len(stock.units) == 1 and not read else read


def _same(name: str, unit: str, samples: Sequence[Sample], nodes: set[str]) -> Learned | LeftOut:
    """Something that is the same on every healthy part, and then must be so."""
    values = Counter(sample.value for sample in samples)
    if len(values) > 1:
        common = ", ".join(f"{count} x {str(value)[:40]}" for value, count in values.most_common(3))
        return LeftOut(name, f"the healthy parts differ: {common}")
    value = samples[0].value
    if isinstance(value, str) and not (value.isprintable() and 0 < len(value) <= _LONGEST_WORD):
        return LeftOut(name, "what was read is no word that a profile can hold")
    return Learned(name, "==", value, unit, None, len(samples), len({s.at for s in samples}), len(nodes))


def _measured(
    name: str, unit: str, aim: Aim, samples: Sequence[Sample], numbers: Sequence[float], nodes: set[str]
) -> Learned | LeftOut:
    spread = spread_of(samples, numbers, len(nodes))
    middle = spread.median
    told = spread.low == spread.high and not usual.is_rate(unit)
    if aim is Aim.CEILING and not any(numbers):
        value = 0.0
    elif middle <= 0:
        return LeftOut(name, f"the median is {middle:g} {unit}: no share of it is a limit".rstrip())
    elif aim is Aim.CEILING and unit not in usual.TIMES | usual.SURROUNDINGS:
        return LeftOut(
            name, f"healthy parts count {spread.low:g} to {spread.high:g}: nobody knows how much is too much"
        )
    elif told and aim is Aim.FLOOR:
        value = middle
    else:
        share = SIZE_SHARE if unit in usual.SIZES else SHARE
        sigma = _ONE_SIGMA * spread.mad
        if _SIGMAS * sigma > (1 - share) * middle:
            return LeftOut(
                name,
                f"the healthy parts spread too wide: median {middle:g} {unit}, MAD {spread.mad:g} "
                f"({spread.low:g} to {spread.high:g})",
            )
        value = (
            rounded(middle * share, down=True) if aim is Aim.FLOOR else rounded(middle / share, down=False)
        )
    op = ">=" if aim is Aim.FLOOR else "<="
    outside = [s for s in samples if not isinstance(s.value, str) and not _holds(op, s.value, value)]
    if len(outside) > _MOST_OUTSIDE * len(samples):
        return LeftOut(
            name,
            f"{len(outside)} of {len(samples)} readings are {'below' if op == '>=' else 'above'} {value:g} {unit}: "
            f"the healthy parts are of two kinds ({spread.low:g} to {spread.high:g}, median {middle:g})",
        )
    places = tuple(dict.fromkeys(s.at for s in outside))
    return Learned(name, op, value, unit, spread, spread.readings, spread.parts, spread.nodes, places)


def _holds(op: str, value: float, limit: float) -> bool:
    return value >= limit if op == ">=" else value <= limit


def spread_of(samples: Sequence[Sample], numbers: Sequence[float], nodes: int) -> Spread:
    """Median, distance from it, and both ends."""
    middle = float(median(numbers))
    mad = float(median(abs(n - middle) for n in numbers))
    parts = len({sample.at for sample in samples})
    return Spread(len(numbers), parts, nodes, middle, mad, float(min(numbers)), float(max(numbers)))


def rounded(value: float, *, down: bool) -> float:
    """Three figures are enough; a floor goes down and a ceiling up, so that rounding accuses nobody."""
    if value <= 0:
        return value
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    steps = math.floor(value / step + 1e-9) if down else math.ceil(value / step - 1e-9)
    return float(f"{steps * step:.6g}")


def tighter(learned: Learned, op: str, value: float | str | bool) -> bool:
    """Whether a learned limit lets less pass than one that is there already."""
    if isinstance(value, bool | str) or isinstance(learned.value, str):
        return False
    if learned.op == ">=" and op in (">=", ">"):
        return learned.value > value
    return learned.op == "<=" and op in ("<=", "<") and learned.value < value


def reasons(learned: Learned) -> Mapping[str, float | int]:
    """The figures behind a limit, for JSON."""
    figures: dict[str, float | int] = {
        "readings": learned.readings,
        "parts": learned.parts,
        "nodes": learned.nodes,
    }
    if learned.spread is not None:
        figures |= {
            "median": learned.spread.median,
            "mad": learned.spread.mad,
            "min": learned.spread.low,
            "max": learned.spread.high,
        }
    return figures
