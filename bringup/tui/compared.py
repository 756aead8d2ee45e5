"""An earlier run beside the one that is shown: what of each node and defect is another one now."""

from __future__ import annotations

from pathlib import Path

from bringup.defects import Defect
from bringup.life.difference import difference, lines
from bringup.tui.feed import RunView
from bringup.tui.look import MARKS, Mark


class Earlier:
    """The earlier run, read as a whole."""

    def __init__(self, folder: Path) -> None:
        self.view = RunView(folder)
        while self.view.drain(1.0):
            pass
        self._ids = {d.id for d in self.view.state.defects}

    @property
    def id(self) -> str:
        return self.view.state.info.id

    def changed(self, view: RunView) -> frozenset[str]:
        """The nodes whose state is another one, among those that have one by now."""
        return frozenset(
            name
            for name, mark in view.marks.items()
            if mark not in (Mark.WAITING, Mark.RUNNING) and self.view.marks.get(name) is not mark
        )

    def word(self, view: RunView, name: str) -> str:
        """`worse`, `better`, `new` (not in the earlier run), or nothing."""
        before, now = self.view.marks.get(name), view.marks.get(name, Mark.WAITING)
        if before is None:
            return "new"
        if now in (Mark.WAITING, Mark.RUNNING) or now is before:
            return "same"
        return "worse" if MARKS.index(now) < MARKS.index(before) else "better"

    def said(self, view: RunView, name: str) -> str:
        """What a node was before, if it is something else now."""
        word, before = self.word(view, name), self.view.marks.get(name)
        if before is None:
            return "new: not in the earlier run"
        return "" if word == "same" else f"{word}: was {before.value}"

    def is_new(self, defect: Defect) -> bool:
        """Whether the earlier run did not have this defect."""
        return defect.id not in self._ids

    def text(self, view: RunView) -> list[str]:
        """Everything that differs, in lines."""
        return lines(difference(self.view.state, view.state), self.view.state, view.state)
