"""Screen 3: the work list, and the page of one defect."""

from __future__ import annotations

from collections.abc import Sequence

from bringup.defects import Defect
from bringup.tui.actions import Place
from bringup.tui.defect_rows import (
    DEFECT_COLUMNS,
    ORDERS,
    defect_lines,
    defect_page,
    defect_rows,
    find,
    listed,
)
from bringup.tui.look import Line, Tone
from bringup.tui.screens.page import Desk, bindings, padded
from bringup.tui.screens.tables import TablePage
from bringup.tui.screens.text import TextPage
from bringup.tui.screens.worklist import ListPage, copy_tickets
from bringup.tui.table import ready

CARD_LINES = 9
"""The card below the list has always the same height, so that the list does not jump."""


class DefectTable(TablePage):
    """Rows that are defects: the selected one is told below them, and opens as a page."""

    tab = "defects"

    def selected(self) -> Defect | None:
        """The defect of the selected row."""
        return find(self.desk.view, self.mover.key)

    def status(self) -> Sequence[Line]:
        defect = self.selected()
        if defect is None:
            return ()
        width = self.size.width
        rule: Line = ((self.desk.look.dash * width, Tone.DIM),)
        lines = [rule, *defect_lines(self.desk.view, defect, self.desk.look, width)]
        if len(lines) > CARD_LINES:
            lines = [*lines[: CARD_LINES - 1], (("   (enter shows all)", Tone.DIM),)]
        return padded(lines, CARD_LINES)

    async def action_open(self) -> None:
        if self.mover.key:
            await self.app.push_screen(DefectPage(self.desk, self.mover.key))


class DefectsPage(DefectTable):
    """What is to be done, in the order in which one walks."""

    place = Place.DEFECTS
    BINDINGS = bindings(Place.DEFECTS)
    columns = DEFECT_COLUMNS

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.order = next(iter(ORDERS))

    def draw(self) -> None:
        self.mover.empty = "no defect matches the filter" if self.filter else "no defect is known"
        desk = self.desk
        is_new = desk.earlier.is_new if desk.earlier else None
        self.mover.show(ready(defect_rows(desk.view, desk.look, self.filter, self.order, is_new)))
        self.mover.tick(self.desk.defects.keys)

    def shows(self) -> Sequence[str]:
        marked = len(self.desk.defects.keys)
        return (
            f"{marked:,} marked" if marked else "",
            *super().shows(),
            self.order if self.order != next(iter(ORDERS)) else "",
        )

    def action_order(self) -> None:
        names = list(ORDERS)
        self.order = names[(names.index(self.order) + 1) % len(names)]
        self.update()

    def action_tick(self) -> None:
        self.desk.defects.toggle(self.mover.key)
        self.mover.move(0, 1)
        self.update()

    def action_tick_range(self) -> None:
        self.desk.defects.span(self.mover.key, self.mover.rows.keys)
        self.update()

    def action_untick(self) -> None:
        self.desk.defects.clear()
        self.update()

    def _chosen(self) -> list[Defect]:
        """The marked defects in the order of the list."""
        known = listed(self.desk.view, "", self.order)
        return [d for d in known if d.id in self.desk.defects.keys]

    async def action_paper(self) -> None:
        chosen = self._chosen() or listed(self.desk.view, self.filter, self.order)
        await self.app.push_screen(ListPage(self.desk, chosen))

    def action_copy(self) -> None:
        one = self.selected()
        copy_tickets(self, self._chosen() or ([one] if one else []))


class DefectPage(TextPage):
    """One defect with everything that it explains."""

    place = Place.DEFECT
    tab = "defects"
    BINDINGS = bindings(Place.DEFECT)

    def __init__(self, desk: Desk, key: str) -> None:
        super().__init__(desk)
        self.key = key

    def draw(self) -> None:
        defect = find(self.desk.view, self.key)
        if defect is None:
            gone = f" {self.desk.look.text(self.key, 40)} is no longer in the list of defects"
            self.mover.show([((gone, Tone.UNKNOWN),)])
        else:
            self.mover.show(defect_page(self.desk.view, defect, self.desk.look, self.size.width))

    def label(self) -> str:
        return self.desk.look.text(self.key, 20)

    def action_open(self) -> None:
        defect = find(self.desk.view, self.key)
        known = [name for name in defect.nodes if name in self.desk.view.state.nodes] if defect else []
        if known:
            self.post_message(self.NodeWanted(known[0]))
        else:
            self.tell("this defect names no node of the run")

    def action_copy(self) -> None:
        defect = find(self.desk.view, self.key)
        copy_tickets(self, [defect] if defect else [])
