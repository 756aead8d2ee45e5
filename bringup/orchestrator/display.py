"""One listener of a run in a thread of its own: however slow, stuck or broken a display is, the run does not notice."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from bringup.events import AnyEvent

Listener = Callable[[AnyEvent], None]


class Display:
    """Hands every event to one listener, in order. A listener that raises is dropped, and `dropped` is told why."""

    def __init__(self, listener: Listener, dropped: Callable[[Exception], None]) -> None:
        self._listener, self._dropped = listener, dropped
        self._events: queue.SimpleQueue[AnyEvent | None] = queue.SimpleQueue()
        self._over = False
        self._thread = threading.Thread(target=self._show, name="display", daemon=True)
        self._thread.start()

    def tell(self, event: AnyEvent) -> None:
        """Never blocks, never raises."""
        if not self._over:
            self._events.put(event)

    def close(self, patience_s: float) -> None:
        """Wait until everything is shown, but not for ever."""
        self._events.put(None)
        self._thread.join(patience_s)
        self._over = True

    def _show(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                self._listener(event)
            except Exception as error:  # noqa: BLE001  the door to anybody's display: it must not stop a run
                if not self._over:
                    self._over = True
                    self._dropped(error)
                return
