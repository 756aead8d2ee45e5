"""Screens whose middle is one table: its cursor, its place in the tab line, and what a chosen row opens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget

from bringup.tui.screens.page import Desk, Page
from bringup.tui.table import Column
from bringup.tui.widgets.bigtable import BigTable


class TablePage(Page):
    """Subclasses name the columns, fill the table in `draw`, and say what opening a row does (`action_open`)."""

    columns: ClassVar[Sequence[Column]]
    empty: ClassVar[str] = "nothing here"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._main = BigTable(self.columns, desk.look, empty=self.empty)

    def body(self) -> Iterable[Widget]:
        yield self._main

    @property
    def mover(self) -> BigTable:
        return self._main

    def shows(self) -> Sequence[str]:
        """What of all rows is shown, and how they are ordered, in a few words each; empty ones do not count."""
        return (f"/{self.filter}" if self.filter else "",)

    def says(self) -> str:
        return "  ".join(filter(None, (*self.shows(), self.mover.says)))

    def on_big_table_moved(self) -> None:
        self.draw_frame()

    async def on_big_table_chosen(self) -> None:
        await self.action_open()

    async def action_open(self) -> None:
        """Open the selected row."""
        raise NotImplementedError
