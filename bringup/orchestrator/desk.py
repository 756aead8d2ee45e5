"""One desk for what many workers bring: a thread of its own does it all, in the order in which it came.

Were each worker to judge what its node answered, they would fight for the interpreter and its caches: on two cores a
node cost 13 ms when one thread judged, and 20 to 25 ms when those of 32 nodes did. The desk takes what has gathered in a
few milliseconds at once, so that it is not woken for every answer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

Task = Callable[[], object]

GATHER_S = 0.005
_AT_ONCE = 256
_WAITING = 1024
"""Who brings more than the desk can do waits: so many answers, each as large as its command allows, lie there."""
_WAIT_S = 0.01
_PATIENCE_S = 0.5
"""But not for longer, whatever holds the desk: while the reader of a connection waits, nothing else is heard there."""


class Desk:
    """A context: at its end everything that was brought has been done. `together` surrounds what is done at once.

    What a task or `together` raises ends the work: what else lies there is dropped, whoever brings more gets that
    exception, and so does the one who leaves the context if he has none of his own.
    """

    def __init__(self, together: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._together = together
        self._tasks: deque[Task] = deque()
        self._bell = threading.Event()
        self._over = False
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="desk", daemon=True)

    def bring(self, task: Task) -> None:
        """From any thread. Raises what an earlier task raised."""
        if len(self._tasks) >= _WAITING:
            until = time.monotonic() + _PATIENCE_S
            while len(self._tasks) >= _WAITING and self._failed is None and time.monotonic() < until:
                time.sleep(_WAIT_S)
        if self._failed is not None:
            raise self._failed
        self._tasks.append(task)
        if not self._bell.is_set():
            self._bell.set()

    def __enter__(self) -> Desk:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._bell.set()
        self._thread.join()
        if self._failed is not None and error is None:
            raise self._failed

    def _work(self) -> None:
        while not (self._over and not self._tasks):
            self._bell.wait()
            if not self._over:
                time.sleep(GATHER_S)
            self._bell.clear()
            try:
                self._some()
            except BaseException as error:  # noqa: BLE001  handed to those who bring and to the one who waits
                self._failed = error
                self._tasks.clear()
                return

    def _some(self) -> None:
        while self._tasks:
            with self._together():
                for _ in range(min(len(self._tasks), _AT_ONCE)):
                    self._tasks.popleft()()
