"""The state of a run: a fold of its journal. Reports, the TUI, resume and diff all read this and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import structs

from bringup import events as ev
from bringup.defects import Defect, Waiver, Who
from bringup.errors import RunFolderError
from bringup.journal import read
from bringup.model import (
    LEVELS,
    Limit,
    Measurement,
    Node,
    Outcome,
    RunInfo,
    RunVerdict,
    Stage,
    Verdict,
    Why,
)


@dataclass
class StageState:
    """How far one stage is. `cases` counts planned (check, target) pairs, `counts` those with an outcome."""

    stage: Stage
    cases: int = 0
    counts: Counter[Verdict] = field(default_factory=Counter)
    started: float | None = None
    ended: float | None = None
    estimate_s: float = 0.0
    round: int = 0
    rounds: int = 1

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def running(self) -> bool:
        return self.started is not None and self.ended is None


@dataclass
class RunState:
    """Everything known about a run so far.

    `waivers` are the exceptions in force; they are no part of the journal, who loads a run for people adds them.
    `unsteady` are the cases that passed after they had failed in this run: that is no pass.
    """

    info: RunInfo = field(default_factory=lambda: RunInfo(id="", name=""))
    nodes: dict[str, Node] = field(default_factory=dict)
    stages: dict[Stage, StageState] = field(default_factory=dict)
    cases: dict[tuple[str, str], Outcome | None] = field(default_factory=dict)
    case_stage: dict[str, Stage] = field(default_factory=dict)
    by_node: dict[str, list[Outcome]] = field(default_factory=dict)
    quarantined: dict[str, str] = field(default_factory=dict)
    working: set[str] = field(default_factory=set)
    defects: list[Defect] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)
    verdict: RunVerdict | None = None
    aborted: str = ""
    waivers: tuple[Waiver, ...] = ()
    unsteady: set[tuple[str, str]] = field(default_factory=set)
    seq: int = 0
    at: float = 0.0
    ended: float | None = None

    def apply(self, event: ev.AnyEvent) -> None:
        """Take one event in. Unknown combinations are kept, never raised: a reader must survive any journal."""
        self.seq, self.at = max(self.seq, event.seq), max(self.at, event.at)
        match event:
            case ev.RunStarted(info=info):
                self.info = info
                for stage in info.stages:
                    self.stages.setdefault(stage, StageState(stage))
            case ev.NodeListed(node=node):
                self.nodes[node.name] = node
            case ev.Planned(stage=stage, check=check, targets=targets):
                state = self._stage(stage)
                if targets:
                    self.case_stage[check] = stage
                for target in targets:
                    if (check, target) not in self.cases:
                        self.cases[check, target] = None
                        state.cases += 1
            case ev.StageStarted(stage=stage, estimate_s=estimate, rounds=rounds):
                state = self._stage(stage)
                state.started, state.ended = state.started or event.at, None
                state.estimate_s, state.rounds = estimate, rounds
            case ev.RoundStarted(stage=stage, round=number, rounds=rounds):
                state = self._stage(stage)
                state.round, state.rounds = number, rounds
            case ev.Working(nodes=nodes):
                self.working.update(nodes)
            case ev.Idle(nodes=nodes):
                self.working.difference_update(nodes)
            case ev.Judged(outcome=outcome):
                self._judged(outcome)
            case ev.Quarantined(component=component, reason=reason):
                self.quarantined.setdefault(component, reason)
            case ev.StageEnded(stage=stage):
                self._stage(stage).ended = event.at
                self.working.clear()
            case ev.DefectsFound(defects=defects):
                self.defects = defects
            case ev.Note(text=text):
                self.notes.append((event.at, text))
            case ev.Resumed():
                self.verdict, self.ended, self.aborted = None, None, ""
                self.working.clear()
                self.quarantined.clear()  # who is still out is written again
            case ev.RunEnded(verdict=verdict, aborted=aborted):
                self.verdict, self.aborted, self.ended = verdict, aborted, event.at
                self.working.clear()

    def _stage(self, stage: Stage) -> StageState:
        return self.stages.setdefault(stage, StageState(stage))

    def _judged(self, outcome: Outcome) -> None:
        key = (outcome.check, outcome.target)
        state = self._stage(outcome.stage)
        self.case_stage[outcome.check] = outcome.stage
        before = self.cases.get(key)
        if key not in self.cases:
            state.cases += 1
        if before is not None:
            state.counts[before.verdict] -= 1
            if before.verdict is Verdict.FAIL and outcome.verdict is Verdict.PASS:
                self.unsteady.add(key)
            for name in before.nodes:
                self.by_node[name].remove(before)
        self.cases[key] = outcome
        state.counts[outcome.verdict] += 1
        for name in outcome.nodes:
            self.by_node.setdefault(name, []).append(outcome)

    # -------------------------------------------------------------------------------------------- questions

    @property
    def outcomes(self) -> list[Outcome]:
        """The latest outcome of every case that has one, in the order of the plan."""
        return [o for o in self.cases.values() if o is not None]

    @property
    def missing(self) -> list[tuple[str, str]]:
        """Planned cases without an outcome: holes that a crash has left."""
        return [key for key, outcome in self.cases.items() if outcome is None]

    def defects_of(self, node: str) -> list[Defect]:
        """The defects that concern a node."""
        return [d for d in self.defects if node in d.nodes]

    @property
    def counted_waivers(self) -> tuple[Waiver, ...]:
        """The exceptions that the cluster's rule lets count."""
        rule = self.info.ready
        return tuple(w for w in self.waivers if rule.exceptions and (w.signed or not rule.signed))

    def short_of(self) -> list[str]:
        """What the cluster's rule asks for beyond the usual and this run has not shown."""
        rule, said = self.info.ready, []
        if LEVELS.index(self.info.level) < LEVELS.index(rule.level):
            said.append(
                f"the inventory asks for level {rule.level.value}, this run was {self.info.level.value}"
            )
        for stage in rule.stages:
            if not self.stages.get(stage, StageState(stage)).counts[Verdict.PASS]:
                said.append(f"the inventory asks for stage {stage.value}, and nothing has passed there")
        if rule.whole and self.info.selection:
            said.append(f"the inventory asks for the whole battery, this run was of {self.info.selection}")
        return said

    def waiver_of(self, defect: Defect) -> Waiver | None:
        """The exception that covers a defect: for itself, or for every node that it concerns."""
        by_what = {w.what: w for w in self.counted_waivers}
        if defect.id in by_what:
            return by_what[defect.id]
        covered = [by_what[name] for name in defect.nodes if name in by_what]
        return covered[0] if covered and len(covered) == len(defect.nodes) else None

    def excused(self) -> dict[tuple[str, str], Waiver]:
        """The cases that exceptions account for: explained by a defect that is waived, or of waived nodes only."""
        waivers = {w.what: w for w in self.counted_waivers}
        if not waivers:
            return {}
        left_out = waivers.keys() & self.nodes.keys()
        found: dict[tuple[str, str], Waiver] = {}
        for defect in self.defects:
            if (waiver := self.waiver_of(defect)) is not None:
                found.update(dict.fromkeys(((s.check, s.target) for s in defect.explains), waiver))
        for key, outcome in self.cases.items():
            names = outcome.nodes if outcome is not None else (key[1],)
            if names and left_out.issuperset(names):
                found[key] = waivers[names[0]]
        return found

    def judge_run(self) -> RunVerdict:
        """READY, NOT READY or INCOMPLETE from what is known now. A hole is never a pass.

        What an exception accounts for does not count. What passed after it had failed does: nobody knows what it is.
        """
        excused = self.excused()
        defects = [d for d in self.defects if self.waiver_of(d) is None]
        if any(d.who is not Who.COULD_NOT_JUDGE for d in defects) or not self.unsteady <= excused.keys():
            return RunVerdict.NOT_READY
        outcomes = [o for o in self.outcomes if (o.check, o.target) not in excused]
        if any(o.verdict is Verdict.FAIL for o in outcomes):
            return RunVerdict.NOT_READY
        judged = any(o.verdict is Verdict.PASS for o in outcomes)
        if self.short_of():
            return RunVerdict.INCOMPLETE
        if (
            defects
            or not judged
            or not excused.keys() >= set(self.missing)
            or not all(map(settled, outcomes))
        ):
            return RunVerdict.INCOMPLETE
        return RunVerdict.READY


