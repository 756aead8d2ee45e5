"""Takes a run from its plan to its verdict: stage by stage, with gates between, everything written to the journal."""

from __future__ import annotations

import dataclasses
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bringup import events as ev
from bringup.context import Context
from bringup.fleet import LocalFleet, Work
from bringup.journal import Journal
from bringup.model import Group, Node, Pair, RunInfo, Why
from bringup.orchestrator.collector import Collector, refused
from bringup.orchestrator.confirmation import Confirmation, confirmation, once_more
from bringup.orchestrator.desk import Desk
from bringup.orchestrator.display import Listener
from bringup.orchestrator.earlier import Earlier
from bringup.orchestrator.evidence import EvidenceStore
from bringup.orchestrator.folder import RunFolder
from bringup.orchestrator.gates import Gates
from bringup.orchestrator.jobs import Jobs
from bringup.orchestrator.kept import read_kept
from bringup.orchestrator.partners import home_round, untested_cases
from bringup.orchestrator.plan import LANES, Battle, Case, StagePlan, make_battle, make_case
from bringup.orchestrator.quarantine import Left, gone
from bringup.orchestrator.record import Record
from bringup.orchestrator.standing import Standing
from bringup.orchestrator.work import duels, jobs_of, teams
from bringup.run import RunState
from bringup.topology import repaired
from bringup.transport import Cancel

INTERRUPTED = "interrupted"
"""Why a run that was asked to stop ended early."""


class _Stopped(Exception):
    """The run was asked to stop."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine works: `lanes` commands at once on a node.

    `whole`: suspects are tested again, and who was tested with nobody is told. A retest plans just what it needs, and
    nobody misses the rest.
    """

    lanes: int = LANES
    whole: bool = True


