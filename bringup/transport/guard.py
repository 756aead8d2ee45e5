"""A deadline over a call that has none: when it passes, an action of ours frees the call.

One thread serves all deadlines of the process; it starts with the first and ends soon after the last.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINGER_S = 0.5
_log = logging.getLogger(__name__)


class _Watch:
    """All running deadlines."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: dict[int, tuple[float, Callable[[], None]]] = {}
        self._next = 0
        self._wakes = math.inf
        self._thread: threading.Thread | None = None

    def add(self, deadline: float, action: Callable[[], None]) -> int:
        with self._changed:
            number = self._next
            self._next += 1
            self._entries[number] = (deadline, action)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="transport deadlines", daemon=True)
                thread.start()  # may raise where there are too many: the next one tries again
                self._thread = thread
            elif deadline < self._wakes:
                self._changed.notify()
            return number

    def remove(self, number: int) -> None:
        with self._changed:
            self._entries.pop(number, None)

    def _run(self) -> None:
        while (action := self._due()) is not None:
            try:
                action()
            except Exception:  # noqa: BLE001  whatever it is, the other deadlines must hold
                _log.exception("the action of a deadline failed")

    def _due(self) -> Callable[[], None] | None:
        """Wait for the next deadline that passes; None if there has been none for a while."""
        with self._changed:
            while True:
                if not self._entries:
                    self._wakes = math.inf
                    if not self._changed.wait_for(lambda: self._entries, _LINGER_S):
                        self._thread = None
                        return None
                number, (deadline, action) = min(self._entries.items(), key=lambda entry: entry[1][0])
                left = deadline - time.monotonic()
                if left <= 0:
                    del self._entries[number]
                    return action
                left = min(left, _LINGER_S)
                self._wakes = time.monotonic() + left
                self._changed.wait(left)


_watch = _Watch()


@contextmanager
def at_most(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call `action` from another thread if the body takes longer. The action must not block."""
    number = _watch.add(time.monotonic() + seconds, action)
    try:
        yield
    finally:
        _watch.remove(number)
