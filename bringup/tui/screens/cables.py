"""Screen 5: the cables, as planned and as seen, what lies wrong first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bringup.tui.actions import Place
from bringup.tui.cable_rows import (
    CABLE_COLUMNS,
    ORDERS,
    Cable,
    Cables,
    cable_lines,
    cable_rows,
    counted,
    survey,
    told,
)
from bringup.tui.look import TROUBLE, Line, Tone
from bringup.tui.screens.defects import DefectPage
from bringup.tui.screens.page import Desk, bindings, padded
from bringup.tui.screens.tables import TablePage

CARD_LINES = 6


class CablesPage(TablePage):
    """Every cable with both ends."""

    place = Place.CABLES
    tab = "cables"
    filter_hint = "words, rack:R05, leaf:leaf-3, state:swap, gpu-[080-095], ! for not; esc clears"
    BINDINGS = bindings(Place.CABLES)
    columns = CABLE_COLUMNS

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.faults_only = False
        self.order = ORDERS[0]
        self.cables = Cables()
        self._counted = ""
        self._known: object = None
        self._shown: object = None
        self._cable: Callable[[int], Cable] | None = None

    def draw(self) -> None:
        view = self.desk.view
        known = (view.state.info, len(view.state.nodes), told(view), view.state.defects, view.over)
        if known != self._known:
            self.cables, self._known = survey(view), known
            self._counted = counted(self.cables)
        wanted = (known, self.filter, self.order, self.faults_only)
        if wanted == self._shown:
            return
        self._shown = wanted
        rows, self._cable = cable_rows(
            self.cables, self.desk.look, self.filter, self.order, trouble_only=self.faults_only
        )
        self.mover.empty = self._why_empty()
        self.mover.show(rows)

    def _why_empty(self) -> str:
        if not self.cables.total:
            return "the inventory plans no cable, and none was seen"
        return "no cable matches the filter" if self.filter else "no cable lies wrong"

    @property
    def selected(self) -> Cable | None:
        return self._cable(self.mover.cursor) if self._cable and self.mover.rows else None

    def status(self) -> Sequence[Line]:
        look, width, cable = self.desk.look, self.size.width, self.selected
        rule: Line = ((self._rule(width), Tone.DIM),)
        return padded([rule, *(cable_lines(cable, look, width) if cable else [])], CARD_LINES)

    def _rule(self, width: int) -> str:
        """A line with the counts in it."""
        dash = self.desk.look.dash
        return (
            self.desk.look.fit(f"{dash * 2} {self._counted} " + dash * width, width - 1).rstrip("…~") + dash
        )

    def shows(self) -> Sequence[str]:
        return (
            "faults only" if self.faults_only else "",
            *super().shows(),
            self.order if self.order != ORDERS[0] else "",
        )

    async def action_open(self) -> None:
        cable = self.selected
        if cable is None:
            return
        if cable.defect is not None:
            await self.app.push_screen(DefectPage(self.desk, cable.defect.id))
        else:
            self.post_message(self.NodeWanted(cable.ports[0].node.name))

    def action_faults(self) -> None:
        self.faults_only = not self.faults_only
        self.update()

    def action_order(self) -> None:
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        self.update()

    def action_next(self, step: int) -> None:
        if self._cable is None:
            return
        odd = [
            k
            for k in range(min(len(self.mover.rows), len(self.cables.odd)))
            if self._cable(k).mark in TROUBLE
        ]
        ahead = [k for k in odd if (k - self.mover.cursor) * step > 0]
        if not odd:
            self.tell("no cable lies wrong")
            return
        goal = (ahead or odd)[0 if step > 0 else -1]
        self.mover.move(0, goal - self.mover.cursor)
        self.draw_frame()
