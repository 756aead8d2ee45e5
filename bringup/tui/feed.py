"""A run as the screens see it: the fold of its journal, followed while it grows, with a mark for every node.

Everything is kept up to date event by event, so that a screen never walks all results of a large run.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from bringup import events as ev
from bringup.defects import Defect, Who
from bringup.journal import Tail
from bringup.model import FLEET, Measurement, Node, Outcome, RunVerdict, Stage, Verdict, Why, port_path
from bringup.report import verdict as judge
from bringup.run import RunState, settled
from bringup.tui.follower import CHUNK_BYTES, LINE_BYTES, Follower
from bringup.tui.heat import walk
from bringup.tui.ledger_view import LedgerView
from bringup.tui.log import LogLine, log_line
from bringup.tui.look import Mark, worst
from bringup.tui.marks import Case, Tally, node_mark, open_mark, result_mark, speaks_of, tally
from bringup.tui.measures import Measure, Values, take
from bringup.tui.once import Once
from bringup.tui.pool import Pool
from bringup.tui.replay import Replay

CABLE = "cable"
"""The name of the measurement that says where a port ends."""
MANY_READINGS = 256
MOST_MARKED = 2_000
"""So many nodes get a new mark in one turn: after a stage all do, and keys are not to wait for that."""
LEDGER_S = 1.0
"""So often the ledger of defects is looked at."""


class RunView:
    """The state of a run and what the screens derive from it.

    `version` grows with every change; `behind` is true while the journal holds more than has been read.
    """

    def __init__(self, folder: Path, replay: Replay | None = None) -> None:
        self.folder = folder
        self.replay = replay
        self._tail: Tail | Replay | Follower = replay or Tail(folder / "journal.jsonl")
        self.ledger = LedgerView(folder)
        self._next_look = 0.0
        self._verdict: Once[RunVerdict] = Once()
        self.version = 0
        self.behind = True
        self._begin()

    def _begin(self) -> None:
        self.state = RunState()
        self.marks: dict[str, Mark] = {}
        self.log: list[LogLine] = []
        self.blocked: dict[str, ev.Quarantined] = {}
        self.explained: dict[Case, Defect] = {}
        self.by_check: dict[str, dict[str, Outcome]] = {}
        self.unsettled: dict[Stage, dict[Case, Outcome]] = {}
        self.ends: dict[str, str] = {}
        self.planned_ports: dict[str, tuple[tuple[str, str], ...]] = {}
        """For each node the paths of its training ports with the leaf that the plan names."""
        self._pool = Pool()
        self._walk: list[Node] = []
        self._sorted_out: dict[str, tuple[Outcome, dict[str, list[Measurement]]]] = {}
        self.defects_of: dict[str, list[Defect]] = {}
        self._tallies: dict[str, Tally] = {}
        self._open: dict[str, set[Case]] = defaultdict(set)
        self._dirty: set[str] = set()
        self.watched: Measure | None = None
        self.values: Values = {}

    def follow(self) -> None:
        """From now on a thread reads the journal, until `leave`."""
        if isinstance(self._tail, Tail):
            self._tail = Follower(self._tail)
            self._tail.start()

    def leave(self) -> None:
        """Read no more."""
        if isinstance(self._tail, Follower):
            self._tail.stop()

    @property
    def hangs_s(self) -> float:
        """For how long the disk of the run folder has not answered."""
        return self._tail.hangs_s if isinstance(self._tail, Follower) else 0.0

    def rewind(self, to: float) -> None:
        """In a replay: back to an earlier time."""
        if self.replay is not None:
            self.replay.rewind(to)
            watched = self.watched
            self._begin()
            self.watched = watched
            self.version += 1

    # ------------------------------------------------------------------------------------------------ reading

    def drain(self, budget_s: float, clock: Callable[[], float] = time.monotonic) -> bool:
        """Take in what the journal has new, for about this long. True if there is more to read."""
        end = clock() + budget_s
        more = True
        while more and clock() < end:
            events = self._tail.new(CHUNK_BYTES) or self._tail.new(LINE_BYTES)
            for event in events:
                self._take(event)
            more = bool(events)
        self._mark_dirty()
        self.behind = more or bool(self._dirty) or (isinstance(self._tail, Follower) and self._tail.behind)
        if clock() >= self._next_look:
            self._next_look = clock() + LEDGER_S
            self.version += self.ledger.look(self.state.info.name)
        return more or bool(self._dirty)

    def _take(self, event: ev.AnyEvent) -> None:
        if isinstance(event, ev.RunStarted) and event.seq <= self.state.seq:
            watched = self.watched
            self._begin()  # the journal was cut or replaced: this is the first event of another one
            self.watched = watched
        self.version += 1
        if isinstance(event, ev.Judged):
            event = ev.Judged(seq=event.seq, at=event.at, outcome=self._pool.outcome(event.outcome))
        before = self._before(event)
        self.state.apply(event)
        match event:
            case ev.NodeListed(node=node):
                self._dirty.add(node.name)
                self.planned_ports[node.name] = tuple(
                    (port_path(node.name, p.hca), p.leaf) for p in node.ports
                )
            case ev.Planned(check=check, targets=targets):
                self._planned(check, targets)
            case ev.Working(nodes=nodes) | ev.Idle(nodes=nodes):
                self._dirty.update(nodes)
            case ev.Judged(outcome=outcome):
                self._judged(outcome, before)
            case ev.Quarantined(component=component):
                self.blocked.setdefault(component, event)
            case ev.DefectsFound(defects=defects):
                self._diagnosed(defects)
            case ev.StageEnded() | ev.RunEnded() | ev.Resumed():
                self._dirty.update(self.state.nodes)
            case _:
                pass
        self._remember(event)

    def _before(self, event: ev.AnyEvent) -> Outcome | None:
        if isinstance(event, ev.Judged):
            return self.state.cases.get((event.outcome.check, event.outcome.target))
        return None

    def _planned(self, check: str, targets: list[str]) -> None:
        for target in targets:
            if self.state.cases.get((check, target)) is None:
                for name in self._single(target):
                    self._open[name].add((check, target))

    def _single(self, target: str) -> tuple[str, ...]:
        """The nodes of a planned node or pair; a group's members are not in the plan, so none."""
        nodes = judge.nodes_of(self.state, target)
        return nodes if len(nodes) <= 2 else ()

    def _judged(self, outcome: Outcome, before: Outcome | None) -> None:
        case = (outcome.check, outcome.target)
        self.by_check.setdefault(outcome.check, {})[outcome.target] = outcome
        if settled(outcome) and outcome.attempt == 1:
            if before is not None:
                self.unsettled.get(outcome.stage, {}).pop(case, None)
        else:
            self.unsettled.setdefault(outcome.stage, {})[case] = outcome
        if outcome.stage is Stage.CABLING and outcome.target == FLEET:
            self.ends.update((m.at, str(m.value)) for m in outcome.measurements if m.name == CABLE)
        for name in {
            *outcome.nodes,
            *self._single(outcome.target),
        }:  # a pair that was not run names one node only
            self._open[name].discard(case)
            self._dirty.add(name)
        for name in outcome.nodes:
            if before is None:
                self._tallies.setdefault(name, Tally()).add(outcome, name)
        if before is not None:
            for name in {*outcome.nodes, *before.nodes}:
                self._tallies[name] = tally(self.state.by_node.get(name, []), name)
                self._dirty.add(name)
        if self.watched is not None and outcome.check == self.watched.check:
            if before is None:
                take(self.values, outcome, self.watched)
            else:
                self.watch(self.watched)  # the earlier result counts no more

    def _diagnosed(self, defects: list[Defect]) -> None:
        self.explained = {(s.check, s.target): d for d in defects for s in d.explains}
        by_node: dict[str, list[Defect]] = defaultdict(list)
        for defect in defects:
            for name in dict.fromkeys(defect.nodes):
                by_node[name].append(defect)
        self.defects_of = dict(by_node)
        self._dirty.update(self.state.nodes)

    def _mark_dirty(self) -> None:
        over = self.state.ended is not None
        dirty = self._dirty if over else set(islice(self._dirty, MOST_MARKED))
        self._dirty = self._dirty - dirty
        self.version += bool(dirty)
        for name in dirty:
            if name in self.state.nodes:
                self.marks[name] = node_mark(
                    self._tallies.get(name) or Tally(),
                    self.defects_of.get(name, []),
                    self.explained,
                    working=name in self.state.working,
                    open_cases=bool(self._open.get(name)),
                    over=over,
                )
        if dirty and over:
            self._agree_with_reports()

    def _agree_with_reports(self) -> None:
        """After the end only those nodes have passed that the reports call ready."""
        ready = judge.ready_nodes(self.state)
        for name, mark in self.marks.items():
            if mark in (Mark.PASS, Mark.FIXED) and name not in ready:
                self.marks[name] = Mark.UNKNOWN

    def _remember(self, event: ev.AnyEvent) -> None:
        line = log_line(event)
        if line is not None:
            self.log.append(line)

    # ------------------------------------------------------------------------------------------------ questions

    @property
    def over(self) -> bool:
        return self.state.ended is not None

    @property
    def stage(self) -> Stage | None:
        """The stage that runs now, else the last one that was started."""
        started = [s for s in self.state.stages.values() if s.started is not None]
        running = [s for s in started if s.running]
        return (running or started)[-1].stage if started else None

    def mark_of(self, outcome: Outcome, name: str) -> Mark:
        """The mark of a result as seen from one of its nodes: what another node is to blame for is not held against it."""
        if outcome.verdict is Verdict.PASS or outcome.why is Why.NOT_APPLICABLE:
            return result_mark(outcome)
        if not speaks_of(outcome, name):
            return Mark.PASS
        case, counted = (outcome.check, outcome.target), self._tallies.get(name) or Tally()
        return (
            open_mark(case, outcome.verdict, counted, self.defects_of.get(name, []), self.explained)
            or Mark.PASS
        )

    def readings_at(self, outcome: Outcome, name: str) -> Sequence[Measurement]:
        """The measurements of an outcome that a node may be told of; sorted out once where there are many."""
        if len(outcome.measurements) < MANY_READINGS:
            return outcome.measurements
        kept = self._sorted_out.get(outcome.check)
        if kept is None or kept[0] is not outcome:
            found: dict[str, list[Measurement]] = defaultdict(list)
            for m in outcome.measurements:
                if " ~ " not in m.at:  # nearly all, and there may be a hundred thousand
                    found[m.at.partition("/")[0]].append(m)
                    continue
                for owner in {path.partition("/")[0] for path in m.at.split(" ~ ")}:
                    found[owner].append(m)
            kept = self._sorted_out[outcome.check] = (outcome, found)
        return kept[1].get(name, ())

    def walk(self) -> list[Node]:
        """All nodes in the order in which one walks."""
        if len(self._walk) != len(self.state.nodes):
            self._walk = walk(self.state.nodes.values())
        return self._walk

    def results(self, stage: Stage) -> Iterator[Outcome]:
        """All results of a stage, check by check."""
        for check, outcomes in self.by_check.items():
            if self.state.case_stage.get(check) is stage:
                yield from outcomes.values()

    def mark_in(self, name: str, stage: Stage) -> Mark:
        """The mark of a node by the results of one stage."""
        counted = self._tallies.get(name) or Tally()
        defects = self.defects_of.get(name, [])
        marks = [
            mark
            for case, verdict in counted.unsettled.items()
            if self.state.case_stage.get(case[0]) is stage
            and (mark := open_mark(case, verdict, counted, defects, self.explained))
        ]
        if name in self.state.working and stage is self.stage:
            marks.append(Mark.RUNNING)
        if counted.stages.get(stage):
            marks.append(Mark.PASS)
        return worst(marks) if marks or not self.over else Mark.NOT_RUN

    def watch(self, measure: Measure | None) -> None:
        """Keep the worst value of this measurement for each node from now on."""
        self.watched, self.values = measure, {}
        if measure is not None:
            for outcome in self.by_check.get(measure.check, {}).values():
                take(self.values, outcome, measure)

    def standing(self, defect: Defect) -> str:
        """How far a defect is: open, claimed, fixed?, closed, returned or waived."""
        return self.ledger.standing(defect)

    def counts(self) -> Counter[Mark]:
        """How many nodes bear each mark."""
        return Counter(self.marks.values())

    @property
    def hands_on(self) -> int:
        return sum(1 for d in self.state.defects if d.who is Who.HANDS_ON)

    @property
    def verdict(self) -> RunVerdict:
        """What the reports say of the run as it is now; worked out once for every change, for it walks all results."""
        return self._verdict.of(self.version, lambda: judge.verdict(self.state))

    @property
    def failing(self) -> bool:
        """Whether something is proven to be wrong."""
        proven = any(d.who is not Who.COULD_NOT_JUDGE for d in self.state.defects)
        return proven or any(s.counts[Verdict.FAIL] > 0 for s in self.state.stages.values())
