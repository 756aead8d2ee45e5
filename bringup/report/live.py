"""Progress of a run while it runs: a small live picture on a terminal, plain lines where there is none.

It is one more reader of the events. It keeps its own state, does little work per event, draws at most a few
times a second in its own thread, and a fault in it ends the display, never the run.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live as RichLive

from bringup import events as ev
from bringup.model import Verdict
from bringup.report import live_view, text
from bringup.report.words import describe
from bringup.run import RunState

REFRESH_PER_SECOND = 4
FAILING_LINES = 6

__all__ = ["Live", "describe"]


class _Console(Console):
    """A console whose lost reader costs only the display.

    Rich's own answer to a broken pipe ends the program and closes its standard output.
    """

    def on_broken_pipe(self) -> None:
        self.quiet = True
        raise OSError("nobody reads the progress display any more")


class Live:
    """Give `on_event` to the run as a sink, and use it as a context manager around the run.

    `quiet` shows nothing at all. A terminal gets the live picture; a pipe or a log gets one line per stage
    and one per failure. A resumed run gives what it had `before`. `broken` holds the reason if the display
    had to give up.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        quiet: bool = False,
        before: RunState | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet
        self._now = now
        self._lock = threading.Lock()
        self._failing: deque[str] = deque(maxlen=FAILING_LINES)
        self._rich: RichLive | None = None
        self._console = _Console(file=self._stream, highlight=False)
        self._since: float | None = None
        self.state = _copied(before) if before is not None else RunState()
        self.broken = ""

    @property
    def animated(self) -> bool:
        """Whether there is a terminal that can redraw."""
        return self._stream.isatty() and not self._console.is_dumb_terminal

    def __enter__(self) -> Self:
        if not self._quiet and self.animated:
            self._rich = RichLive(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=REFRESH_PER_SECOND,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._safely(self._rich.start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Draw a last time and give the terminal back."""
        if self._rich is not None:
            rich, self._rich = self._rich, None
            self._safely(rich.stop)

    def on_event(self, event: ev.AnyEvent) -> None:
        """Take one event in. Cheap, and never raises."""
        if self._quiet or self.broken:
            return
        self._safely(lambda: self._take(event))

    def _take(self, event: ev.AnyEvent) -> None:
        with self._lock:
            self.state.apply(event)
            if isinstance(event, ev.RunStarted | ev.Resumed):
                self._since = event.at
            line = self._line(event)
            if line is None:
                return
            if self._rich is not None:
                if isinstance(event, ev.Judged):
                    self._failing.append(line)
                return
        self._print(line)

    def _line(self, event: ev.AnyEvent) -> str | None:
        """The line for a log that an event is worth; None for most events."""
        match event:
            case ev.Judged(outcome=outcome) if outcome.verdict in (Verdict.FAIL, Verdict.ERROR):
                return live_view.failing_line(self.state, outcome)
            case ev.StageEnded(stage=stage):
                return live_view.stage_line(self.state.stages[stage], event.at)
            case ev.RunStarted():
                return live_view.head_line(self.state)
            case ev.RunEnded(aborted=aborted) if aborted:
                return f"ended early: {text.line(aborted, 300)}"
            case _:
                return None

    def _print(self, line: str) -> None:
        self._stream.write(text.for_encoding(f"{line}\n", self._stream.encoding))
        self._stream.flush()

    def _picture(self) -> Group:
        """Called by the drawing thread. It must not raise either: rich would end the thread noisily."""
        try:
            with self._lock:
                ascii_only = not (self._console.encoding or "").lower().startswith("utf")
                size = self._console.size
                now = self._now()
                elapsed = None if self._since is None else now - self._since
                return live_view.picture(
                    self.state, self._failing, now, elapsed, size.width, size.height, ascii_only=ascii_only
                )
        except Exception as error:  # noqa: BLE001  the display must not disturb the run
            self.broken = self.broken or _told(error)
            return Group()

    def _safely(self, action: Callable[[], object]) -> None:
        """The door behind which nothing of the display may hurt the run."""
        try:
            action()
        except Exception as error:  # noqa: BLE001  a closed pipe or a display bug must not end a run of hours
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.broken = self.broken or _told(error)
        rich, self._rich = self._rich, None
        with contextlib.suppress(Exception):
            if rich is not None:
                rich.stop()
        with contextlib.suppress(Exception):
            self._stream.write(
                f"progress is not shown any more ({text.line(self.broken, 200)}); the run goes on\n"
            )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _copied(before: RunState) -> RunState:
    """The results of a run so far, in a state of our own."""
    state = RunState()
    state.apply(ev.RunStarted(info=before.info))
    for node in before.nodes.values():
        state.apply(ev.NodeListed(node=node))
    for outcome in before.outcomes:
        state.apply(ev.Judged(outcome=outcome))
    return state
