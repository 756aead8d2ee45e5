"""A table of any length that draws only the lines in view. The cursor stays on its row's key when rows change."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from bringup.tui.look import Look, Tone
from bringup.tui.table import Column, Row, Rows, header, layout
from bringup.tui.widgets.lines import WHEEL, Painter


class BigTable(Painter):
    """Columns and rows with one row selected. Keys move it through the screen's actions; it never takes focus."""

    class Chosen(Message):
        """A row was clicked a second time: open it."""

    class Moved(Message):
        """Another row is selected."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, BigTable.Moved)

    def __init__(
        self, columns: Sequence[Column], look: Look, *, empty: str = "nothing here", id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.look = look
        self.empty = empty
        self.rows = Rows()
        self.cursor = 0
        self.top = 0
        self._seen: list[Row] = []
        self._ticked: frozenset[str] = frozenset()

    def tick(self, keys: frozenset[str]) -> None:
        """The keys of the rows that a person has marked."""
        if keys != self._ticked:
            self._ticked = keys
            self.refresh()

    @property
    def key(self) -> str:
        """The key of the selected row; empty if there is no row."""
        return self.rows.keys[self.cursor] if self.rows else ""

    @property
    def room(self) -> int:
        """How many rows are in view."""
        return max(1, self.size.height - 1)

    def show(self, rows: Rows) -> None:
        """Replace the rows; the cursor stays on its key, or in its place if that row is gone."""
        key, place = self.key, (self.cursor, self.top)
        self.rows = rows
        found = self._index(key) if key else None
        self.cursor = min(self.cursor, max(0, len(rows) - 1)) if found is None else found
        self.top += self.cursor - place[0]
        self._keep_in_view()
        seen, self._seen = self._seen, self._in_view()
        if place != (self.cursor, self.top) or seen != self._seen or not rows:
            self.refresh()
        if self.key != key:
            self.post_message(self.Moved())

    def _index(self, key: str) -> int | None:
        if self.cursor < len(self.rows) and self.rows.keys[self.cursor] == key:
            return self.cursor
        return next((k for k, other in enumerate(self.rows.keys) if other == key), None)

    def _in_view(self) -> list[Row]:
        return [self.rows.make(k) for k in range(self.top, min(len(self.rows), self.top + self.room))]

    def select(self, key: str) -> bool:
        """Put the cursor on the row with this key. False if there is none."""
        found = self._index(key)
        if found is None:
            return False
        self._to(found)
        return True

    @property
    def says(self) -> str:
        """`3 of 214`."""
        return f"{self.cursor + 1:,} of {len(self.rows):,}" if self.rows else ""

    # ------------------------------------------------------------------------------------------------ moving

    def move(self, dx: int, dy: int) -> None:
        """Up and down; sideways does nothing."""
        if dy:
            self._to(self.cursor + dy)

    def page(self, step: int) -> None:
        """By as many rows as are in view."""
        self._to(self.cursor + step * self.room)

    def edge(self, step: int) -> None:
        """To the first (-1) or the last (1) row."""
        self._to(0 if step < 0 else len(self.rows) - 1)

    def _to(self, cursor: int) -> None:
        before, top = self.cursor, self.top
        self.cursor = min(max(0, cursor), max(0, len(self.rows) - 1))
        if self.cursor == before:
            return
        self._keep_in_view()
        if self.top != top:
            self.refresh()
        else:
            self.refresh(*(Region(0, k - self.top + 1, self.size.width, 1) for k in (before, self.cursor)))
        self.post_message(self.Moved())

    def _keep_in_view(self) -> None:
        self.top = min(max(self.top, self.cursor - self.room + 1), self.cursor)
        self.top = max(0, min(self.top, len(self.rows) - self.room))

    def _settle(self) -> None:
        self._keep_in_view()
        self.refresh()

    def on_resize(self) -> None:
        self._settle()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self._to(self.cursor + WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self._to(self.cursor - WHEEL)

    def on_click(self, event: Click) -> None:
        event.stop()
        index = self.top + event.y - 1
        if event.y >= 1 and index < len(self.rows):
            if index == self.cursor:
                self.post_message(self.Chosen())
            else:
                self._to(index)

    # ------------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self.painted(header(self.columns, width, self.look))
        index = self.top + y - 1
        if index < len(self.rows):
            row = self.rows.make(index)
            line = layout(self.columns, row, width, self.look)
            if row.key in self._ticked:
                line = (("*", Tone.FIXED), *line[1:])
            return self.painted(line, cursor=index == self.cursor)
        if y == 1 and not self.rows:
            return self.painted(((f" {self.empty}", Tone.DIM),))
        return self.painted(())
