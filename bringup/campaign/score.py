"""What a run reported against what was planted: pure, the only place that says what a hit and a false alarm are.

A folded defect counts once at each of its components. A claim is one such place of a defect.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bringup.campaign.types import (
    HITS,
    Alarm,
    FaultScore,
    Hit,
    Place,
    Planted,
    Played,
    Scenario,
    Score,
    Wanted,
)
from bringup.defects import Defect, Who
from bringup.model import RunVerdict


@dataclass(frozen=True, slots=True)
class Claim:
    """One place of a defect: `component` is there, `whole` what the defect as a whole names."""

    code: str
    component: str
    whole: str
    who: str
    nodes: tuple[str, ...]
    measured: str


def claims(defects: Iterable[Defect], names: Collection[str]) -> list[Claim]:
    """Every defect at each of its places."""
    found: list[Claim] = []
    for d in defects:
        for component in dict.fromkeys(d.components or (d.component,)):
            owner = component.split("/")[0]
            nodes = (owner,) if owner in names else d.nodes
            found.append(Claim(d.code, component, d.component, d.who.value, nodes, d.measured))
    return found


def score(scenario: Scenario, played: Played) -> Score:
    """How the scenario came out."""
    names = {name for planted in scenario.planted for name in planted.nodes}
    names |= {name for d in played.defects for name in d.nodes}
    made = claims(played.defects, names)
    used: set[int] = set()
    faults: list[FaultScore] = []
    for planted in scenario.planted:
        hits = [_place(place, made, used) for place in planted.places]
        worst = max(hits, key=HITS.index, default=Hit.RIGHT)
        mine = [f"{c.code} {c.component} ({c.who})" for c in made if set(c.nodes) & set(planted.nodes)]
        faults.append(FaultScore(planted, worst, tuple(dict.fromkeys(mine))[:8]))
    alarms = [_alarm(c, scenario.planted) for index, c in enumerate(made) if index not in used]
    if played.error:  # nothing is known about a run that crashed
        faults = [FaultScore(p, Hit.MISSED if p.places else Hit.RIGHT) for p in scenario.planted]
    return Score(scenario, tuple(faults), tuple(alarms), tuple(_problems(scenario, played)), played.seconds)


def _place(place: Place, made: Sequence[Claim], used: set[int]) -> Hit:
    """The best hit at this place; every claim that speaks of it is accounted for."""
    best = Hit.MISSED
    for index, claim in enumerate(made):
        for wanted in place.anyone_of:
            if not fnmatch.fnmatchcase(claim.code, wanted.code):
                continue
            if _is_at(claim, wanted, place):
                hit = Hit.RIGHT if claim.who == wanted.who else Hit.WRONG_CLASS
            elif set(claim.nodes) & set(place.nodes):
                hit = Hit.MISPLACED
            else:
                continue
            used.add(index)
            best = min(best, hit, key=HITS.index)
    return best


def _is_at(claim: Claim, wanted: Wanted, place: Place) -> bool:
    if fnmatch.fnmatchcase(claim.component, wanted.component):
        return True
    patterns = (wanted.component, "fleet/*") if wanted.component == "fleet" else (wanted.component,)
    whole = any(fnmatch.fnmatchcase(claim.whole, pattern) for pattern in patterns)
    return whole and set(claim.nodes) <= set(place.nodes)


def _alarm(claim: Claim, planted: Sequence[Planted]) -> Alarm:
    """An alarm with the fault at its node, if there is one; only a fault that nothing can name yet excuses it."""
    near = next((p for p in planted if set(p.nodes) & set(claim.nodes)), None)
    later = near.closes if near is not None else ""
    kind = near.kind if near is not None else ""
    return Alarm(claim.code, claim.component, claim.who, claim.measured, claim.nodes, kind, later)


def _problems(scenario: Scenario, played: Played) -> Iterable[str]:
    """What is wrong with the run whatever it found: it crashed, left holes, or its verdict contradicts the faults."""
    if played.error:
        yield played.error
        return
    yield from played.broken
    if scenario.probe:
        return
    if played.missing:
        yield f"{played.missing} planned results are missing"
    due = [p for p in scenario.planted if p.places and not p.closes]
    proven = any(
        all(w.who != Who.COULD_NOT_JUDGE.value for w in place.anyone_of) for p in due for place in p.places
    )
    if due and played.verdict == RunVerdict.READY.value:
        yield "the verdict is READY although faults were seeded"
    elif proven and played.verdict != RunVerdict.NOT_READY.value:
        yield f"the verdict is {played.verdict}, not NOT READY"
    elif not any(p.places for p in scenario.planted) and played.verdict != RunVerdict.READY.value:
        yield f"the verdict is {played.verdict} although nothing is wrong"
