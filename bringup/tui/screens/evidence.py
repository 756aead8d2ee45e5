"""The kept output of commands: a list where there are several, and the viewer."""

from __future__ import annotations

from collections.abc import Sequence

from bringup.commands import Evidence
from bringup.report.deciding import deciding_line
from bringup.tui.actions import Place
from bringup.tui.kept import EVIDENCE_COLUMNS, STDOUT, evidence_lines, evidence_rows
from bringup.tui.look import line_text
from bringup.tui.screens.page import Desk, Page, bindings
from bringup.tui.screens.tables import TablePage
from bringup.tui.screens.text import TextPage
from bringup.tui.table import ready


async def open_evidence(page: Page, kept: list[Evidence], said: str = "") -> None:
    """Show one kept output at once, several as a list to choose from. `said` is what was read from it, in words."""
    if not kept:
        page.tell("no output was kept for this")
    elif len(kept) == 1:
        await page.app.push_screen(EvidencePage(page.desk, kept[0], said))
    else:
        await page.app.push_screen(FilesPage(page.desk, kept, said))


class FilesPage(TablePage):
    """The outputs behind a result or a component."""

    place = Place.FILES
    BINDINGS = bindings(Place.FILES)
    columns = EVIDENCE_COLUMNS

    def __init__(self, desk: Desk, kept: list[Evidence], said: str = "") -> None:
        super().__init__(desk)
        self.kept, self.said = kept, said

    def draw(self) -> None:
        self.mover.show(ready(evidence_rows(self.kept, self.desk.look)))

    def shows(self) -> Sequence[str]:
        return ("evidence",)

    async def action_open(self) -> None:
        await self.app.push_screen(EvidencePage(self.desk, self.kept[self.mover.cursor], self.said))


class EvidencePage(TextPage):
    """One kept output, with search. It opens at the line that decided, where one stands out."""

    place = Place.EVIDENCE
    BINDINGS = bindings(Place.EVIDENCE)

    def __init__(self, desk: Desk, evidence: Evidence, said: str = "") -> None:
        super().__init__(desk)
        self.evidence, self.said = evidence, said
        self._read = False

    def draw(self) -> None:
        if not self._read:
            self._read = True
            lines = evidence_lines(self.desk.view.folder, self.evidence, self.desk.look)
            self.mover.show(lines)
            said = [line_text(line) for line in lines]
            begin = next((k for k, line in enumerate(said) if f" {STDOUT}, " in line), len(said))
            at = deciding_line(said[begin + 1 :], self.said)
            self.mover.point_at(None if at is None else begin + 1 + at)

    def label(self) -> str:
        return "evidence"
