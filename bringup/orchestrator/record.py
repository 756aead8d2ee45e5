"""What a run says: to the journal first, then to the state and to everybody who listens. And what it keeps in mind.

Of a resumed run this is also where it is decided what is kept, what is told again, and what was only an earlier
attempt's affair.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager

import msgspec

from bringup import events as ev
from bringup.check import AnyCheck
from bringup.defects import Fault
from bringup.diagnosis import diagnose
from bringup.journal import Journal
from bringup.model import Measurement, Node, Outcome, RunInfo, RunVerdict, Verdict, Why
from bringup.orchestrator.display import Display, Listener
from bringup.orchestrator.plan import Case, StagePlan
from bringup.run import RunState, settled

DISPLAY_S = 5.0
"""How long the end of a run waits for a display that is behind."""


class Record:
    """The one who writes. Safe to call from any thread.

    `kept` are the cases whose results an earlier attempt has settled, `readings` what checks of the fleet compare,
    `news` whether this attempt has added to them.
    """

    def __init__(
        self,
        journal: Journal,
        plans: Sequence[StagePlan],
        before: RunState | None,
        listeners: Sequence[Listener],
    ) -> None:
        self._journal, self._plans, self._resumed = journal, plans, before is not None
        self._displays = [Display(listener, self._dropped) for listener in listeners]
        self._lock = threading.Lock()
        self._checks: dict[str, AnyCheck] = {c.id: c for p in plans for c in p.checks}
        self._planned = {case.key for p in plans for case in p.cases}
        self.state = before or RunState()
        self.kept = frozenset(key for key, o in self.state.cases.items() if o and _judged(o))
        self.readings: dict[tuple[str, str], list[Measurement]] = {}
        self.news = False

    def write(self, event: ev.AnyEvent) -> None:
        """To the journal first, then to the state and everybody who listens."""
        with self._lock:
            stamped = self._journal.write(event)
            self.state.apply(stamped)
            for display in self._displays:
                display.tell(stamped)

    def together(self) -> AbstractContextManager[None]:
        """Events written meanwhile reach the disk at the end, at once."""
        return self._journal.together()

    def _dropped(self, error: Exception) -> None:
        self.write(ev.Note(text=f"a display was dropped: {error!r}"))

    def emit(self, outcome: Outcome) -> None:
        """A result, as a further attempt if there is one already that says something else."""
        before = self.state.cases.get((outcome.check, outcome.target))
        if before is not None:
            if _same(before, outcome):
                return
            outcome = msgspec.structs.replace(outcome, attempt=before.attempt + 1)
        check = self._checks.get(outcome.check)
        self.news = self.news or (check is not None and check.collects)
        self._remember(outcome)
        self.write(ev.Judged(outcome=outcome))

    def _remember(self, outcome: Outcome) -> None:
        check = self._checks.get(outcome.check)
        if check is not None and check.collects:
            with self._lock:
                for m in outcome.measurements:
                    self.readings.setdefault((outcome.check, m.name), []).append(m)

    def planned(self, key: tuple[str, str]) -> bool:
        """Whether this attempt has a use for the case."""
        return key in self._planned

    def plan_more(self, case: Case) -> None:
        """One more case that only the course of the run has made necessary."""
        self._planned.add(case.key)
        self.write(ev.Planned(stage=case.check.stage, check=case.check.id, targets=[case.target.key]))

    def begin(self, info: RunInfo, nodes: Sequence[Node]) -> None:
        """The first events: which run, which nodes, and everything that is planned."""
        if self._resumed:
            self.write(ev.Resumed(text=f"{len(self.kept)} results are kept"))
        else:
            self.write(ev.RunStarted(info=info))
        for node in nodes:
            self.write(ev.NodeListed(node=node))
        for outcome in self.state.outcomes:
            if (outcome.check, outcome.target) in self.kept:
                self._remember(outcome)
        for plan in self._plans:
            by_check: dict[str, list[str]] = {}
            for case in plan.cases:
                by_check.setdefault(case.check.id, []).append(case.target.key)
            for check, targets in by_check.items():
                self.write(ev.Planned(stage=plan.stage, check=check, targets=targets))

    def end(self, aborted: str) -> None:
        """The last events: every planned case without a result is accounted for, defects, verdict."""
        for (check_id, target), old in list(self.state.cases.items()):
            why, reason = Why.ABORTED, f"not run: {aborted or 'the run ended early'}"
            if not aborted and self._outdated(check_id, target, old):
                why, reason = (
                    Why.NOT_APPLICABLE,
                    "not needed any more: only an earlier attempt had a use for it",
                )
            elif old is not None:
                continue
            names = tuple(n for n in self.state.nodes if n in target.split())
            stage = self.state.case_stage[check_id]
            attempt = old.attempt + 1 if old else 1
            outcome = Outcome(
                check_id, stage, target, names, Verdict.NOT_RUN, attempt=attempt, reason=reason, why=why
            )
            self.write(ev.Judged(outcome=outcome))
        self.diagnose()
        verdict = self.state.judge_run()
        if aborted and verdict is RunVerdict.READY:
            verdict = RunVerdict.INCOMPLETE
        self.write(ev.RunEnded(verdict=verdict, aborted=aborted))

    def _outdated(self, check_id: str, target: str, old: Outcome | None) -> bool:
        """What an earlier attempt planned besides the plan (for partners left alone) and this one did not need."""
        open_ = old is None or (old.verdict in (Verdict.NOT_RUN, Verdict.ERROR) and not settled(old))
        return open_ and check_id in self._checks and (check_id, target) not in self._planned

    @property
    def faults(self) -> dict[str, tuple[Fault, ...]]:
        """What each check of the run may report."""
        return {c.id: c.faults for c in self._checks.values()}

    def diagnose(self) -> None:
        """The defects as they stand now, if they have changed."""
        defects = diagnose(self.state.outcomes, self.faults, self.state.nodes)
        if defects != self.state.defects:
            self.write(ev.DefectsFound(defects=defects))

    def close(self) -> None:
        """Nothing is written after this."""
        for display in self._displays:
            display.close(DISPLAY_S)
        self._journal.close()


def _judged(outcome: Outcome) -> bool:
    """Whether the nodes' answers have settled it: good, bad, or that it does not apply to what is there."""
    asked = outcome.why is Why.NOT_APPLICABLE and bool(outcome.evidence)
    return outcome.verdict in (Verdict.PASS, Verdict.FAIL) or asked


def _same(before: Outcome, now: Outcome) -> bool:
    """Whether a later attempt says nothing new."""
    if before.verdict is not now.verdict or now.evidence or before.evidence:
        return False
    return msgspec.structs.replace(now, attempt=before.attempt) == before
