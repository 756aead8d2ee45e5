"""What the confirm step came to, read from its results alone: a resumed, rejudged or older run decides the same.

The results of a moment in which a control failed speak neither for nor against anybody. Who was suspected and tested in
such a moment is not decided: nobody should walk for it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.diagnosis.confirm import Confirm, LaneOf, Meeting
from bringup.diagnosis.decide import Decision, Standing, decide
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.naming import counted, short
from bringup.diagnosis.screening import round_of
from bringup.diagnosis.suspects import Suspect, node_of, suspects
from bringup.diagnosis.symptoms import Sign
from bringup.diagnosis.trials import ends_of
from bringup.model import Outcome, Stage, Verdict, pair_key

UNCONFIRMED = "UNCONFIRMED"
"""The code of what stays open because a control failed."""
_GOOD = {Verdict.PASS: True, Verdict.FAIL: False}


@dataclass(frozen=True)
class Confirmed:
    """`decisions` by stage and ends of the suspect, `void` the results (check, target) that tell nothing, with the reason."""

    decisions: Mapping[tuple[Stage, tuple[str, ...]], Decision] = field(default_factory=dict)
    void: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, outcomes: Iterable[Outcome], screened: Callable[[Stage], Evidence], lane_of: LaneOf
    ) -> Confirmed:
        """All of it. `screened` is what the tests before the confirm step of a stage say."""
        of_stage: dict[Stage, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            if round_of(outcome):
                of_stage[outcome.stage].append(outcome)
        decisions: dict[tuple[Stage, tuple[str, ...]], Decision] = {}
        void: dict[tuple[str, str], str] = {}
        for stage, mine in of_stage.items():
            played = _Played(mine, suspects(screened(stage)))
            for decision in decide(played.plan, played.results, lane_of):
                decisions[stage, decision.suspect.ends] = decision
            void |= played.void(lane_of)
        return cls(decisions, void)

    def undecided(self, signs: Iterable[Sign]) -> list[Sign]:
        """The same signs; those that a failed control leaves open are no longer proven."""
        return [self._open(sign) for sign in signs]

    def _open(self, sign: Sign) -> Sign:
        why = self.void.get((sign.check, sign.target), "")
        if not why and len(sign.at) == 1 and not sign.unjudged:
            decision = self.decisions.get((sign.stage, sign.at))
            if decision is not None and _left_open(decision):
                why = decision.why
        if not why:
            return sign
        return dataclasses.replace(
            sign, code=UNCONFIRMED, was=sign.first_code, unjudged=True, measured=why, value=None, ruled_out=()
        )

    def told(self, signs: Iterable[Sign], leaf: Mapping[str, str]) -> list[Sign]:
        """The same signs; what the confirmation says about each stands before the rest of what was ruled out."""
        return [
            dataclasses.replace(sign, ruled_out=(*said, *sign.ruled_out)) if said else sign
            for sign in signs
            for said in (self._said(sign, leaf),)
        ]

    def _said(self, sign: Sign, leaf: Mapping[str, str]) -> tuple[str, ...]:
        if sign.unjudged or not self.decisions:
            return ()
        decision = self.decisions.get((sign.stage, tuple(sorted(sign.at))))
        if decision is not None:
            return (_sentence(decision),)
        if len(sign.at) != 1 or sign.at == sign.first_at:
            return ()
        (at,) = sign.at
        mine = [
            d
            for (stage, ends), d in self.decisions.items()
            if stage is sign.stage and len(ends) == 1 and at in (node_of(ends[0]), leaf.get(ends[0], ""))
        ]
        again = sum(d.standing is Standing.CONFIRMED for d in mine)
        said = f"{again} of {counted(len(mine), 'port')} were bad again with two partners that are known to be good"
        return (f"chance: {said}",) if again else ()


def _sentence(decision: Decision) -> str:
    lead = {
        Standing.CONFIRMED: "chance",
        Standing.FLAKY: "a lasting fault",
        Standing.CLEARED: "the end itself",
    }.get(decision.standing, "not confirmed")
    return f"{lead}: tested again, {decision.why}"


class _Played:
    """The rounds of one stage's confirm step as they were run, and what became of them."""

    def __init__(self, outcomes: Sequence[Outcome], accused: Sequence[Suspect]) -> None:
        self._of_ends = {frozenset(s.ends): s for s in accused}
        self._said: dict[tuple[int, str, str, bool], list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            key = pair_key(outcome.target)
            if key is not None:
                ends = ends_of(outcome.at, (key.a, key.b))
                self._said[key.further, ends[0], ends[1], key.control].append(outcome)
        last = max((further for further, *_ in self._said), default=0)
        rounds: list[list[Meeting]] = [[] for _ in range(last)]
        self.results: list[dict[Meeting, bool | None]] = [{} for _ in range(last)]
        for (further, a, b, control), mine in self._said.items():
            about = None if control else self._about(a, b)
            if not control and about is None:
                continue  # nobody suspects either of them, or not any more: there is nothing to decide
            meeting = Meeting(a, b, tuple(o.check for o in mine), about)
            rounds[further - 1].append(meeting)
            self.results[further - 1][meeting] = _together(mine)
        self.plan = Confirm(tuple(tuple(tests) for tests in rounds))

    def _about(self, a: str, b: str) -> Suspect | None:
        way = self._of_ends.get(frozenset((a, b)))
        mine = [s for end in (a, b) if (s := self._of_ends.get(frozenset((end,)))) is not None]
        if len(mine) == 2:  # one of them was taken for a partner, since only what lies beyond it was in doubt
            mine = [s for s in mine if not s.beyond]
        return way or (mine[0] if len(mine) == 1 else None)

    def void(self, lane_of: LaneOf) -> dict[tuple[str, str], str]:
        """The results of lanes and rounds in which a control failed."""
        broken = {
            (further, lane_of(a)): f"the control of {short((a, b))} failed at the same time"
            for (further, a, b, control), mine in self._said.items()
            if control and _together(mine) is False
        }
        return {
            (o.check, o.target): broken[further, lane_of(a)]
            for (further, a, _, _), mine in self._said.items()
            if (further, lane_of(a)) in broken
            for o in mine
        }


def _together(outcomes: Iterable[Outcome]) -> bool | None:
    """Good if all checks of the two are good, bad if one is bad."""
    said = [_GOOD.get(o.verdict) for o in outcomes]
    return False if False in said else None if None in said else True


def _left_open(decision: Decision) -> bool:
    """Whether a failed control leaves the part itself open. A decision beyond it is about its leaf."""
    failed = decision.standing is Standing.ERROR and decision.control_failed
    return failed and not decision.suspect.beyond
