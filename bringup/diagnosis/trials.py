"""From outcomes to trials: what each test of two ends says about one fault code, and only about that one.

A node that is slow and one that computes wrong results meet: their test fails for both reasons. For the speed it is
one trial, for the results another, so that each node keeps its own fault and none gets the other's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.diagnosis.symptoms import Sign
from bringup.model import Limit, Measurement, Outcome, Verdict

Key = tuple[str, str]
"""Check id and fault code."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of two ends (ports, or nodes with all their ports) for one fault. `a` sent and `b` received.

    `share` is the part of its limit that was reached, 1 or more being good; None where nothing was measured.
    """

    a: str
    b: str
    good: bool
    share: float | None = None

    @property
    def ends(self) -> tuple[str, str]:
        return (self.a, self.b)

    @property
    def pair(self) -> frozenset[str]:
        return frozenset((self.a, self.b))

    @property
    def score(self) -> float:
        """The share, or 1 and 0 where nothing was measured."""
        return float(self.good) if self.share is None else self.share


def ends_of(at: Sequence[str], nodes: tuple[str, ...]) -> tuple[str, ...]:
    """The two ends of a pair: its two ports, or its two nodes when every port of both took part."""
    return tuple(at) if len(at) == 2 else nodes


def trials(
    outcomes: Iterable[Outcome], signs: Iterable[Sign], defaults: Mapping[str, str]
) -> dict[Key, tuple[Trial, ...]]:
    """The trials of every check and fault code of which there is a sign at two ends.

    `defaults` is the code of each check for measurements without one. A failure that names its end itself speaks
    against nobody else, so it is no trial; and what could not be judged is none.
    """
    open_ = {(s.check, s.target, s.code) for s in signs if len(s.at) >= 2 and not s.unjudged and not s.joined}
    named = {(s.check, s.target) for s in signs if len(s.at) < 2 or s.unjudged}
    codes: dict[str, set[str]] = defaultdict(set)
    for check, _, code in open_:
        codes[check].add(code)
    mine: dict[str, list[Outcome]] = defaultdict(list)
    measured: set[Key] = set()
    for outcome in outcomes:
        if outcome.check in codes and len(outcome.nodes) == 2:
            mine[outcome.check].append(outcome)
            default = defaults.get(outcome.check, "")
            measured |= {(outcome.check, m.code or default) for m in _limited(outcome)}
    found: dict[Key, list[Trial]] = defaultdict(list)
    for check, tested in mine.items():
        default = defaults.get(check, "")
        for outcome in tested:
            a, b = ends_of(outcome.at, outcome.nodes)
            for code in codes[check]:
                values = [m for m in _limited(outcome) if (m.code or default) == code]
                good = _good(outcome, code, values, open_, named, (check, code) in measured)
                if good is not None:
                    found[check, code].append(Trial(a, b, good, _share(values)))
    return {key: tuple(all_) for key, all_ in found.items()}


def _limited(outcome: Outcome) -> Iterator[Measurement]:
    return (m for m in outcome.measurements if m.limit is not None)


def _good(
    outcome: Outcome,
    code: str,
    values: Sequence[Measurement],
    open_: set[tuple[str, str, str]],
    named: set[tuple[str, str]],
    measured: bool,
) -> bool | None:
    """Whether the test speaks for its ends or against them; None where it says nothing about this fault."""
    if (outcome.check, outcome.target, code) in open_:
        return False
    if outcome.verdict is Verdict.PASS:
        # where others were measured for it: two trays of different NVLink domains say nothing about MNNVL
        return True if values or not measured else None
    if outcome.verdict is not Verdict.FAIL:
        return None
    if values:
        return True if all(m.ok for m in values) else None
    # a fault that is never measured, such as a connection that breaks: it did not, if others were measured
    reached = any(_limited(outcome)) and (outcome.check, outcome.target) not in named
    return True if reached and not measured else None


def _share(values: Sequence[Measurement]) -> float | None:
    """The worst share of a limit; None where there is none to compute."""
    shares = [_part(m.value, m.limit) for m in values if m.limit is not None]
    known = [share for share in shares if share is not None]
    return min(known) if known and len(known) == len(shares) else None


def _part(value: float | str, limit: Limit) -> float | None:
    bound = limit.value
    if isinstance(value, str) or isinstance(bound, str | bool) or bound <= 0 or value < 0:
        return None
    if limit.op in (">=", ">"):
        return value / bound
    if limit.op in ("<=", "<") and value > 0:
        return bound / value
    return None
