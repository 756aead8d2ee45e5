"""Screen 6: repairs. What is marked (or every defect) with how far it is; claim, call fixed, prove, swap."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from textual.app import SuspendNotSupported
from textual.widget import Widget

from bringup.defects import Defect
from bringup.tui.actions import Place
from bringup.tui.defect_rows import defect_lines, find, listed
from bringup.tui.look import Line, Tone
from bringup.tui.repair import (
    REPAIR_COLUMNS,
    claim_command,
    fixed_command,
    repair_rows,
    retest_command,
    swap_command,
    typed,
)
from bringup.tui.screens.defects import DefectPage
from bringup.tui.screens.page import Desk, Page, bindings, padded
from bringup.tui.ssh_command import run_in_terminal
from bringup.tui.table import ready
from bringup.tui.widgets.bigtable import BigTable

CARD_LINES = 9


class RepairPage(Page):
    """Defects on their way to being closed. Only a run closes one."""

    place = Place.REPAIR
    tab = "repair"
    BINDINGS = bindings(Place.REPAIR)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._main = BigTable(REPAIR_COLUMNS, desk.look, empty="no defect is known")

    def body(self) -> Iterable[Widget]:
        yield self._main

    @property
    def mover(self) -> BigTable:
        return self._main

    def draw(self) -> None:
        desk, marked = self.desk, self.desk.defects.keys
        shown = [d for d in listed(desk.view, self.filter) if not marked or d.id in marked]
        self.mover.show(ready(repair_rows(desk.view, shown, desk.look)))

    def says(self) -> str:
        parts = (
            "marked" if self.desk.defects.keys else "",
            f"/{self.filter}" if self.filter else "",
            self.mover.says,
        )
        return "  ".join(filter(None, parts))

    def status(self) -> Sequence[Line]:
        defect = self._selected()
        if defect is None:
            return ()
        rule: Line = ((self.desk.look.dash * self.size.width, Tone.DIM),)
        lines = [rule, *defect_lines(self.desk.view, defect, self.desk.look, self.size.width)]
        return padded(lines, CARD_LINES)

    def _selected(self) -> Defect | None:
        return find(self.desk.view, self.mover.key)

    def _chosen(self) -> list[str]:
        """The marked defects, else the selected one."""
        marked = [key for key in self.mover.rows.keys if key in self.desk.defects.keys]
        return marked or ([self.mover.key] if self.mover.key else [])

    def on_big_table_moved(self) -> None:
        self.draw_frame()

    async def on_big_table_chosen(self) -> None:
        await self.action_open()

    async def action_open(self) -> None:
        if self.mover.key:
            await self.app.push_screen(DefectPage(self.desk, self.mover.key))

    # ------------------------------------------------------------------------------------- commands

    def action_retest(self) -> None:
        self._run(retest_command(self.desk.view.folder, self._chosen()))

    def action_retest_plan(self) -> None:
        self._run(retest_command(self.desk.view.folder, self._chosen(), only_plan=True))

    def action_claim(self) -> None:
        self._run(claim_command(self.desk.view.folder, self._chosen()))

    def action_fixed(self) -> None:
        self._run(fixed_command(self.desk.view.folder, self._chosen()))

    def action_swap(self) -> None:
        defect = self._selected()
        command = swap_command(self.desk.view, defect) if defect else []
        if command:
            self._run(command)
        else:
            self.tell("a swap test needs a defect at one port, and a good port on the same node")

    def _run(self, command: list[str]) -> None:
        """Run one of our commands in the terminal; the screens come back afterwards."""
        shown = self.desk.look.text(shlex.join(typed(command)), 2000)
        if self.desk.read_only:
            self.tell("this view only reads")
        elif not self._chosen():
            self.tell("no defect is selected")
        elif not self.desk.view.over:
            self.tell("the run goes on: repairs are proven when it is over")
        else:
            try:
                with self.app.suspend():
                    run_in_terminal(command, shown, wait=True)
            except (SuspendNotSupported, OSError):
                self.tell(f"not from here; type: {shown}")
                return
            self.tell(f"back from: {shown}")
