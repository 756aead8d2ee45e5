"""The floor as one widget: a cell for each node, whatever their number."""

from __future__ import annotations

from collections.abc import Mapping

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from bringup.tui.heat import Floor, neighbour
from bringup.tui.look import SIGNS, Look, Mark, Span, Tone
from bringup.tui.measures import Shade
from bringup.tui.widgets.lines import WHEEL, Painter

Cell = Mark | Shade
"""What a cell shows: a state, or a value among all."""


class HeatMap(Painter):
    """Draws a placed floor with the marks (or shades) of its nodes; one node is selected, any number are marked."""

    class Chosen(Message):
        """The selected cell was clicked again: open the node."""

    class Moved(Message):
        """Another node is selected."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, HeatMap.Moved)

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = look
        self.floor = Floor()
        self.marks: Mapping[str, Cell] = {}
        self.ticked: frozenset[str] = frozenset()
        self.changed: frozenset[str] = frozenset()
        self.node = ""
        self.top = 0
        self.empty = ""
        self._drawn: dict[str, Cell] = {}

    def show(
        self,
        floor: Floor,
        marks: Mapping[str, Cell],
        ticked: frozenset[str] = frozenset(),
        changed: frozenset[str] = frozenset(),
    ) -> None:
        """The nodes' places and marks; repaints only the lines whose marks have changed.

        `ticked` were marked by a person, `changed` are other than in an earlier run.
        """
        same_floor = floor is self.floor and (ticked, changed) == (self.ticked, self.changed)
        self.ticked, self.changed = ticked, changed
        self.floor, self.marks = floor, marks
        if self.node not in floor.cells and floor.order:
            self.node = floor.order[0]
            self.post_message(self.Moved())
        if not same_floor:
            self._keep_in_view()
            self._drawn = dict(marks)
            self.refresh()
            return
        lines = {
            floor.cells[n][0] for n, mark in marks.items() if self._drawn.get(n) != mark and n in floor.cells
        }
        self._drawn = dict(marks)
        for y in lines:
            self._refresh_line(y)

    def _refresh_line(self, y: int) -> None:
        if self.top <= y < self.top + self.size.height:
            self.refresh(Region(0, y - self.top, self.size.width, 1))

    # ------------------------------------------------------------------------------------------------ moving

    def select(self, node: str) -> None:
        """Put the cursor on a node."""
        if node == self.node or node not in self.floor.cells:
            return
        before, top = self.node, self.top
        self.node = node
        self._keep_in_view()
        if top != self.top or before not in self.floor.cells:
            self.refresh()
        else:
            self._refresh_line(self.floor.cells[before][0])
            self._refresh_line(self.floor.cells[node][0])
        self.post_message(self.Moved())

    def move(self, dx: int, dy: int) -> None:
        """To the next cell in a direction."""
        self.select(neighbour(self.floor, self.node, dx, dy))

    def page(self, step: int) -> None:
        """By as many lines as are in view."""
        self.move(0, step * max(1, self.size.height - 1))

    def edge(self, step: int) -> None:
        """To the first or the last node."""
        if self.floor.order:
            self.select(self.floor.order[0 if step < 0 else -1])

    def _keep_in_view(self) -> None:
        high = max(1, self.size.height)
        y = self.floor.cells[self.node][0] if self.node in self.floor.cells else 0
        self.top = min(max(self.top, y - high + 1), y)
        self.top = max(0, min(self.top, self.floor.height - high))

    def on_resize(self) -> None:
        self._keep_in_view()
        self.refresh()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.move(0, WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.move(0, -WHEEL)

    def on_click(self, event: Click) -> None:
        event.stop()
        y = event.y + self.top
        if y >= self.floor.height:
            return
        hit = next((name for x, name in self.floor.lines[y] if x == event.x), "")
        if hit and hit == self.node:
            self.post_message(self.Chosen())
        elif hit:
            self.select(hit)

    @property
    def says(self) -> str:
        """Which lines are in view, if not all are."""
        if self.floor.height <= self.size.height:
            return ""
        return f"lines {self.top + 1}-{min(self.floor.height, self.top + self.size.height)} of {self.floor.height}"

    # ------------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        row = y + self.top
        if row >= self.floor.height:
            text = self.empty if y == 1 and not self.floor.height else ""
            return self.painted(((f" {text}", Tone.DIM),) if text else ())
        size = self.floor.label_width
        pieces: list[tuple[int, Span]] = [
            (x, (self.look.fit(self.look.text(name), size), Tone.PLAIN)) for x, name in self.floor.labels[row]
        ]
        pieces += [(x, self._cell(name)) for x, name in self.floor.lines[row]]
        return self.painted(_joined(sorted(pieces, key=lambda piece: piece[0])))

    def _cell(self, name: str) -> Span:
        cell = self.marks.get(name, Mark.WAITING)
        if isinstance(cell, Shade):
            glyph, tone = self.look.shade(cell.step), Tone.PLAIN if cell.ok else Tone.DEFECT
        else:
            glyph, tone = self.look.glyph(cell), SIGNS[cell].tone
        if name == self.node:
            return glyph, Tone.CURSOR
        if name in self.ticked:
            return glyph if glyph.strip() else "_", Tone.TICKED
        return glyph, Tone.CHANGED if name in self.changed else tone


def _joined(pieces: list[tuple[int, Span]]) -> tuple[Span, ...]:
    """Pieces at columns as one line; neighbours of the same tone become one span."""
    line: list[Span] = []
    at = 0
    for x, (text, tone) in pieces:
        if x > at:
            line.append((" " * (x - at), Tone.PLAIN))
        if line and line[-1][1] is tone and tone is not Tone.PLAIN:
            line[-1] = (line[-1][0] + text, tone)
        else:
            line.append((text, tone))
        at = x + len(text)
    return tuple(line)
