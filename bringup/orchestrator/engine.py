"""Takes a run from its plan to its verdict: stage by stage, with gates between, everything written to the journal."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bringup import events as ev
from bringup.check import AnyCheck, Context, Serve, components, not_run
from bringup.diagnosis import diagnose
from bringup.fleet import Duel, Job, LocalFleet, Work
from bringup.journal import Journal
from bringup.model import Command, Measurement, Node, Outcome, Pair, RunInfo, RunVerdict, Verdict, Why
from bringup.orchestrator.collector import Collector, refused
from bringup.orchestrator.evidence import EvidenceStore
from bringup.orchestrator.folder import RunFolder
from bringup.orchestrator.plan import LANES, Battle, Case, StagePlan, commands_of, make_battle
from bringup.orchestrator.quarantine import Left, blocking, leaving
from bringup.run import RunState
from bringup.topology import repaired
from bringup.transport import Cancel

Listener = Callable[[ev.AnyEvent], None]


class _Stopped(Exception):
    """The run was asked to stop."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine works: `lanes` commands at once on a node."""

    lanes: int = LANES


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
        self._store = EvidenceStore(folder.path)
        self._journal = Journal(folder.journal)
        self._listeners = list(listeners)
        self._lock = threading.Lock()
        self._left: dict[str, Left] = {}
        self._readings: dict[tuple[str, str], list[Measurement]] = {}
        self._cancel = Cancel()
        self._before = before
        self.state = before or RunState()
        self._kept = {
            key for key, o in self.state.cases.items() if o and o.verdict in (Verdict.PASS, Verdict.FAIL)
        }
        self._checks: dict[str, AnyCheck] = {c.id: c for p in plans for c in p.checks}

    # -------------------------------------------------------------------------------------------- events

    def _write(self, event: ev.AnyEvent) -> None:
        """To the journal first, then to the state and everybody who listens; a listener that raises is dropped."""
        with self._lock:
            stamped = self._journal.write(event)
            self.state.apply(stamped)
            for listener in list(self._listeners):
                try:
                    listener(stamped)
                except Exception as error:  # noqa: BLE001  the door to anybody's display: it must not stop a run
                    self._listeners.remove(listener)
                    self.state.apply(self._journal.write(ev.Note(text=f"a display was dropped: {error!r}")))

    def _emit(self, outcome: Outcome) -> None:
        before = self.state.cases.get((outcome.check, outcome.target))
        if before is not None:
            outcome = dataclasses.replace(outcome, attempt=before.attempt + 1)
        self._remember(outcome)
        self._write(ev.Judged(outcome=outcome))

    def _remember(self, outcome: Outcome) -> None:
        check = self._checks.get(outcome.check)
        if check is not None and check.collects:
            with self._lock:
                for m in outcome.measurements:
                    self._readings.setdefault((outcome.check, m.name), []).append(m)

    # -------------------------------------------------------------------------------------------- the run

    def run(self) -> RunState:
        """Run all stages. Whatever happens, the journal ends with every planned case accounted for."""
        aborted = ""
        try:
            self._begin()
            for plan in self._plans:
                self._stage(plan)
        except (_Stopped, KeyboardInterrupt):
            self._cancel.set()
            aborted = "interrupted"
        finally:
            self._fleet.close()
        self._end(aborted)
        self._journal.close()
        return self.state

    def stop(self) -> None:
        """End the run early: commands are killed on the nodes, what is not judged is written as not run."""
        self._cancel.set()

    def _begin(self) -> None:
        if self._before is None:
            self._write(ev.RunStarted(info=self._info))
            for node in self._nodes:
                self._write(ev.NodeListed(node=node))
        else:
            self._write(ev.Resumed(text=f"{len(self._kept)} results are kept"))
            for node in self._nodes:
                self._write(ev.NodeListed(node=node))
            for outcome in self.state.outcomes:
                if (outcome.check, outcome.target) in self._kept:
                    self._remember(outcome)
                    self._gate(outcome, quiet=True)
        for plan in self._plans:
            by_check: dict[str, list[str]] = {}
            for case in plan.cases:
                by_check.setdefault(case.check.id, []).append(case.target.key)
            for check, targets in by_check.items():
                self._write(ev.Planned(stage=plan.stage, check=check, targets=targets))

    def _end(self, aborted: str) -> None:
        for check_id, target in self.state.missing:
            stage = self.state.case_stage[check_id]
            reason = f"not run: {aborted or 'the run ended early'}"
            names = tuple(n for n in self.state.nodes if n in target.split())
            self._write(
                ev.Judged(
                    outcome=Outcome(
                        check_id, stage, target, names, Verdict.NOT_RUN, reason=reason, why=Why.ABORTED
                    )
                )
            )
        self._diagnose()
        verdict = self.state.judge_run()
        if aborted and verdict is RunVerdict.READY:
            verdict = RunVerdict.INCOMPLETE
        self._write(ev.RunEnded(verdict=verdict, aborted=aborted))

    def _diagnose(self) -> None:
        faults = {c.id: c.faults for c in self._checks.values()}
        defects = diagnose(self.state.outcomes, faults, self.state.nodes)
        if defects != self.state.defects:
            self._write(ev.DefectsFound(defects=defects))

    # -------------------------------------------------------------------------------------------- a stage

    def _stage(self, plan: StagePlan) -> None:
        if self._cancel.is_set():
            raise _Stopped
        self._write(
            ev.StageStarted(stage=plan.stage, estimate_s=plan.estimate_s, rounds=max(1, len(plan.rounds)))
        )
        self._single(plan)
        for number, battles in enumerate(plan.rounds, 1):
            self._write(ev.RoundStarted(stage=plan.stage, round=number, rounds=len(plan.rounds)))
            self._round(plan, number, battles)
        self._groups(plan)
        self._write(ev.StageEnded(stage=plan.stage))
        self._diagnose()

    def _single(self, plan: StagePlan) -> None:
        """All checks of single nodes: one script per node with every distinct command."""
        cases = self._eligible(plan.nodes)
        asked = any(c.check.judges_loss for c in cases)
        excuse = self._unreached if asked else None
        collector = Collector(plan.stage, cases, self._ctx, self._store, self._emit, excuse)
        jobs = [
            Job(node, commands, self._options.lanes)
            for node in self._nodes
            if (commands := commands_of((c for c in cases if c.target.key == node.name), node.name))
        ]
        self._work(plan, jobs, collector)
        self._gates(cases)

    def _unreached(self, case: Case) -> str:
        """In the stage that asks whether a node is there, its other checks are not run rather than unjudged."""
        detail = self._fleet.unreachable.get(case.target.key, "")
        if case.check.judges_loss or not detail:
            return ""
        return f"{case.target.key} cannot be reached: {detail.splitlines()[0]}"

    def _work(self, plan: StagePlan, work: Sequence[Work], collector: Collector) -> None:
        if not work:
            return
        self._fleet.run(
            work,
            collector.take,
            started=lambda item: self._write(ev.Working(stage=plan.stage, nodes=list(item.nodes))),
            done=lambda item: self._write(ev.Idle(stage=plan.stage, nodes=list(item.nodes))),
            cancel=self._cancel,
        )
        if self._cancel.is_set():
            raise _Stopped

    def _round(self, plan: StagePlan, number: int, battles: Sequence[Battle]) -> None:
        """One round: every pair at once; within a pair the clients take turns."""
        gone = frozenset(name for name in self._left if "/" not in name)
        planned = {frozenset((b.a.name, b.b.name)): b for b in battles}
        by_name = {n.name: n for n in self._nodes}
        pairs, alone = repaired([(b.a.name, b.b.name) for b in battles], gone)
        cases: list[Case] = []
        for battle in battles:
            if battle.a.name in gone or battle.b.name in gone:
                for case in self._eligible(battle.cases):  # only to say why they are not run
                    cases.append(case)
        paired: list[Case] = [c for p in plan.rounds for b in p for c in b.cases]
        checks = list(dict.fromkeys(c.check for c in paired))
        for a, b in pairs:
            known = planned.get(frozenset((a, b)))
            if known is None:
                known = make_battle(checks, by_name[a], by_name[b], number, self._ctx)
                for case in known.cases:
                    self._write(ev.Planned(stage=plan.stage, check=case.check.id, targets=[case.target.key]))
            cases += self._eligible(known.cases)
        for name in alone:
            self._write(
                ev.Note(text=f"{name} rests in round {number} of {plan.stage.value}: no partner is left")
            )
        collector = Collector(plan.stage, cases, self._ctx, self._store, self._emit)
        runnable = [c for c in cases if c.plan]
        self._work(plan, duels(runnable), collector)
        self._work(plan, jobs_of([c for c in runnable if not isinstance(c.plan, Serve)]), collector)
        self._gates(cases)

    def _groups(self, plan: StagePlan) -> None:
        """Checks of the whole fleet over what others have read."""
        ctx = dataclasses.replace(self._ctx, readings={k: tuple(v) for k, v in self._readings.items()})
        cases = [case for case in plan.groups if case.key not in self._kept]
        Collector(plan.stage, cases, ctx, self._store, self._emit)
        self._gates(cases)

    # -------------------------------------------------------------------------------------------- gates

    def _eligible(self, cases: Sequence[Case]) -> list[Case]:
        """The cases to run now: not kept from an earlier attempt and not quarantined (those are written as such)."""
        run: list[Case] = []
        for case in cases:
            if case.key in self._kept:
                continue
            if case.why is Why.NOT_APPLICABLE:
                self._emit(refused(case, self._ctx))
                continue
            paths = components(case.target, self._ctx)
            left = blocking(paths, self._left)
            if left is None:
                run.append(case)
                continue
            outcome = not_run(case.check, case.target, Why.QUARANTINED, str(left), self._ctx)
            if isinstance(case.target, Pair):  # only the node that is to blame is not judged by this
                outcome = dataclasses.replace(outcome, nodes=(left.component.split("/")[0],))
            self._emit(outcome)
        return run

    def _gates(self, cases: Sequence[Case]) -> None:
        for case in cases:
            outcome = self.state.cases.get(case.key)
            if outcome is not None:
                self._gate(outcome)

    def _gate(self, outcome: Outcome, *, quiet: bool = False) -> None:
        check = self._checks.get(outcome.check)
        for left in leaving(outcome, check) if check else ():
            if left.component in self._left:
                continue
            self._left[left.component] = left
            if not quiet:
                self._write(
                    ev.Quarantined(
                        component=left.component, stage=left.stage, check=left.check, reason=left.reason
                    )
                )
            if "/" not in left.component:
                self._fleet.close([left.component])


def duels(cases: Sequence[Case]) -> list[Duel]:
    """Server and client jobs of all cases that serve, merged per pair of nodes."""
    merged: dict[tuple[str, str], list[Serve]] = {}
    for case in cases:
        if isinstance(case.plan, Serve):
            merged.setdefault((case.plan.server.node.name, case.plan.client.node.name), []).append(case.plan)
    return [
        Duel(
            Job(serves[0].server.node, tuple(s.server.command for s in serves)),
            Job(serves[0].client.node, tuple(s.client.command for s in serves)),
        )
        for serves in merged.values()
    ]


def jobs_of(cases: Sequence[Case]) -> list[Job]:
    """One job for each node with the distinct commands that these cases run there."""
    nodes: dict[str, Node] = {}
    commands: dict[str, dict[Command, None]] = {}
    for case in cases:
        for step in case.steps:
            nodes[step.node.name] = step.node
            commands.setdefault(step.node.name, {})[step.command] = None
    return [Job(nodes[name], tuple(mine)) for name, mine in commands.items()]
