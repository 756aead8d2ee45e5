"""A finished (or growing) journal played again: its events come when their time has come, at any speed, step by step.

It stands in for the reader that follows a live journal, so that every screen shows exactly what it showed then.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bringup import events as ev
from bringup.errors import UsageError
from bringup.journal import Tail

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
BATCH = 2_000
"""At most so many events are given out at once."""
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_AFTER = re.compile(r"\+([0-9]{1,6})(s|m|h|)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}


def parse_start(written: str) -> Callable[[float], float]:
    """From `10:02`, `10:02:30` (local time of the run's day) or `+90`, `+5m`, to a time, given when the run began.

    Raises UsageError.
    """
    if after := _AFTER.fullmatch(written):
        seconds = int(after[1]) * _UNITS[after[2]]
        return lambda began: began + seconds
    clock = _CLOCK.fullmatch(written)
    if clock is None or int(clock[1]) > 23 or int(clock[2]) > 59 or int(clock[3] or 0) > 59:
        raise UsageError(
            f"--from {written[:40]!r}: write a time as 10:02 or 10:02:30, or as +5m after the beginning"
        )

    def at(began: float) -> float:
        try:
            day = datetime.fromtimestamp(began)
        except (OverflowError, ValueError, OSError):  # a journal may tell any time
            return began
        there = day.replace(
            hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0), microsecond=0
        )
        if there < day - timedelta(minutes=1):
            there += timedelta(days=1)  # the run went on over midnight
        return there.timestamp()

    return at


class Replay:
    """Gives the events of a journal out by their own time. `position` is the time that is shown."""

    def __init__(
        self,
        path: Path,
        *,
        start: str = "",
        speed: float = 1.0,
        paused: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._start = parse_start(start) if start else None
        self._clock = clock
        self._last = clock()
        self.speed = speed
        self.paused = paused
        self.position: float | None = None
        self._to_stage = False
        self._open()

    def _open(self) -> None:
        self._tail = Tail(self._path)
        self._ahead: deque[ev.AnyEvent] = deque()

    def now(self) -> float:
        """The time that is shown; before anything was read, the beginning of time."""
        return self.position or 0.0

    def new(self, most: int = 1 << 20) -> list[ev.AnyEvent]:
        """The events whose time has come since the last call."""
        if not self._fill(most):
            self._last = self._clock()
            return []
        self._advance()
        given: list[ev.AnyEvent] = []
        while len(given) < BATCH and self._fill(most):
            event = self._ahead[0]
            if event.at > self.now() and not self._to_stage:
                break
            given.append(self._ahead.popleft())
            self.position = max(self.now(), event.at)
            if self._to_stage and isinstance(event, ev.StageStarted | ev.RunEnded):
                self._to_stage = False
                break
        return given

    def _fill(self, most: int) -> bool:
        """Have at least one event at hand, if the journal has one."""
        if not self._ahead:
            self._ahead.extend(self._tail.new(most))
        if self._ahead and self.position is None:
            began = self._ahead[0].at
            self.position = self._start(began) if self._start else began
        return bool(self._ahead)

    def _advance(self) -> None:
        now = self._clock()
        if not self.paused and self.position is not None:
            self.position += (now - self._last) * self.speed
        self._last = now

    @property
    def at_end(self) -> bool:
        """Whether everything has been given out."""
        return not self._ahead and self.position is not None

    # ------------------------------------------------------------------------------------------------ control

    def toggle(self) -> None:
        """Stop the time, or let it go on."""
        self._advance()
        self.paused = not self.paused

    def faster(self, step: int) -> None:
        """The next higher or lower speed."""
        self._advance()
        beyond = [s for s in SPEEDS if (s > self.speed if step > 0 else s < self.speed)]
        if beyond:
            self.speed = beyond[0] if step > 0 else beyond[-1]

    def step(self) -> None:
        """Exactly to the next event, and stop the time there."""
        self._advance()
        self.paused = True
        if self._fill(1 << 20) and self.position is not None:
            self.position = max(self.position, self._ahead[0].at)

    def next_stage(self) -> None:
        """Read on to the beginning of the next stage."""
        self._to_stage = True

    def rewind(self, to: float) -> None:
        """Begin again and read up to an earlier time; whoever folds the events must begin again as well."""
        self._advance()
        self._open()
        self._to_stage = False
        self.position = to

    def says(self, time_of_day: Callable[[float], str]) -> str:
        """`replay 10:05:12 x20`."""
        if self.position is None:
            return "replay"
        how = "end" if self.at_end else "stopped" if self.paused else f"x{self.speed:g}"
        return f"replay {time_of_day(self.position)} {how}"
