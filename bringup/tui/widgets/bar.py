"""The footer with the keys of the screen, and the line into which a filter is typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Click
from textual.strip import Strip
from textual.widgets import Input, Static

from bringup.tui.actions import Action, Place, foot, full
from bringup.tui.keymap import Keymap
from bringup.tui.look import Line, Look, Span, Tone, line_text
from bringup.tui.widgets.lines import Painter


class Footer(Painter):
    """One line of keys; what does not fit is left out from the end, but never help and quit. Can be clicked."""

    DEFAULT_CSS = "Footer { height: 1; dock: bottom; }"

    def __init__(self, look: Look, keymap: Keymap | None = None) -> None:
        super().__init__()
        self.look = look
        self.keymap = keymap or Keymap()
        self.place = Place.FLOOR
        self.live = False

    def show(self, place: Place, *, live: bool) -> None:
        """The keys of a screen; `live` says that the run goes on when one leaves."""
        if (place, live) != (self.place, self.live):
            self.place, self.live = place, live
            self.refresh()

    def render_line(self, y: int) -> Strip:
        line, _ = footer_line(self.place, self.size.width, self.keymap, live=self.live)
        return self.painted(line)

    async def on_click(self, event: Click) -> None:
        event.stop()
        _, spots = footer_line(self.place, self.size.width, self.keymap, live=self.live)
        for start, end, action in spots:
            if start <= event.x < end:
                await self.app.run_action(full(action))


def footer_line(
    place: Place, width: int, keymap: Keymap | None = None, *, live: bool
) -> tuple[Line, list[tuple[int, int, Action]]]:
    """The footer's text and where each action stands in it. Help and quit always stay, back almost."""
    keymap = keymap or Keymap()
    items = [(action, _words(action, keymap, live=live)) for action in foot(place)]
    while len(items) > 2 and sum(len(words) + 2 for _, words in items) > width:
        del items[-4 if len(items) > 3 else -3]
    spans: list[Span] = [(" ", Tone.PLAIN)]
    spots: list[tuple[int, int, Action]] = []
    for action, words in items:
        start = len(line_text(tuple(spans)))
        key = keymap.first(action)
        spans += [(key, Tone.BOLD), (words[len(key) :], Tone.DIM), ("  ", Tone.PLAIN)]
        spots.append((start, start + len(words), action))
    return tuple(spans[:-1]), spots


def _words(action: Action, keymap: Keymap, *, live: bool) -> str:
    label = "detach" if action.id == "quit" and live else action.label
    return f"{keymap.first(action)} {label}"


class FilterLine(Horizontal):
    """`/` and a field; hidden until it is asked for."""

    DEFAULT_CSS = """
    FilterLine { height: 1; display: none; }
    FilterLine Static { width: 3; }
    FilterLine Input { border: none; height: 1; padding: 0; width: 1fr; background: transparent; }
    FilterLine Input:focus { border: none; height: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._field = Input(max_length=200)

    def compose(self) -> ComposeResult:
        yield Static(" / ", markup=False)
        yield self._field

    def open(self, text: str, hint: str) -> None:
        """Show the line with this text (or the hint while there is none) and take the keys."""
        self.display = True
        self._field.placeholder = hint
        self._field.cursor_blink = False
        self._field.value = text
        self._field.focus()

    def close(self) -> None:
        """Hide the line and give the keys back to the screen."""
        self.display = False
        self.screen.set_focus(None)
