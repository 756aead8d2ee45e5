"""Screen 4: one node, its parts as a tree, and what was measured against which limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from bringup.tui.actions import Place
from bringup.tui.look import TROUBLE, Line
from bringup.tui.node_rows import NODE_COLUMNS, NodeRow, identity_lines, node_rows
from bringup.tui.screens.evidence import open_evidence
from bringup.tui.screens.page import Desk, Page, bindings
from bringup.tui.table import ready
from bringup.tui.widgets.bigtable import BigTable
from bringup.tui.widgets.lines import Block


class NodePage(Page):
    """The selected node."""

    place = Place.NODE
    tab = "node"
    BINDINGS = bindings(Place.NODE)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.faults_only = False
        self.toggled: frozenset[str] = frozenset()
        self.entries: list[NodeRow] = []
        self._node = ""

    def body(self) -> Iterable[Widget]:
        yield Block(id="identity")
        yield BigTable(NODE_COLUMNS, self.desk.look, empty="nothing is known about this node yet")

    @property
    def mover(self) -> BigTable:
        return self.query_one(BigTable)

    def draw(self) -> None:
        desk, name = self.desk, self.desk.node
        if name != self._node:
            self._node, self.toggled = name, frozenset()
            self.mover.edge(-1)
        self.query_one("#identity", Block).show(identity_lines(desk.view, name, desk.look, self.size.width))
        self.entries = []
        if name in desk.view.state.nodes:
            self.entries = node_rows(desk.view, name, desk.look, self.toggled, trouble_only=self.faults_only)
        self.mover.show(ready([entry.row for entry in self.entries]))

    def says(self) -> str:
        return "  ".join(filter(None, ("faults only" if self.faults_only else "", self.mover.says)))

    def status(self) -> Sequence[Line]:
        return ()

    def _entry(self) -> NodeRow | None:
        return self.entries[self.mover.cursor] if self.mover.cursor < len(self.entries) else None

    def on_big_table_moved(self) -> None:
        self.draw_frame()

    def on_big_table_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        if entry.component:
            self.toggled = self.toggled ^ {entry.path}
            self.update()
        else:
            self.action_evidence()

    def action_evidence(self) -> None:
        entry = self._entry()
        if entry is not None:
            open_evidence(self, entry.evidence())

    def action_faults(self) -> None:
        self.faults_only = not self.faults_only
        self.update()

    def action_next(self, step: int) -> None:
        places = [k for k, entry in enumerate(self.entries) if entry.mark in TROUBLE and not entry.component]
        ahead = [k for k in places if (k - self.mover.cursor) * step > 0]
        if not places:
            self.tell("everything that was read here is in order")
        else:
            goal = (
                (min(ahead) if step > 0 else max(ahead)) if ahead else (places[0] if step > 0 else places[-1])
            )
            self.mover.move(0, goal - self.mover.cursor)
            self.draw_frame()
