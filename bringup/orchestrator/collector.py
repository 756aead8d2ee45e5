"""Turns outputs into outcomes as they arrive: keeps the bytes, waits until a case has all it needs, judges it once."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable

import msgspec

from bringup.check import Outputs, Serve
from bringup.commands import Command, Ended, Evidence, Output
from bringup.context import Context
from bringup.judging import judged, not_run
from bringup.model import Outcome, Stage, Verdict, Why
from bringup.orchestrator.earlier import Earlier
from bringup.orchestrator.evidence import EvidenceStore
from bringup.orchestrator.plan import Case
from bringup.orchestrator.standing import Standing

Emit = Callable[[Outcome], None]
Key = tuple[str, Command]


class _Waiting:
    """A case and the answers that it is made of; `missing` counts those that have not come."""

    __slots__ = ("case", "missing", "wanted")

    def __init__(self, case: Case, wanted: tuple[Key, ...]) -> None:
        self.case, self.wanted, self.missing = case, wanted, len(wanted)


class Collector:
    """All cases of one stage part. `take` is called by the desk; each case is emitted exactly once.

    `excuse` may give a reason why a case is not run after all (its node turned out to be unreachable). `earlier` holds
    the first answers of this run for checks that compare, `standing` those that need not be asked for again. An answer
    is let go as soon as everybody who wanted it has been judged.
    """

    def __init__(
        self,
        stage: Stage,
        cases: Iterable[Case],
        ctx: Context,
        store: EvidenceStore,
        emit: Emit,
        excuse: Callable[[Case], str] | None = None,
        earlier: Earlier | None = None,
        standing: Standing | None = None,
    ) -> None:
        self._excuse, self._earlier, self._standing = excuse, earlier, standing
        self._stage, self._ctx, self._store, self._emit = stage, ctx, store, emit
        self._lock = threading.Lock()
        self._outputs: dict[Key, tuple[Output, Evidence]] = {}
        self._seen: set[Key] = set()
        self._needs: dict[Key, list[_Waiting]] = {}
        ready: list[_Waiting] = []
        for case in cases:
            waiting = _Waiting(case, tuple(dict.fromkeys((s.node.name, s.command) for s in case.steps)))
            for want in waiting.wanted:
                self._needs.setdefault(want, []).append(waiting)
            if not waiting.wanted:
                ready.append(waiting)
        self._users: dict[Key, int] = {key: len(waiting) for key, waiting in self._needs.items()}
        for waiting in ready:
            self._judge(waiting)

    def recall(self, nodes: Iterable[str]) -> None:
        """Take what these nodes have answered before and need not be asked again."""
        if self._standing is not None:
            for name in nodes:
                for output, evidence in self._standing.recall(name):
                    self._took(output, evidence)

    def take(self, output: Output) -> None:
        """One command has ended on one node."""
        evidence = self._store.keep(self._stage, output)
        if self._standing is not None:
            self._standing.keep(self._stage, evidence)
        self._took(output, evidence)

    def _took(self, output: Output, evidence: Evidence) -> None:
        key = (output.node, output.command)
        complete: list[_Waiting] = []
        with self._lock:
            if key in self._seen:
                return
            self._seen.add(key)
            if key in self._needs:
                self._outputs[key] = (output, evidence)
            for waiting in self._needs.get(key, ()):
                waiting.missing -= 1
                if waiting.missing == 0:
                    complete.append(waiting)
        for waiting in complete:
            self._judge(waiting)
            self._let_go(waiting)

    def _let_go(self, waiting: _Waiting) -> None:
        with self._lock:
            for key in waiting.wanted:
                self._users[key] -= 1
                if not self._users[key]:
                    del self._outputs[key]

    def _judge(self, waiting: _Waiting) -> None:
        case = waiting.case
        kept = {want: self._outputs[want] for want in waiting.wanted}
        evidence = tuple(e for _, e in kept.values())
        ctx = dataclasses.replace(self._ctx, listen_port=case.listen_port) if case.listen_port else self._ctx
        excuse = self._excuse(case) if self._excuse else ""
        if excuse:
            outcome = not_run(case.check, case.target, Why.QUARANTINED, excuse, ctx, evidence)
        elif case.plan is None:
            outcome = refused(case, ctx, evidence)
        elif any(out.ended is Ended.CANCELLED for out, _ in kept.values()) and not _told(case, kept):
            why = "the run was stopped before this was finished"
            outcome = not_run(case.check, case.target, Why.ABORTED, why, ctx, evidence)
        else:
            first = self._earlier.outputs(kept) if self._earlier and case.check.compares else None
            outputs = Outputs({want: out for want, (out, _) in kept.items()}, first)
            outcome = judged(case.check, case.target, outputs, ctx, evidence)
        self._emit(outcome)


def _told(case: Case, kept: dict[Key, tuple[Output, Evidence]]) -> bool:
    """Whether those ended by themselves who stop the others when they end: that is no abort.

    Of a server and its client it is the client, of a team those that the others wait for.
    """
    if isinstance(case.plan, Serve):
        decide = [case.plan.client]
    else:
        decide = [step for step in case.steps if step.command.listens is not None]
    ended = [kept[step.node.name, step.command][0].ended for step in decide]
    return bool(ended) and Ended.CANCELLED not in ended


def refused(case: Case, ctx: Context, evidence: tuple[Evidence, ...] = ()) -> Outcome:
    """The outcome of a case that has no plan: not applicable, nobody to test it with, or could not be planned."""
    outcome = not_run(case.check, case.target, case.why, case.reason, ctx, evidence)
    if case.why is not Why.NONE:
        return outcome
    return msgspec.structs.replace(outcome, verdict=Verdict.ERROR, why=Why.NONE, code=case.code)
