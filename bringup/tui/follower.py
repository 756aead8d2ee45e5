"""Reads the journal in a thread of its own, so that a disk that hangs holds up no key and no repaint."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from bringup.events import AnyEvent
from bringup.journal import Tail

CHUNK_BYTES = 1 << 16
"""So much is decoded at once: the interpreter's lock is held for a few milliseconds."""
LINE_BYTES = 1 << 22
"""A longer line of the journal is read over several turns."""
IDLE_S = 0.05
AHEAD = 32
"""So many chunks may wait for the screens: what is read faster than it is shown stays in the file."""


class Follower:
    """Stands in for the reader of the journal; `new` never waits for the disk."""

    def __init__(self, tail: Tail, clock: Callable[[], float] = time.monotonic) -> None:
        self._tail = tail
        self._clock = clock
        self._ready: queue.Queue[list[AnyEvent]] = queue.Queue(AHEAD)
        self._ended = threading.Event()
        self._asked: float | None = None
        self._more = True
        self._thread = threading.Thread(target=self._read, name="journal", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more; a thread that hangs in the disk is left to end with the process."""
        self._ended.set()

    def _read(self) -> None:
        while not self._ended.is_set():
            self._asked = self._clock()
            events = self._tail.new(CHUNK_BYTES) or self._tail.new(LINE_BYTES)
            self._asked = None
            self._more = bool(events)
            if not events:
                self._ended.wait(IDLE_S)
            while events and not self._ended.is_set():
                try:
                    self._ready.put(events, timeout=IDLE_S)
                    break
                except queue.Full:
                    continue

    def new(self, most: int = 0) -> list[AnyEvent]:
        """Events that have been read since the last call; empty if there are none now."""
        try:
            return self._ready.get_nowait()
        except queue.Empty:
            return []

    @property
    def behind(self) -> bool:
        """Whether the journal held more when it was read last."""
        return self._more or not self._ready.empty()

    @property
    def hangs_s(self) -> float:
        """For how long the disk has not answered."""
        asked = self._asked
        return 0.0 if asked is None else max(0.0, self._clock() - asked)
