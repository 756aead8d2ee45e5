"""Screen 4: one node, its parts as a tree, and what was measured against which limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from bringup.tui.actions import Place
from bringup.tui.look import TROUBLE, Line, Tone, wrapped
from bringup.tui.node_rows import NODE_COLUMNS, NodeRow, identity_lines, node_rows
from bringup.tui.screens.evidence import open_evidence
from bringup.tui.screens.page import Desk, bindings, padded
from bringup.tui.screens.tables import TablePage
from bringup.tui.screens.worklist import copy_tickets
from bringup.tui.table import ready
from bringup.tui.widgets.lines import Block
from bringup.tui.worklist import defects_on

SAYS_LINES = 2
"""The selected row in full, below the tree."""


class NodePage(TablePage):
    """The selected node."""

    place = Place.NODE
    tab = "node"
    BINDINGS = bindings(Place.NODE)
    columns = NODE_COLUMNS
    empty = "nothing is known about this node yet"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.faults_only = False
        self.toggled: frozenset[str] = frozenset()
        self.entries: list[NodeRow] = []
        self._node = ""
        self._identity = Block()

    def body(self) -> Iterable[Widget]:
        yield self._identity
        yield self.mover

    def draw(self) -> None:
        desk, name = self.desk, self.desk.node
        if name != self._node:
            self._node, self.toggled = name, frozenset()
            self.mover.edge(-1)
        self._identity.show(identity_lines(desk.view, name, desk.look, self.size.width))
        self.entries = []
        if name in desk.view.state.nodes:
            self.entries = node_rows(desk.view, name, desk.look, self.toggled, trouble_only=self.faults_only)
        self.mover.show(ready([entry.row for entry in self.entries]))

    def shows(self) -> Sequence[str]:
        return ("faults only" if self.faults_only else "",)

    def status(self) -> Sequence[Line]:
        entry, look, width = self._entry(), self.desk.look, self.size.width
        if entry is None:
            return ((),) * SAYS_LINES
        parts = wrapped(look.text(entry.says, 600), width - 2)
        if len(parts) > SAYS_LINES:
            parts = [*parts[: SAYS_LINES - 1], look.fit(" ".join(parts[SAYS_LINES - 1 :]), width - 2)]
        return padded([((f" {part}", Tone.DIM),) for part in parts], SAYS_LINES)

    def _entry(self) -> NodeRow | None:
        return self.entries[self.mover.cursor] if self.mover.cursor < len(self.entries) else None

    async def action_open(self) -> None:
        entry = self._entry()
        if entry is None:
            return
        if entry.component:
            self.toggled = self.toggled ^ {entry.path}
            self.update()
        else:
            await self.action_evidence()

    async def action_evidence(self) -> None:
        entry = self._entry()
        if entry is not None:
            await open_evidence(self, entry.evidence(), entry.says)

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

    def action_copy(self) -> None:
        copy_tickets(self, defects_on(self.desk.view, {self.desk.node}))
