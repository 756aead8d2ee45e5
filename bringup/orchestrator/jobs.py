"""Jobs of many nodes, wave after wave; where one fails, further jobs of the same size tell who makes it fail.

Who is known to spoil every job is left out, so that the next wave says something about the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from bringup import events as ev
from bringup.context import Context
from bringup.diagnosis.bisect import Ask, Found, Job
from bringup.diagnosis.jobs import job_key, search_key, spoilers, step_of
from bringup.diagnosis.naming import some
from bringup.judging import not_run
from bringup.model import Group, Node, Outcome, Verdict, Why
from bringup.orchestrator.plan import Case, StagePlan, make_case
from bringup.orchestrator.record import Record
from bringup.topology.jobs import LEAST

MOST_TURNS = 40
"""So many times at most the search of a wave asks for further jobs; a culprit takes about six, and one more about ten."""
_JUDGED = (Verdict.PASS, Verdict.FAIL)


class Jobs:
    """The jobs of one stage. `gone` tells who has left the run, `play` runs cases without a common node at once."""

    def __init__(
        self,
        record: Record,
        nodes: Sequence[Node],
        ctx: Context,
        gone: Callable[[str], bool],
        play: Callable[[Sequence[Case]], None],
    ) -> None:
        self._record, self._ctx, self._gone, self._play = record, ctx, gone, play
        self._nodes = {node.name: node for node in nodes}

    def run(self, plan: StagePlan) -> None:
        """Every wave, and after each of them the search for what made its jobs fail."""
        told: dict[str, str] = {}
        for number, wave in enumerate(plan.jobs, 1):
            self._say_round(plan, len(plan.jobs) - number)
            out = spoilers(self._record.state.outcomes, self._nodes)
            if new := [name for name in out if name not in told]:
                text = f"{plan.stage.value}: {some(new)} left out of jobs of many nodes: bad already"
                self._record.write(ev.Note(text=text))
            told |= out
            self._play(list(self._fit(wave, out)))
            self._search(plan, wave, len(plan.jobs) - number)

    def _say_round(self, plan: StagePlan, to_come: int) -> None:
        turn = self._record.state.stages[plan.stage].round + 1
        self._record.write(ev.RoundStarted(stage=plan.stage, round=turn, rounds=turn + to_come))

    def _fit(self, wave: Sequence[Case], out: dict[str, str]) -> Iterator[Case]:
        """The cases to run now, each with the nodes that are fit for it. What cannot be run is written as such."""
        for case in wave:
            if case.key in self._record.kept:
                continue
            members = tuple(n for n in case.target.nodes if n.name not in out and not self._gone(n.name))
            if case.why is not Why.NOT_APPLICABLE and len(members) < LEAST:
                reason = f"{len(members)} of its {len(case.target.nodes)} nodes are fit for it"
                outcome = not_run(case.check, case.target, Why.QUARANTINED, reason, self._ctx)
                missing = tuple(n.name for n in case.target.nodes if n not in members)
                self._record.emit(msgspec.structs.replace(outcome, nodes=missing))
                continue
            whole = len(members) == len(case.target.nodes)
            yield case if whole or case.plan is None else self._case(case, case.target.key, members)

    def _case(self, like: Case, key: str, members: tuple[Node, ...], rails: tuple[int, ...] = ()) -> Case:
        return make_case(like.check, Group(key, members, rails), self._ctx, like.listen_port)

    # ------------------------------------------------------------------------------------------ the search

    def _search(self, plan: StagePlan, wave: Sequence[Case], to_come: int) -> None:
        """Searches of several failed jobs go on at the same time, as far as they share no node."""
        untold = {
            o.target
            for o in self._record.state.outcomes
            if (key := job_key(o.target)) is not None and key.number and o.verdict not in _JUDGED
        }
        open_ = list(wave)
        for _ in range(MOST_TURNS):
            busy: set[str] = set()
            turn: list[Case] = []
            for case in list(open_):
                step = self._step(case, untold)
                if not isinstance(step, Ask):
                    open_.remove(case)
                elif not busy & {name for job in step.jobs for name in job.nodes}:
                    turn += [self._search_case(case, job, number) for number, job in enumerate(step.jobs)]
                    busy |= {name for job in step.jobs for name in job.nodes}
            if not turn:
                return
            for case in turn:
                self._record.plan_more(case)
            self._say_round(plan, to_come)
            self._play(turn)
            untold -= {case.target.key for case in turn}

    def _step(self, case: Case, untold: set[str]) -> Ask | Found | None:
        failed = self._record.state.cases.get(case.key)
        if failed is None or failed.verdict is not Verdict.FAIL:
            return None
        return step_of(failed, self._record.state.outcomes, self._nodes, untold)

    def _search_case(self, case: Case, job: Job, index: int) -> Case:
        """A job of the search. One that an earlier attempt has not told yet keeps its key."""
        base = case.target.key
        before = [o for o in self._record.state.outcomes if o.check == case.check.id and _of(o, base)]
        known = next((o.target for o in before if _same(o, job)), "")
        key = known or search_key(base, len(before) + 1 + index, job)
        members = tuple(self._nodes[name] for name in job.nodes)
        return self._case(case, key, members, tuple(map(int, job.rails)))


def _of(outcome: Outcome, base: str) -> bool:
    key = job_key(outcome.target)
    return key is not None and key.base == base and key.number > 0


def _same(outcome: Outcome, job: Job) -> bool:
    """Whether an outcome is one of this job that was not judged."""
    key = job_key(outcome.target)
    return (
        key is not None
        and outcome.verdict not in _JUDGED
        and (outcome.nodes[: key.suspects], key.again, key.rails) == (job.suspects, job.again, job.rails)
    )
