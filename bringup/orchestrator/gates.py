"""The gates between and within stages: who has left the run, and which cases that leaves to be run."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bringup import events as ev
from bringup.check import components
from bringup.context import Context
from bringup.fleet import LocalFleet
from bringup.judging import not_run
from bringup.model import Pair, Stage, Why
from bringup.orchestrator.collector import refused
from bringup.orchestrator.earlier import Earlier
from bringup.orchestrator.plan import Case
from bringup.orchestrator.quarantine import Left, blocking, leaving
from bringup.orchestrator.record import Record


class Gates:
    """`left` is who or what has left, by component. Who leaves is written, and the connection to it is closed."""

    def __init__(self, record: Record, fleet: LocalFleet, ctx: Context) -> None:
        self._record, self._fleet, self._ctx = record, fleet, ctx
        self.left: dict[str, Left] = {}

    def eligible(self, cases: Sequence[Case], earlier: Earlier | None = None) -> list[Case]:
        """The cases to run now: not kept from an earlier attempt and not quarantined (those are written as such).

        A check that compares is asked on a node that a gate sent away too, as long as it can be reached and there is
        something to compare with: what the load did to it belongs to its defect.
        """
        run: list[Case] = []
        for case in cases:
            if case.key in self._record.kept:
                continue
            if case.why is Why.NOT_APPLICABLE:
                self._record.emit(refused(case, self._ctx))
                continue
            left = blocking(components(case.target, self._ctx), self.left)
            if left is None or (case.check.compares and earlier is not None and self._again(case, earlier)):
                run.append(case)
                continue
            outcome = not_run(case.check, case.target, Why.QUARANTINED, str(left), self._ctx)
            if isinstance(case.target, Pair):  # only the node that is to blame is not judged by this
                outcome = msgspec.structs.replace(outcome, nodes=(left.component.split("/")[0],))
            self._record.emit(outcome)
        return run

    def _again(self, case: Case, earlier: Earlier) -> bool:
        reached = all(node.name not in self._fleet.unreachable for node in case.target.nodes)
        return reached and bool(case.steps) and earlier.has_all(case)

    def judge(self, stage: Stage, cases: Sequence[Case]) -> None:
        """Sends away what these results say, results of an earlier attempt too, and whom nobody can reach any more."""
        for case in cases:
            outcome = self._record.state.cases.get(case.key)
            if outcome is not None:
                for left in leaving(outcome, case.check):
                    self._leave(left)
        for name, detail in list(self._fleet.unreachable.items()):
            self._leave(Left(name, stage, "connection", detail.split("\n")[0]))

    def _leave(self, left: Left) -> None:
        if left.component in self.left:
            return
        self.left[left.component] = left
        self._record.write(
            ev.Quarantined(component=left.component, stage=left.stage, check=left.check, reason=left.reason)
        )
        if "/" not in left.component:
            self._fleet.close([left.component])
