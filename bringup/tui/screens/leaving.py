"""The question that is asked before a running run is left: what is to become of it."""

from __future__ import annotations

from bringup.tui.actions import Place
from bringup.tui.control import stop, writer_of
from bringup.tui.look import Line, Tone
from bringup.tui.screens.page import Desk, bindings
from bringup.tui.screens.text import TextPage


class QuitPage(TextPage):
    """Detach, stop the run, or stop it at once."""

    place = Place.QUIT
    BINDINGS = bindings(Place.QUIT)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._warned = False

    def draw(self) -> None:
        view, look = self.desk.view, self.desk.look
        pid = writer_of(view.folder / "journal.jsonl")
        run = look.text(view.state.info.id, 40)
        who = (
            f"process {pid} of this machine" if pid else "another machine, or a process that cannot be known"
        )
        lines: list[Line] = [
            (),
            ((f" Run {run} goes on.", Tone.BOLD),),
            ((f" It is driven by {who}.", Tone.PLAIN),),
            (),
            (("   d  ", Tone.BOLD), ("detach: leave it alone; bringup watch shows it again", Tone.PLAIN)),
            (("   s  ", Tone.BOLD), ("stop: end its commands on the nodes, write its reports", Tone.PLAIN)),
            (
                ("   K  ", Tone.BOLD),
                ("stop now: end its process at once, without reports (press twice)", Tone.PLAIN),
            ),
            ((" esc  ", Tone.BOLD), ("back to the screen", Tone.PLAIN)),
            (),
            ((" What is stopped is taken up again with: bringup resume " + run, Tone.DIM),),
        ]
        if view.over:
            lines = [(), ((f" Run {run} has ended.  d leaves.", Tone.BOLD),)]
        self.mover.show(lines)

    def label(self) -> str:
        return "leaving"

    def says(self) -> str:
        return self.label()

    def action_stop(self) -> None:
        self.tell(stop(self.desk.view.folder / "journal.jsonl"))

    def action_kill(self) -> None:
        if not self._warned:
            self._warned = True
            self.tell("stop now leaves no reports: K once more to do it, esc to go back")
            return
        self.tell(stop(self.desk.view.folder / "journal.jsonl", now=True))
