"""Screens that are one long text: log and help; the evidence viewer and the page of a defect build on it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from bringup.tui.actions import Place
from bringup.tui.header import time_of_day
from bringup.tui.help_lines import help_lines
from bringup.tui.log import LogLine
from bringup.tui.look import Line, Look, Tone, wrapped
from bringup.tui.screens.page import Desk, Page, bindings
from bringup.tui.widgets.lines import LineView


class TextPage(Page):
    """A text that scrolls; `/` finds in it."""

    filter_hint = "text to find; then n and N; esc clears"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._main = LineView()

    def body(self) -> Iterable[Widget]:
        yield self._main

    @property
    def mover(self) -> LineView:
        return self._main

    def label(self) -> str:
        """What the text is, for the tab line."""
        return ""

    def says(self) -> str:
        return f"{f'/{self.filter}' if self.filter else self.label()}  {self.mover.says}".strip()

    def apply_filter(self) -> None:
        self.mover.search(self.filter)

    def action_next(self, step: int) -> None:
        if not self.filter:
            self.tell("nothing to find yet: / begins")
            return
        self.mover.next_match(step)
        self.draw_frame()


class LogPage(TextPage):
    """What happened to the run as a whole."""

    place = Place.LOG
    BINDINGS = bindings(Place.LOG)

    def draw(self) -> None:
        self.mover.show(log_lines(self.desk.view.log, self.desk.look, self.size.width), follow=True)

    def label(self) -> str:
        return "log"


def log_lines(log: list[LogLine], look: Look, width: int) -> list[Line]:
    """The log with the time of day; long lines are wrapped."""
    if not log:
        return [((" nothing has happened yet", Tone.DIM),)]
    lines: list[Line] = []
    for entry in log:
        tone = Tone.BOLD if entry.loud else Tone.PLAIN
        for k, part in enumerate(wrapped(look.text(entry.text, 2000), max(20, width - 12))):
            lines.append(((f" {time_of_day(entry.at) if k == 0 else '':<8}  ", Tone.DIM), (part, tone)))
    return lines


class ChangesPage(TextPage):
    """What is another than in an earlier run."""

    place = Place.CHANGES
    BINDINGS = bindings(Place.CHANGES)

    def draw(self) -> None:
        desk = self.desk
        if desk.earlier is None:
            said = ["there is no run to compare with: bringup watch RUN1 RUN2"]
        else:
            title = f"run {desk.view.state.info.id} against the earlier run {desk.earlier.id}"
            said = [title, "", *desk.earlier.text(desk.view)]
        self.mover.show([((f" {_indented(desk.look, line)}", _tone(line)),) for line in said])

    def label(self) -> str:
        return "changes"


def _indented(look: Look, line: str) -> str:
    """A line of unknown words that keeps its indentation."""
    return " " * (len(line) - len(line.lstrip())) + look.text(line, 600)


def _tone(line: str) -> Tone:
    return Tone.TITLE if line[:1].isupper() else Tone.PLAIN


class HelpPage(TextPage):
    """The keys of the screen from which help was asked for."""

    place = Place.HELP
    BINDINGS = bindings(Place.HELP)

    def __init__(self, desk: Desk, about: Place) -> None:
        super().__init__(desk)
        self.about = about

    def draw(self) -> None:
        self.mover.show(
            help_lines(self.about, self.desk.look, self.desk.keymap, live=not self.desk.view.over)
        )

    def label(self) -> str:
        return "help"
