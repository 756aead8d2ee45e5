"""Which mark a node bears: the worst of its defects and results, with what is still going on.

A failed result of several targets counts only against the nodes that it speaks of: the fleet check that found three
odd nodes says nothing bad about the others, and a node that failed with a bad partner but passed the same check with
another one is not to blame. Where that cannot be said, the node is unknown, never a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.defects import Defect, Who
from bringup.model import FLEET, Outcome, Stage, Verdict
from bringup.report import words
from bringup.run import settled
from bringup.tui.look import Mark, worst

Case = tuple[str, str]
"""A check's id and a target's key."""


def defect_mark(defect: Defect) -> Mark:
    """The mark of a defect by who must act."""
    match defect.who:
        case Who.HANDS_ON:
            return Mark.DEFECT
        case Who.COULD_NOT_JUDGE:
            return Mark.UNKNOWN
        case _:
            return Mark.CONFIG


def result_mark(outcome: Outcome, blamed: Defect | None = None) -> Mark:
    """The mark of one result. `blamed` is the defect that explains it: it says whose work it is."""
    match outcome.verdict:
        case Verdict.FAIL:
            return defect_mark(blamed) if blamed else Mark.DEFECT
        case Verdict.ERROR:
            return Mark.UNKNOWN
        case Verdict.NOT_RUN:
            return Mark.NOT_RUN
        case _:
            return Mark.FIXED if outcome.attempt > 1 else Mark.PASS


def speaks_of(outcome: Outcome, node: str) -> bool:
    """Whether an unsettled result says something about this node, and not only about others of its target."""
    if len(outcome.nodes) <= 2 and outcome.target != FLEET:
        return True
    if outcome.verdict is not Verdict.FAIL:
        return outcome.target != FLEET
    paths = [m.at for m in words.broken(outcome)] + [f.at for f in words.failures(outcome)]
    named = {end.partition("/")[0] for path in paths for end in path.split(" ~ ")}
    return node in named or named.isdisjoint(outcome.nodes)


@dataclass(slots=True)
class Tally:
    """The results of one node, counted as they come so that a new one costs nothing."""

    judged: int = 0
    stages: Counter[Stage] = field(default_factory=Counter)
    fixed: bool = False
    passed: set[str] = field(default_factory=set)
    unsettled: dict[Case, Verdict] = field(default_factory=dict)

    def add(self, outcome: Outcome, node: str) -> None:
        """Take one result in."""
        self.judged += 1
        self.stages[outcome.stage] += 1
        if outcome.verdict is Verdict.PASS:
            self.passed.add(outcome.check)
            self.fixed = self.fixed or outcome.attempt > 1
        elif not settled(outcome) and speaks_of(outcome, node):
            self.unsettled[outcome.check, outcome.target] = outcome.verdict


def tally(outcomes: Iterable[Outcome], node: str) -> Tally:
    """The counted results of one node."""
    counted = Tally()
    for outcome in outcomes:
        counted.add(outcome, node)
    return counted


def node_mark(
    counted: Tally,
    defects: Sequence[Defect],
    explained: Mapping[Case, Defect],
    *,
    working: bool,
    open_cases: bool,
    over: bool,
) -> Mark:
    """The mark of one node. `open_cases`: something planned for it has no result yet."""
    marks = {defect_mark(defect) for defect in defects}
    marks |= {
        m
        for case, verdict in counted.unsettled.items()
        if (m := open_mark(case, verdict, counted, defects, explained))
    }
    if over and (open_cases or not counted.judged):
        marks.add(Mark.UNKNOWN)
    if working:
        marks.add(Mark.RUNNING)
    if counted.passed:
        marks.add(Mark.FIXED if counted.fixed else Mark.PASS)
    return worst(list(marks)) if marks else Mark.NOT_RUN if over else Mark.WAITING


def open_mark(
    case: Case, verdict: Verdict, counted: Tally, defects: Sequence[Defect], explained: Mapping[Case, Defect]
) -> Mark | None:
    """What an unsettled result makes of the node; None if its cause is elsewhere and the node has passed the check."""
    cause = explained.get(case)
    if cause is not None and cause not in defects and case[0] in counted.passed:
        return None
    if verdict is Verdict.NOT_RUN:
        return Mark.NOT_RUN
    if verdict is Verdict.ERROR:
        return Mark.UNKNOWN
    if cause is None:
        return Mark.DEFECT
    return defect_mark(cause) if cause in defects else Mark.UNKNOWN