def settled(outcome: Outcome) -> bool:
    """Whether an outcome leaves nothing open: passed, or not applicable by profile or plan."""
    return outcome.verdict is Verdict.PASS or (
        outcome.verdict is Verdict.NOT_RUN and outcome.why is Why.NOT_APPLICABLE
    )


def fold(events: Iterable[ev.AnyEvent]) -> RunState:
    """The state after all these events."""
    state = RunState()
    for event in events:
        state.apply(event)
    return state


def shared(events: Iterable[ev.AnyEvent]) -> Iterator[ev.AnyEvent]:
    """The same events with equal limits, names and places of readings as one object each.

    A decoder makes a new one every time, and the readings of a large run are mostly those: this halves what it takes.
    """
    limits: dict[tuple[type, Limit], Limit] = {}
    texts: dict[str, str] = {}
    for event in events:
        if isinstance(event, ev.Judged) and event.outcome.measurements:
            readings = tuple(_reading(m, limits, texts) for m in event.outcome.measurements)
            event = structs.replace(event, outcome=structs.replace(event.outcome, measurements=readings))
        yield event


def _reading(m: Measurement, limits: dict[tuple[type, Limit], Limit], texts: dict[str, str]) -> Measurement:
    limit = m.limit
    if limit is not None:
        limit = limits.setdefault((type(limit.value), limit), limit)
    value = texts.setdefault(m.value, m.value) if isinstance(m.value, str) else m.value
    name, unit, at, code = (texts.setdefault(said, said) for said in (m.name, m.unit, m.at, m.code))
    return Measurement(name, value, unit, at, limit, code)


def load(folder: Path) -> RunState:
    """The state of a run folder. Raises RunFolderError where there is no journal or it does not begin as one."""
    state = fold(shared(read(folder / "journal.jsonl")))
    if not state.info.id:
        raise RunFolderError(
            f"{folder}: the journal does not say which run it is; it is damaged or not a run folder"
        )
    return state
