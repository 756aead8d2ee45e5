"""Text drawn line by line: a fixed block of lines, and a viewer that scrolls and searches."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.events import MouseScrollDown, MouseScrollUp
from textual.strip import Strip
from textual.widget import Widget

from bringup.tui.look import Line, Tone, line_text
from bringup.tui.paint import strip

WHEEL = 3


class Painter(Widget):
    """What all line widgets share: they know whether the terminal is light, and paint one line at a time."""

    DEFAULT_CSS = "Painter { height: 1fr; width: 1fr; }"

    def painted(self, line: Line, *, cursor: bool = False) -> Strip:
        """A line in the colours of the current theme, as wide as the widget."""
        light = not self.app.current_theme.dark
        return strip(line, self.size.width, self.rich_style, light=light, cursor=cursor)


class Block(Painter):
    """A few lines that stand still; as high as they are many."""

    DEFAULT_CSS = "Block { height: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Replace the lines; does nothing if they are the same."""
        new = tuple(lines)
        if new == self.lines:
            return
        taller = len(new) != len(self.lines)
        self.lines = new
        self.refresh(layout=taller)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self.lines)

    def render_line(self, y: int) -> Strip:
        return self.painted(self.lines[y] if y < len(self.lines) else ())


class LineView(Painter):
    """A long text: scrolls, finds, keeps its place when it grows."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Line] = ()
        self.top = 0
        self.left = 0
        self.wanted = ""
        self.matches: list[int] = []
        self.match = -1
        self.pointed: int | None = None

    def show(self, lines: Sequence[Line], *, follow: bool = False) -> None:
        """Replace the text. With `follow` the end stays in view if it was."""
        at_end = self.top >= len(self.lines) - self.size.height
        self.lines = lines
        if self.wanted:
            self._search()
        self.top = self._last_top() if follow and at_end else min(self.top, self._last_top())
        self.refresh()

    def point_at(self, index: int | None) -> None:
        """Mark a line, and have it in view."""
        self.pointed = index
        if index is not None and not self.top <= index < self.top + self.size.height:
            self._to(index - self.size.height // 3)
        self.refresh()

    def _last_top(self) -> int:
        return max(0, len(self.lines) - max(1, self.size.height))

    def on_resize(self) -> None:
        self.top = min(self.top, self._last_top())

    # ------------------------------------------------------------------------------------------------ moving

    def move(self, dx: int, dy: int) -> None:
        """Scroll by lines and by eight columns."""
        widest = max((cell_len(line_text(line)) for line in self._visible()), default=0)
        self.left = min(max(0, self.left + 8 * dx), max(0, widest - 8)) if dx else self.left
        self._to(self.top + dy)

    def page(self, step: int) -> None:
        """Scroll by a page, with one line of overlap."""
        self._to(self.top + step * max(1, self.size.height - 1))

    def edge(self, step: int) -> None:
        """To the begin (-1) or the end (1)."""
        self.left = 0
        self._to(0 if step < 0 else self._last_top())

    def _to(self, top: int) -> None:
        self.top = min(max(0, top), self._last_top())
        self.refresh()

    def _visible(self) -> Sequence[Line]:
        return self.lines[self.top : self.top + self.size.height]

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self._to(self.top + WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self._to(self.top - WHEEL)

    # ------------------------------------------------------------------------------------------------ finding

    def search(self, wanted: str) -> None:
        """Find a text (case does not matter) and go to the first place at or below the top line."""
        self.wanted = wanted.lower()
        self._search()
        self.match = next((k for k, y in enumerate(self.matches) if y >= self.top), 0) if self.matches else -1
        self._go_to_match()

    def _search(self) -> None:
        self.matches = [
            y for y, line in enumerate(self.lines) if self.wanted and self.wanted in line_text(line).lower()
        ]
        self.match = min(self.match, len(self.matches) - 1)

    def next_match(self, step: int) -> None:
        """To the next (1) or previous (-1) place, going round at the end."""
        if self.matches:
            self.match = (self.match + step) % len(self.matches)
        self._go_to_match()

    def _go_to_match(self) -> None:
        if self.match >= 0:
            y = self.matches[self.match]
            if not self.top <= y < self.top + self.size.height:
                self._to(y - self.size.height // 3)
        self.refresh()

    @property
    def says(self) -> str:
        """Where one is, or how many places were found."""
        if self.wanted:
            return f"{self.match + 1} of {len(self.matches)} found" if self.matches else "not found"
        if self.pointed is not None:
            return f"line {self.pointed + 1:,} decides"
        last = min(len(self.lines), self.top + self.size.height)
        return f"{min(self.top + 1, last):,}-{last:,} of {len(self.lines):,}"

    # ------------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        index = self.top + y
        line: Line = self.lines[index] if index < len(self.lines) else ()
        if self.wanted and 0 <= self.match < len(self.matches):
            line = highlighted(line, self.wanted, here=self.matches[self.match] == index)
        elif index == self.pointed:
            line = tuple((text, Tone.MATCH) for text, _ in line)
        if self.left:
            full = self.painted_wide(line)
            return full.crop(self.left, self.left + self.size.width)
        return self.painted(line)

    def painted_wide(self, line: Line) -> Strip:
        """The line with enough room to its right to be cropped at `left`."""
        light = not self.app.current_theme.dark
        return strip(line, self.left + self.size.width, self.rich_style, light=light)


def highlighted(line: Line, wanted: str, *, here: bool) -> Line:
    """The line with every place of the text marked; on the line that one is at, more strongly."""
    spans = []
    for text, tone in line:
        rest, low = text, text.lower()
        if len(low) != len(rest):  # a letter whose small form is longer: positions would not fit
            spans.append((text, tone))
            continue
        while (at := low.find(wanted)) >= 0:
            spans += [(rest[:at], tone), (rest[at : at + len(wanted)], Tone.MATCH if here else Tone.TITLE)]
            rest, low = rest[at + len(wanted) :], low[at + len(wanted) :]
        spans.append((rest, tone))
    return tuple(span for span in spans if span[0])
