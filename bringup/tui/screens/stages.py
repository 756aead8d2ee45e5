"""Screen 2: the stages, and the results of one stage."""

from __future__ import annotations

from collections.abc import Sequence

from bringup.model import Outcome, Stage
from bringup.report import words
from bringup.tui.actions import Place
from bringup.tui.look import TROUBLE, Line, Mark
from bringup.tui.screens.evidence import open_evidence
from bringup.tui.screens.page import Desk, bindings, padded
from bringup.tui.screens.tables import TablePage
from bringup.tui.stage_rows import (
    RESULT_COLUMNS,
    STAGE_COLUMNS,
    result_of,
    result_rows,
    stage_lines,
    stage_rows,
)
from bringup.tui.summary import result_card
from bringup.tui.table import ready

CARD_LINES = 5
"""What is said below the tables has always the same height, so that they do not jump."""


class StagesPage(TablePage):
    """One line for each stage."""

    place = Place.STAGES
    tab = "stages"
    BINDINGS = bindings(Place.STAGES)
    columns = STAGE_COLUMNS
    empty = "no stage is known yet"

    def draw(self) -> None:
        first = not self.mover.rows
        self.mover.show(ready(stage_rows(self.desk.view, self.desk.clock(), self.desk.look)))
        if first and self.desk.view.stage is not None:
            self.mover.select(self.desk.view.stage.value)

    def tick(self) -> None:
        if self.ready and self.desk.view.stage is not None and not self.desk.view.over:
            self.draw()  # the running stage's time goes on
        super().tick()

    def status(self) -> Sequence[Line]:
        if not self.mover.key:
            return ()
        desk = self.desk
        return padded(stage_lines(desk.view, Stage(self.mover.key), desk.look, self.size.width), CARD_LINES)

    async def action_open(self) -> None:
        if self.mover.key:
            await self.app.push_screen(ResultsPage(self.desk, Stage(self.mover.key)))


class ResultsPage(TablePage):
    """The results of one stage; at first only those that are not in order."""

    place = Place.RESULTS
    tab = "stages"
    BINDINGS = bindings(Place.RESULTS)
    columns = RESULT_COLUMNS
    empty = "nothing here; z shows the results that are in order"

    def __init__(self, desk: Desk, stage: Stage) -> None:
        super().__init__(desk)
        self.stage = stage
        self.trouble_only = True

    def draw(self) -> None:
        self.mover.show(
            result_rows(
                self.desk.view, self.stage, self.desk.look, self.filter, trouble_only=self.trouble_only
            )
        )

    def shows(self) -> Sequence[str]:
        return (*super().shows(), "not in order" if self.trouble_only else "all results")

    def status(self) -> Sequence[Line]:
        outcome = self._outcome()
        look, view = self.desk.look, self.desk.view
        if outcome is None:
            return ()
        return padded(result_card(view, outcome, look, self.size.width), CARD_LINES)

    def _outcome(self) -> Outcome | None:
        return result_of(self.desk.view, self.stage, self.mover.key)

    async def action_open(self) -> None:
        outcome = self._outcome()
        if outcome is None or not outcome.nodes:
            return
        marks = self.desk.view.marks
        sick = [name for name in outcome.nodes if marks.get(name, Mark.PASS) in TROUBLE]
        self.post_message(self.NodeWanted((sick or list(outcome.nodes))[0]))

    def action_faults(self) -> None:
        self.trouble_only = not self.trouble_only
        self.update()

    async def action_evidence(self) -> None:
        outcome = self._outcome()
        if outcome is not None:
            await open_evidence(self, list(outcome.evidence), words.describe(outcome))