class Engine:
    """One run. `run()` blocks until the end and returns the final state; Ctrl-C ends it early and cleanly."""

    def __init__(
        self,
        info: RunInfo,
        nodes: Sequence[Node],
        plans: Sequence[StagePlan],
        ctx: Context,
        fleet: LocalFleet,
        folder: RunFolder,
        *,
        before: RunState | None = None,
        listeners: Sequence[Listener] = (),
        options: EngineOptions | None = None,
    ) -> None:
        self._info, self._nodes, self._plans, self._ctx, self._fleet = info, nodes, plans, ctx, fleet
        self._options = options or EngineOptions()
        self._folder = folder.path
        self._store = EvidenceStore(folder.path)
        self._standing = Standing(folder.path)
        self._record = Record(Journal(folder.journal), plans, before, listeners)
        self._gates = Gates(self._record, fleet, ctx)
        self._left: Mapping[str, Left] = self._gates.left
        self._cancel = Cancel()
        self._asked_to_stop = False
        self._wishes: queue.SimpleQueue[bool] = queue.SimpleQueue()

    @property
    def state(self) -> RunState:
        """Everything known so far."""
        return self._record.state

    # -------------------------------------------------------------------------------------------- the run

    def run(self) -> RunState:
        """Run all stages. Whatever happens, the journal ends with every planned case accounted for."""
        aborted = ""
        stopper = threading.Thread(target=self._wait_for_a_wish, name="stop", daemon=True)
        stopper.start()
        try:
            try:
                self._record.begin(self._info, self._nodes)
                for plan in self._plans:
                    self._stage(plan)
            except (_Stopped, KeyboardInterrupt):
                aborted = INTERRUPTED
            except Exception as error:
                self._record.end(
                    f"an internal error: {error!r}"
                )  # raises again where it was the journal's disk
                raise
            self._fleet.close()
            self._record.end(aborted)
        finally:
            self._cancel.set()
            self._wishes.put(False)
            self._fleet.close()
            self._store.close()
            self._record.close()
        return self.state

    def stop(self) -> None:
        """End the run early: commands are killed on the nodes, what is not judged is written as not run.

        Takes no lock and wakes nobody itself, so that a signal handler may call it at any moment, even twice.
        """
        self._asked_to_stop = True
        self._wishes.put(True)

    def _wait_for_a_wish(self) -> None:
        if self._wishes.get():
            self._cancel.set()

    def _check_wish(self) -> None:
        if self._asked_to_stop or self._cancel.is_set():
            raise _Stopped

    # -------------------------------------------------------------------------------------------- a stage

    def _stage(self, plan: StagePlan) -> None:
        self._check_wish()
        self._record.write(
            ev.StageStarted(stage=plan.stage, estimate_s=plan.estimate_s, rounds=max(1, len(plan.rounds)))
        )
        self._single(plan)
        met = {frozenset((b.a.name, b.b.name)) for battles in plan.rounds for b in battles}
        for number, battles in enumerate(plan.rounds, 1):
            self._record.write(ev.RoundStarted(stage=plan.stage, round=number, rounds=len(plan.rounds)))
            self._round(plan, number, battles, met)
        if self._options.whole:
            self._confirm(plan, len(plan.rounds) + self._home(plan, len(plan.rounds)))
        jobs = Jobs(
            self._record,
            self._nodes,
            self._ctx,
            lambda name: gone(name, self._left),
            partial(self._pairs, plan),
        )
        jobs.run(plan)
        self._groups(plan)
        if self._options.whole:
            self._say_untested(plan)
        self._record.write(ev.StageEnded(stage=plan.stage))
        self._record.diagnose()

    def _single(self, plan: StagePlan) -> None:
        """All checks of single nodes: one script per node with every distinct command."""
        earlier = self._earlier(plan)
        cases = self._gates.eligible(plan.nodes, earlier)
        asked = any(c.check.judges_loss for c in cases)
        excuse = self._unreached if asked else None
        collector = Collector(
            plan.stage, cases, self._ctx, self._store, self._record.emit, excuse, earlier, self._standing
        )
        fresh = {step.command for case in cases if case.check.compares for step in case.steps}
        jobs = self._standing.shortened(plan.stage, jobs_of(cases, self._options.lanes), fresh)
        self._work(plan, [*jobs, *duels(cases)], collector)
        self._work(plan, teams(cases), collector)
        self._gates.judge(plan.stage, plan.nodes)

    def _earlier(self, plan: StagePlan) -> Earlier | None:
        """The first answers of this run, where a check of the stage compares with them."""
        if not any(check.compares for check in plan.checks):
            return None
        return Earlier(self.state.outcomes, plan.stage, partial(read_kept, self._folder))

    def _unreached(self, case: Case) -> str:
        """In the stage that asks whether a node is there, its other checks are not run rather than unjudged."""
        detail = self._fleet.unreachable.get(case.target.key, "")
        if case.check.judges_loss or not detail:
            return ""
        return f"{case.target.key} cannot be reached: {detail.splitlines()[0]}"

    def _work(self, plan: StagePlan, work: Sequence[Work], collector: Collector) -> None:
        if not work:
            return

        def begin(item: Work) -> None:
            self._record.write(ev.Working(stage=plan.stage, nodes=list(item.nodes)))
            if not self._cancel.is_set():
                collector.recall(item.nodes)

        def end(item: Work) -> None:
            self._record.write(ev.Idle(stage=plan.stage, nodes=list(item.nodes)))

        with Desk(self._record.together) as desk:
            self._fleet.run(
                work,
                lambda output: desk.bring(partial(collector.take, output)),
                started=lambda item: desk.bring(partial(begin, item)),
                done=lambda item: desk.bring(partial(end, item)),
                cancel=self._cancel,
            )
        self._check_wish()

    def _round(
        self, plan: StagePlan, number: int, battles: Sequence[Battle], met: set[frozenset[str]]
    ) -> None:
        """One round: every pair at once; within a pair the clients take turns.

        Partners left alone meet each other, but nobody meets the same partner again: the second result would take
        the place of the first.
        """
        out = frozenset(name for name in self._left if "/" not in name)
        by_name = {n.name: n for n in self._nodes}
        planned = {frozenset((b.a.name, b.b.name)): b for b in battles}
        busy = {name for pair in planned for name in pair}
        resting = [n for n in dict.fromkeys(n for pair in met for n in sorted(pair)) if n not in busy]
        pairs, alone = repaired(
            [(b.a.name, b.b.name) for b in battles],
            out,
            resting=sorted(resting),
            fits=lambda a, b: by_name[a].profile == by_name[b].profile and frozenset((a, b)) not in met,
        )
        cases: list[Case] = []
        for battle in battles:
            if battle.a.name in out or battle.b.name in out:
                cases += self._gates.eligible(battle.cases)  # only to say why they are not run
        checks = list(dict.fromkeys(c.check for b in battles for c in b.cases))
        for a, b in pairs:
            known = planned.get(frozenset((a, b)))
            if known is None:
                met.add(frozenset((a, b)))
                known = make_battle(checks, by_name[a], by_name[b], number, self._ctx)
                for case in known.cases:
                    self._record.plan_more(case)
            cases += self._gates.eligible(known.cases)
        for name in alone:
            self._record.write(
                ev.Note(text=f"{name} rests in round {number} of {plan.stage.value}: no partner is left")
            )
        self._pairs(plan, cases)
        self._gates.judge(plan.stage, [c for b in battles for c in b.cases] + cases)

    def _home(self, plan: StagePlan, before: int) -> int:
        """Who could meet nobody of its own NVLink domain does so now, where its checks ask for it. How many rounds."""
        battles, alone = home_round(
            plan.checks, self.state.outcomes, self._nodes, self._left, self._ctx, before + 1
        )
        for case in alone:
            self._record.plan_more(case)
            self._record.emit(refused(case, self._ctx))
        if battles:
            names = ", ".join(name for battle in battles for name in (battle.a.name, battle.b.name))
            self._record.write(ev.Note(text=f"{plan.stage.value}: once more inside NVLink domains: {names}"))
            self._extra(plan, battles, before + 1, before + 1)
        return 1 if battles else 0

    def _extra(self, plan: StagePlan, battles: Sequence[Battle], number: int, rounds: int) -> None:
        """A round that was not planned."""
        self._record.write(ev.RoundStarted(stage=plan.stage, round=number, rounds=rounds))
        cases = [case for battle in battles for case in battle.cases]
        for case in cases:
            self._record.plan_more(case)
        self._pairs(plan, self._gates.eligible(cases))
        self._gates.judge(plan.stage, cases)

    def _confirm(self, plan: StagePlan, before: int) -> None:
        """Whom the pairs of this stage speak against meets known-good partners once more, with a control beside it."""
        known = (self._record.faults, self.state.nodes, self._left, self._ctx)
        found = confirmation(plan, self.state.outcomes, *known, before)
        self._further(plan, found, before)
        turns = len(found.rounds)
        self._further(plan, once_more(plan, self.state.outcomes, *known, before, turns), before + turns)

    def _further(self, plan: StagePlan, found: Confirmation, before: int) -> None:
        """The rounds of a confirmation."""
        if found.rounds:
            self._record.write(ev.Note(text=f"{plan.stage.value}: {found}"))
        for number, battles in enumerate(found.rounds, before + 1):
            self._extra(plan, battles, number, before + len(found.rounds))

    def _pairs(self, plan: StagePlan, cases: Sequence[Case]) -> None:
        """Tests of disjoint pairs or groups, all at once; within a pair or group they take turns."""
        collector = Collector(plan.stage, cases, self._ctx, self._store, self._record.emit)
        self._work(plan, duels(cases), collector)
        self._work(plan, jobs_of(cases), collector)
        self._work(plan, teams(cases), collector)

    def _groups(self, plan: StagePlan) -> None:
        """Checks of the whole fleet over what others have read; again if there is something new to compare."""
        ctx = dataclasses.replace(self._ctx, readings={k: tuple(v) for k, v in self._record.readings.items()})
        cases = [
            self._of_those_here(case)
            for case in plan.groups
            if self._record.news or case.key not in self._record.kept
        ]
        collector = Collector(plan.stage, cases, ctx, self._store, self._record.emit)
        self._work(plan, jobs_of(cases), collector)
        self._work(plan, teams(cases), collector)
        self._gates.judge(plan.stage, plan.groups)

    def _of_those_here(self, case: Case) -> Case:
        """A check of the fleet that asks some nodes asks only such as are still there; it judges the whole fleet."""
        if not any(step.node.name in self._left for step in case.steps):
            return case
        here = tuple(node for node in case.target.nodes if node.name not in self._left)
        if not here:
            return Case(case.check, case.target, why=Why.QUARANTINED, reason="every node has left the run")
        again = make_case(case.check, Group(case.target.key, here), self._ctx, case.listen_port)
        return dataclasses.replace(again, target=case.target)

    def _say_untested(self, plan: StagePlan) -> None:
        """Who is fit and still was tested with nobody, because all the partners had left."""
        checks = [check for check in plan.checks if check.target is Pair]
        here = [node for node in self._nodes if node.name not in self._left]
        for case in untested_cases(checks, self.state.outcomes, here, self._left, self._ctx):
            if not self._record.planned((case.check.id, case.target.key)):
                self._record.plan_more(case)
                self._record.emit(refused(case, self._ctx))
