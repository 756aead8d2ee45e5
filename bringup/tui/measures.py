"""One measurement over the whole floor: the worst value of each node, and its shade among those of all nodes.

Shades run in five steps from the lowest to the highest value seen, so that the odd node stands out even where all keep
the limit; the tone says who breaks it.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from bringup.model import STAGES, Measurement, Outcome
from bringup.report import words
from bringup.tui.look import Line, Look, Span, Tone

STEPS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """A kind of measurement: a check, and the name of what it measures."""

    check: str
    name: str

    def __str__(self) -> str:
        return self.name if self.name.startswith(self.check) else f"{self.check} {self.name}"


@dataclass(frozen=True, slots=True)
class Shade:
    """A step from 1 (lowest) to STEPS (highest) and whether the limit is kept."""

    step: int
    ok: bool


_SHADES = {(step, ok): Shade(step, ok) for step in range(1, STEPS + 1) for ok in (True, False)}
Values = dict[str, Measurement]
"""The worst measurement of each node."""


def number_of(measurement: Measurement) -> float | None:
    """The value as a number that can be compared; None for words, NaN and what is not finite."""
    value = measurement.value
    return value if not isinstance(value, str) and math.isfinite(value) else None


def measures(outcomes: Iterable[Outcome]) -> list[Measure]:
    """What has been measured in numbers, stage by stage, first what has a limit."""
    found: dict[Measure, tuple[bool, int]] = {}
    for outcome in outcomes:
        for m in outcome.measurements if len(outcome.nodes) <= 2 else ():
            if number_of(m) is not None and _nodes_of(m, outcome.nodes):
                kind = Measure(outcome.check, m.name)
                rank = (m.limit is None, STAGES.index(outcome.stage))
                found[kind] = min(found.get(kind, rank), rank)
    return sorted(found, key=lambda kind: (*found[kind], str(kind)))


def broken(outcome: Outcome) -> Measure | None:
    """The first measurement of an outcome that breaks its limit, if it is a number."""
    nodes = _known(outcome)
    bad = (m for m in words.broken(outcome) if number_of(m) is not None and _nodes_of(m, nodes))
    return next((Measure(outcome.check, m.name) for m in bad), None)


def _nodes_of(measurement: Measurement, known: Container[str]) -> list[str]:
    """The nodes at which it was read; none if it tells of the fleet as a whole. `known` are the outcome's."""
    if " ~ " not in measurement.at:
        name = measurement.at.partition("/")[0]
        return [name] if name in known else []
    names = dict.fromkeys(path.partition("/")[0] for path in measurement.at.split(" ~ "))
    return [name for name in names if name in known]


def _known(outcome: Outcome) -> Container[str]:
    """The nodes of an outcome, quick to look in: it may be one of thousands, with a measurement at each."""
    return outcome.nodes if len(outcome.nodes) <= 2 else frozenset(outcome.nodes)


def take(values: Values, outcome: Outcome, kind: Measure) -> None:
    """Keep the worst value of each node that an outcome tells of."""
    if outcome.check != kind.check:
        return
    nodes = _known(outcome)
    for m in outcome.measurements:
        if m.name != kind.name or number_of(m) is None:
            continue
        for name in _nodes_of(m, nodes):
            known = values.get(name)
            if known is None or _worse(m, known):
                values[name] = m


def _worse(one: Measurement, other: Measurement) -> bool:
    a, b = number_of(one), number_of(other)
    if a is None or b is None:
        return b is None
    if words.holds(one) is not words.holds(other):
        return words.holds(other)
    low_is_bad = one.limit is not None and one.limit.op in (">=", ">")
    return a < b if low_is_bad else a > b


@dataclass(frozen=True, slots=True)
class Scale:
    """The ends of a measurement's values over all nodes, its limit, and how many of how many break it."""

    low: Measurement | None = None
    high: Measurement | None = None
    limited: Measurement | None = None
    bad: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class Shading:
    """The shade of each node that has a value, and the scale that they are on."""

    shades: Mapping[str, Shade] = field(default_factory=dict)
    scale: Scale = field(default_factory=Scale)


def shading(values: Mapping[str, Measurement]) -> Shading:
    """The shades of these values and their scale."""
    read = [(number, name, m) for name, m in values.items() if (number := number_of(m)) is not None]
    if not read:
        return Shading()
    low, high = min(read, key=_number), max(read, key=_number)
    kept = {name: words.holds(m) for _, name, m in read}
    shades = {name: _SHADES[_step(number, low[0], high[0]), kept[name]] for number, name, _ in read}
    limited = min((r for r in read if r[2].limit is not None), key=_number, default=None)
    bad = sum(not ok for ok in kept.values())
    return Shading(shades, Scale(low[2], high[2], limited and limited[2], bad, len(read)))


def _number(read: tuple[float, str, Measurement]) -> float:
    return read[0]


def _step(number: float, low: float, high: float) -> int:
    if high <= low:
        return (STEPS + 1) // 2
    width = high / STEPS - low / STEPS  # divided first: the difference may be beyond what a float holds
    return min(STEPS, 1 + int((number - low) / width)) if math.isfinite(number - low) and width > 0 else 1


def legend(kind: Measure, scale: Scale, here: Measurement | None, look: Look, width: int) -> Line:
    """` rdma.write-bw write bw  here 392 Gb/s  1 173.8 Gb/s  5 391 Gb/s  needs at least 380 Gb/s  2 of 16 break it`."""
    parts: list[Span] = [(f" {look.text(str(kind), 60)}", Tone.BOLD)]
    if scale.low is None or scale.high is None:
        parts.append(("nothing measured yet", Tone.DIM))
    else:
        if here is not None:
            parts.append((f"here {look.folded(words.value(here))}", Tone.BOLD))
        parts.append((f"{look.shade(1)} {look.folded(words.value(scale.low))}", Tone.PLAIN))
        parts.append((f"{look.shade(STEPS)} {look.folded(words.value(scale.high))}", Tone.PLAIN))
        if scale.limited is not None:
            parts.append((f"needs {look.folded(words.limit_words(scale.limited))}", Tone.PLAIN))
            broken = f"{scale.bad:,} of {scale.count:,} break it"
            parts.append((broken, Tone.DEFECT if scale.bad else Tone.DIM))
    line: list[Span] = []
    used = 0
    for k, (text, tone) in enumerate(parts):
        text = ("  " if k else "") + text
        room = width - 1 - used
        line.append((look.fit(text, room).rstrip() if len(text) > room else text, tone))
        used += len(text)
        if used >= width - 1:
            break
    return tuple(line)
