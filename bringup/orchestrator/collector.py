"""Turns outputs into outcomes as they arrive: keeps the bytes, waits until a case has all it needs, judges it once."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable

from bringup.check import Outputs, Serve
from bringup.commands import Command, Ended, Evidence, Output
from bringup.context import Context
from bringup.judging import judged, not_run
from bringup.model import Outcome, Stage, Verdict, Why
from bringup.orchestrator.earlier import Earlier
from bringup.orchestrator.evidence import EvidenceStore
from bringup.orchestrator.plan import Case

Emit = Callable[[Outcome], None]


class Collector:
    """All cases of one stage part. `take` is called from worker threads; each case is emitted exactly once.

    `excuse` may give a reason why a case is not run after all (its node turned out to be unreachable). `earlier` holds
    the first answers of this run for checks that compare.
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
    ) -> None:
        self._excuse, self._earlier = excuse, earlier
        self._stage, self._ctx, self._store, self._emit = stage, ctx, store, emit
        self._lock = threading.Lock()
        self._outputs: dict[tuple[str, Command], tuple[Output, Evidence]] = {}
        self._needs: dict[tuple[str, Command], list[Case]] = {}
        self._open: dict[tuple[str, str], int] = {}
        ready: list[Case] = []
        for case in cases:
            wanted = dict.fromkeys((s.node.name, s.command) for s in case.steps)
            for want in wanted:
                self._needs.setdefault(want, []).append(case)
            self._open[case.key] = len(wanted)
            if not wanted:
                ready.append(case)
        for case in ready:
            self._judge(case)

    def take(self, output: Output) -> None:
        """One command has ended on one node."""
        key = (output.node, output.command)
        evidence = self._store.keep(self._stage, output)
        complete: list[Case] = []
        with self._lock:
            if key in self._outputs:
                return
            self._outputs[key] = (output, evidence)
            for case in self._needs.get(key, ()):
                self._open[case.key] -= 1
                if self._open[case.key] == 0:
                    complete.append(case)
        for case in complete:
            self._judge(case)

    def _judge(self, case: Case) -> None:
        wanted = dict.fromkeys((s.node.name, s.command) for s in case.steps)
        kept = {want: self._outputs[want] for want in wanted}
        ctx = dataclasses.replace(self._ctx, listen_port=case.listen_port) if case.listen_port else self._ctx
        excuse = self._excuse(case) if self._excuse else ""
        if excuse:
            outcome = not_run(case.check, case.target, Why.QUARANTINED, excuse, ctx)
        elif case.plan is None:
            outcome = refused(case, ctx)
        elif any(out.ended is Ended.CANCELLED for out, _ in kept.values()) and not _client_ended(case, kept):
            outcome = not_run(
                case.check, case.target, Why.ABORTED, "the run was stopped before this was finished", ctx
            )
        else:
            first = self._earlier.outputs(kept) if self._earlier and case.check.compares else None
            outputs = Outputs({want: out for want, (out, _) in kept.items()}, first)
            outcome = judged(case.check, case.target, outputs, ctx)
        self._emit(dataclasses.replace(outcome, evidence=tuple(e for _, e in kept.values())))


def _client_ended(case: Case, kept: dict[tuple[str, Command], tuple[Output, Evidence]]) -> bool:
    """Of a server and its client the client decides: a server that was stopped afterwards is no abort."""
    if not isinstance(case.plan, Serve):
        return False
    out, _ = kept[case.plan.client.node.name, case.plan.client.command]
    return out.ended is not Ended.CANCELLED


def refused(case: Case, ctx: Context) -> Outcome:
    """The outcome of a case that has no plan: not applicable, nobody to test it with, or could not be planned."""
    outcome = not_run(case.check, case.target, case.why, case.reason, ctx)
    if case.why is not Why.NONE:
        return outcome
    return dataclasses.replace(outcome, verdict=Verdict.ERROR, why=Why.NONE, code=case.code)
