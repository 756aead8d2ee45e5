"""Adds scores up: one row for each kind of fault, and the totals that are the project's score. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.campaign.types import Alarm, FaultScore, Hit, Score


@dataclass
class Row:
    """One kind: of `planted` faults so many were found at all, at the right component, with the right class."""

    kind: str
    oddity: bool = False
    closes: str = ""
    planted: int = 0
    found: int = 0
    placed: int = 0
    right: int = 0
    alarms: int = 0
    seconds: float = 0.0
    shapes: set[str] = field(default_factory=set)

    def add(self, fault: FaultScore, shape: str, seconds: float) -> None:
        """Count one seeded fault; `seconds` is its share of the scenario's time."""
        self.planted += 1
        self.found += fault.hit is not Hit.MISSED
        self.placed += fault.hit in (Hit.RIGHT, Hit.WRONG_CLASS)
        self.right += fault.hit is Hit.RIGHT
        self.seconds += seconds
        self.shapes.add(shape)

    @property
    def complete(self) -> bool:
        """Whether every one of them is right."""
        return self.right == self.planted and not self.alarms


@dataclass(frozen=True)
class Totals:
    """The score of a campaign. `due` are faults that must be found today, `later` those that may be missed."""

    rows: tuple[Row, ...]
    scores: tuple[Score, ...]
    unplayed: Mapping[str, str] = field(default_factory=dict)
    wall_s: float = 0.0

    @property
    def due(self) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if not r.oddity and not r.closes)

    @property
    def later(self) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if r.closes)

    @property
    def oddities(self) -> tuple[Row, ...]:
        return tuple(r for r in self.rows if r.oddity)

    @property
    def clean(self) -> tuple[Score, ...]:
        return self.family("clean")

    @property
    def cases(self) -> tuple[Score, ...]:
        return self.family("case")

    def family(self, name: str) -> tuple[Score, ...]:
        """The scores of one family of scenarios."""
        return tuple(s for s in self.scores if s.scenario.family == name)

    @property
    def alarms(self) -> tuple[tuple[Score, Alarm], ...]:
        """Every alarm that nothing excuses, with its scenario."""
        return tuple((s, a) for s in self.scores if not s.scenario.closes for a in s.collateral)

    @property
    def failed(self) -> tuple[Score, ...]:
        return tuple(s for s in self.scores if s.failed)


def total(scores: Iterable[Score], unplayed: Mapping[str, str] | None = None, wall_s: float = 0.0) -> Totals:
    """Everything added up; the acceptance cases stand for themselves and are in no row."""
    ordered = tuple(sorted(scores, key=lambda s: (s.scenario.family, s.scenario.id)))
    rows: dict[str, Row] = {}
    for score in ordered:
        if score.scenario.family == "case":
            continue
        share = score.seconds / len(score.faults) if score.faults else 0.0
        for fault in score.faults:
            planted = fault.planted
            row = rows.setdefault(planted.kind, Row(planted.kind, planted.oddity, planted.closes))
            row.add(fault, score.scenario.shape, share)
        for alarm in score.collateral:
            if alarm.kind in rows:
                rows[alarm.kind].alarms += 1
    return Totals(tuple(sorted(rows.values(), key=lambda r: r.kind)), ordered, dict(unplayed or {}), wall_s)


def share(part: int, whole: int) -> str:
    """A part as people read it: `23 of 24 (96 %)`."""
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "none"


def summed(rows: Sequence[Row], what: str) -> int:
    """The sum of one column."""
    return sum(int(getattr(row, what)) for row in rows)
