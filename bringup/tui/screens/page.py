"""What all screens share: header, status line, filter, footer, and the keys that move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from bringup.tui.actions import ACTIONS, Action, Place, keys_text
from bringup.tui.compared import Earlier
from bringup.tui.feed import RunView
from bringup.tui.header import header_lines, tab_line
from bringup.tui.keymap import Keymap
from bringup.tui.look import Line, Look, Tone
from bringup.tui.widgets.bar import FilterLine, Footer
from bringup.tui.widgets.lines import Block


@dataclass(slots=True)
class Ticks:
    """What a person has marked, by key; `last` is where a range begins."""

    keys: frozenset[str] = frozenset()
    last: str = ""

    def toggle(self, key: str) -> None:
        """Mark, or take the mark away."""
        if key:
            self.keys, self.last = self.keys ^ {key}, key

    def span(self, key: str, order: Sequence[str]) -> None:
        """Mark everything from the last mark to here."""
        if key not in order:
            return
        here = order.index(key)
        there = order.index(self.last) if self.last in order else here
        self.keys |= set(order[min(here, there) : max(here, there) + 1])
        self.last = key

    def clear(self) -> None:
        """Take all marks away."""
        self.keys, self.last = frozenset(), ""


@dataclass(slots=True)
class Desk:
    """What all screens look at together: the run, the clock, the node that is selected, and what is marked.

    `read_only` is for views that strangers may open: no file, no shell, no process. `scratch` is where files go that
    a person asks for.
    """

    view: RunView
    look: Look
    clock: Callable[[], float]
    node: str = ""
    read_only: bool = False
    scratch: Path = Path()
    nodes: Ticks = field(default_factory=Ticks)
    defects: Ticks = field(default_factory=Ticks)
    earlier: Earlier | None = None
    keymap: Keymap = field(default_factory=Keymap)


class Mover(Protocol):
    """A widget that the moving keys act upon."""

    def move(self, dx: int, dy: int) -> None: ...
    def page(self, step: int) -> None: ...
    def edge(self, step: int) -> None: ...


def bindings(place: Place) -> list[BindingType]:
    """The bindings of one screen (or of the app), from the table of actions."""
    return [_binding(action) for action in ACTIONS if place in action.places]


def _binding(action: Action) -> Binding:
    return Binding(
        ",".join(action.keys),
        action.do,
        action.label,
        show=bool(action.foot),
        key_display=keys_text(action),
        tooltip=action.says,
        id=action.id,
    )


def padded(lines: list[Line], most: int) -> list[Line]:
    """Exactly so many lines."""
    return [*lines[:most], *[()] * (most - len(lines))]


TABS = {
    "floor": "Floor",
    "stages": "Stages",
    "defects": "Defects",
    "node": "Node",
    "cables": "Cables",
    "repair": "Repair",
}
"""The screens that have a key of their own; each is the id of the action that goes there."""


def tabs(keymap: Keymap) -> list[tuple[str, str, str]]:
    """The screens with their keys and names."""
    return [(ident, keymap.by_id(ident), label) for ident, label in TABS.items()]


class Page(Screen[None]):
    """One screen. Subclasses say what stands in the middle (`body`) and how it is drawn from the desk (`draw`)."""

    AUTO_FOCUS = ""
    place: ClassVar[Place]
    tab: ClassVar[str] = ""
    filter_hint: ClassVar[str] = "words, rack:R05, code:RDMA*, gpu-[080-095], ! for not; esc clears"

    class NodeWanted(Message):
        """The page of a node is asked for."""

        def __init__(self, node: str) -> None:
            super().__init__()
            self.node = node

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.filter = ""
        self.notice = ""
        self.ready = False
        self.top, self.low = Block(), Block()
        self.filter_line, self.footer = FilterLine(), Footer(desk.look, desk.keymap)
        self._drawn: object = None

    # ------------------------------------------------------------------------------------- for subclasses

    def body(self) -> Iterable[Widget]:
        """The widgets between header and status."""
        raise NotImplementedError

    def draw(self) -> None:
        """Bring the body up to date."""
        raise NotImplementedError

    @property
    def mover(self) -> Mover:
        """The widget that the moving keys act upon."""
        raise NotImplementedError

    def status(self) -> Sequence[Line]:
        """The lines above the footer."""
        return ()

    def says(self) -> str:
        """A few words at the right end of the tab line: where one is, what is filtered."""
        return ""

    def apply_filter(self) -> None:
        """The filter text has changed."""
        self.draw()

    # ------------------------------------------------------------------------------------- drawing

    def compose(self) -> ComposeResult:
        yield self.top
        yield from self.body()
        yield self.low
        yield self.filter_line
        yield self.footer

    def on_mount(self) -> None:
        self.ready = True  # drawn when it is shown and has its size, which come next

    def on_unmount(self) -> None:
        self.ready = False

    def on_screen_resume(self) -> None:
        self.update()

    def on_resize(self) -> None:
        self.call_after_refresh(self.update)

    def update(self) -> None:
        """Draw everything anew from the desk. Before the widgets are there (a timer may be faster) nothing happens."""
        if not self.ready:
            return
        self._drawn = self.desk.view.version
        self.draw()
        self.draw_frame()

    def tick(self) -> None:
        """Called some times a second: draw what has changed."""
        if self._drawn != self.desk.view.version:
            self.update()
        elif self.ready:
            self.draw_frame()

    def draw_frame(self) -> None:
        """Header, status and footer; cheap if nothing has changed."""
        desk, width = self.desk, self.size.width
        tab = tab_line(self.tab, tabs(desk.keymap), self.says(), width, desk.look)
        self.top.show([*header_lines(desk.view, desk.clock(), desk.look), tab])
        lines = list(self.status())
        if self.notice:
            lines = [*lines[:-1], ((f" {desk.look.folded(self.notice)}", Tone.BOLD),)]
        self.low.show(lines)
        self.footer.show(self.place, live=not desk.view.over)

    def tell(self, notice: str) -> None:
        """Say something in the status line until the next key."""
        self.notice = notice
        self.draw_frame()

    # ------------------------------------------------------------------------------------- keys

    def on_key(self) -> None:
        self.notice = ""

    def action_move(self, dx: int, dy: int) -> None:
        self.mover.move(dx, dy)
        self.draw_frame()

    def action_page(self, step: int) -> None:
        self.mover.page(step)
        self.draw_frame()

    def action_edge(self, step: int) -> None:
        self.mover.edge(step)
        self.draw_frame()

    # ------------------------------------------------------------------------------------- filter

    def action_filter(self) -> None:
        self.filter_line.open(self.filter, self.filter_hint)
        self.update()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        line = self.filter_line
        if line.display and event.value != self.filter:
            self.filter = event.value
            self.apply_filter()
            self.draw_frame()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.filter_line.close()
        self.update()

    def close_filter(self) -> bool:
        """Close and empty the filter. False if there is none."""
        line = self.filter_line
        if not line.display and not self.filter:
            return False
        line.close()
        self.filter = ""
        self.apply_filter()
        self.draw_frame()
        return True
