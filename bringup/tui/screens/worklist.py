"""The list to take along: read it, copy it, write it to a file that can be printed."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bringup.defects import Defect
from bringup.tui.actions import Place
from bringup.tui.look import line_text
from bringup.tui.screens.page import Desk, Page, bindings
from bringup.tui.screens.text import TextPage
from bringup.tui.worklist import paper_lines, tickets


class ListPage(TextPage):
    """The chosen defects in walking order with a box to tick for each."""

    place = Place.LIST
    tab = "defects"
    BINDINGS = bindings(Place.LIST)

    def __init__(self, desk: Desk, defects: Sequence[Defect]) -> None:
        super().__init__(desk)
        self.defects = list(defects)

    def draw(self) -> None:
        self.mover.show(paper_lines(self.desk.view, self.defects, self.desk.look))

    def label(self) -> str:
        return "list"

    @property
    def text(self) -> str:
        """The list as it goes to the clipboard or a file."""
        lines = paper_lines(self.desk.view, self.defects, self.desk.look)
        return "\n".join(line_text(line).rstrip() for line in lines) + "\n"

    def action_copy(self) -> None:
        put(self, self.text, "the list")

    def action_write(self) -> None:
        write(self, "list", ".txt", self.text)


def copy_tickets(page: Page, defects: Sequence[Defect]) -> None:
    """Put defects as ticket text into the clipboard of the terminal."""
    if not defects:
        page.tell("there is nothing to copy")
        return
    look = page.desk.look
    said = look.text(defects[0].id, 20) if len(defects) == 1 else f"{len(defects):,} defects"
    put(page, tickets(page.desk.view, defects, look), said)


def put(page: Page, text: str, said: str) -> None:
    """Text into the clipboard of the terminal, as far as the terminal allows it."""
    page.app.copy_to_clipboard(text)
    page.tell(f"{said} copied (if the terminal allows it: OSC 52)")


def write(page: Page, kind: str, ending: str, text: str) -> None:
    """Text into a new file of the current folder; tells its name. The run's own words never become a file name."""
    if page.desk.read_only:
        page.tell("this view only reads: nothing is written")
        return
    stamp = time.strftime("%m%d-%H%M%S", time.localtime(page.desk.clock()))
    for number in range(1, 100):
        path = page.desk.scratch / f"bringup-{kind}-{stamp}{'' if number == 1 else f'-{number}'}{ending}"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        except OSError as error:
            page.tell(f"not written: {error.strerror}: {path}")
            return
        page.tell(f"written to {path.resolve()}")
        return
    page.tell("not written: too many such files are here")
