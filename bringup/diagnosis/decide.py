"""What the results of a confirmation say about each suspect. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bringup.diagnosis.confirm import PARTNERS, Confirm, LaneOf, Meeting, Round
from bringup.diagnosis.naming import short
from bringup.diagnosis.suspects import Suspect

Results = Sequence[Mapping[Meeting, bool | None]]
"""For each round what became of its tests: good, bad, or None where it could not be judged."""


class Standing(StrEnum):
    """confirmed: bad with everybody. cleared: good after all. flaky: now good, now bad. error: nothing is known,
    because the control failed too or a test could not be judged. open: bad, but with too few partners to be sure."""

    CONFIRMED = "confirmed"
    CLEARED = "cleared"
    FLAKY = "flaky"
    ERROR = "error"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a suspect, and why, in words for people."""

    suspect: Suspect
    standing: Standing
    why: str
    control_failed: bool = False


def decide(plan: Confirm, results: Results, lane_of: LaneOf) -> tuple[Decision, ...]:
    """A decision for every suspect of the plan. A test without a result counts as not judged."""
    mine: dict[Suspect, list[tuple[int, Meeting]]] = {suspect: [] for suspect in plan.short_of}
    for number, tests in enumerate(plan.rounds):
        for test in tests:
            if test.about is not None:
                mine.setdefault(test.about, []).append((number, test))
    known = [*results, *({} for _ in range(len(plan.rounds) - len(results)))]
    return tuple(_decide(suspect, tests, plan, known, lane_of) for suspect, tests in mine.items())


def _decide(
    suspect: Suspect, tests: Sequence[tuple[int, Meeting]], plan: Confirm, results: Results, lane_of: LaneOf
) -> Decision:
    said = [results[number].get(test) for number, test in tests]
    for (number, test), good in zip(tests, said, strict=True):
        lane = lane_of(test.a)
        for control in _controls(plan.rounds[number], lane, lane_of):
            verdict = results[number].get(control)
            if verdict is not True:
                how = "failed" if verdict is False else "could not be judged"
                why = f"the control of {short((control.a, control.b))} {how} at the same time"
                return Decision(suspect, Standing.ERROR, why, control_failed=verdict is False)
        if good is None:
            why = f"the test of {short((test.a, test.b))} could not be judged"
            return Decision(suspect, Standing.ERROR, why)
    judged = _way if len(suspect.ends) == 2 else _end
    standing, why = judged(suspect, tests, said, plan.short_of)
    controlled = all(any(_controls(plan.rounds[n], lane_of(t.a), lane_of)) for n, t in tests)
    return Decision(suspect, standing, why if controlled else f"{why}; there was no pair left for a control")


def _controls(tests: Round, lane: str, lane_of: LaneOf) -> list[Meeting]:
    return [t for t in tests if t.about is None and lane_of(t.a) == lane]


def _way(
    suspect: Suspect, tests: Sequence[tuple[int, Meeting]], said: Sequence[bool | None], short_of: Mapping[Suspect, str]
) -> tuple[Standing, str]:  # fmt: skip
    """A way that is bad again each time is bad; one that is good again fails now and then."""
    if any(said):
        return Standing.FLAKY, f"good in {sum(map(bool, said))} of {len(said)} further tries of the same two"
    if len(said) < PARTNERS:
        return Standing.OPEN, short_of.get(suspect, f"bad in {len(said)} further tries of the same two")
    return Standing.CONFIRMED, f"bad in all {len(said)} further tries of the same two"


def _end(
    suspect: Suspect, tests: Sequence[tuple[int, Meeting]], said: Sequence[bool | None], short_of: Mapping[Suspect, str]
) -> tuple[Standing, str]:  # fmt: skip
    partners = [t.b if t.a in suspect.ends else t.a for _, t in tests]
    good = [p for p, well in zip(partners, said, strict=True) if well]
    bad = [p for p, well in zip(partners, said, strict=True) if not well]
    if good and bad:
        return Standing.FLAKY, f"good with {short(good)}, bad with {short(bad)}, both known to be good"
    if good and len(suspect.failed_with) >= 2:
        before = len(suspect.failed_with)
        return Standing.FLAKY, f"good with {short(good)}, bad before with {before} partners that are good"
    if good:
        return Standing.CLEARED, f"good with {short(good)}"
    if len(bad) < PARTNERS:
        return Standing.OPEN, short_of.get(
            suspect, f"bad with {short(bad)}, met no second known-good partner"
        )
    return Standing.CONFIRMED, f"bad with {short(bad)}, both known to be good"
