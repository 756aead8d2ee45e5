"""Screen 6: repairs. What is marked (or every defect) with how far it is; claim, call fixed, prove, swap."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from textual.app import SuspendNotSupported

from bringup.tui.actions import Place
from bringup.tui.defect_rows import listed
from bringup.tui.repair import (
    REPAIR_COLUMNS,
    claim_command,
    fixed_command,
    repair_rows,
    retest_command,
    swap_command,
    typed,
)
from bringup.tui.screens.defects import DefectTable
from bringup.tui.screens.page import bindings
from bringup.tui.ssh_command import run_in_terminal
from bringup.tui.table import ready


class RepairPage(DefectTable):
    """Defects on their way to being closed. Only a run closes one."""

    place = Place.REPAIR
    tab = "repair"
    BINDINGS = bindings(Place.REPAIR)
    columns = REPAIR_COLUMNS
    empty = "no defect is known"

    def draw(self) -> None:
        desk, marked = self.desk, self.desk.defects.keys
        shown = [d for d in listed(desk.view, self.filter) if not marked or d.id in marked]
        self.mover.show(ready(repair_rows(desk.view, shown, desk.look)))

    def shows(self) -> Sequence[str]:
        return ("marked" if self.desk.defects.keys else "", *super().shows())

    def _chosen(self) -> list[str]:
        """The marked defects, else the selected one."""
        marked = [key for key in self.mover.rows.keys if key in self.desk.defects.keys]
        return marked or ([self.mover.key] if self.mover.key else [])

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
        defect = self.selected()
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
