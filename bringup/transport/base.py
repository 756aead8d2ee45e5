"""What the floors above see of a connection to a node: options, cancelling, and a protocol of two methods.

Nothing here knows SSH. A second way to reach nodes needs only another class with `execute` and `close`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bringup.commands import Command, Output
from bringup.model import Node


@dataclass(frozen=True, slots=True)
class Options:
    """How to connect. All times are seconds.

    `known_hosts` is the file that host keys are looked up in and, with `accept_new_host_keys`, appended to
    (None: ~/.ssh/known_hosts, and the system's file is read too). `connect_attempts` counts tries in all; only
    failures that another try can mend (no answer, no banner, lost while connecting) are tried again.
    `handshakes_per_jump` limits how many logins run through one jump host at once. `silence_s` is how long a
    node that runs commands may give no sign of life (it sends one every five seconds) before it counts as lost.
    """

    known_hosts: Path | None = None
    accept_new_host_keys: bool = False
    connect_timeout_s: float = 10
    banner_timeout_s: float = 30
    auth_timeout_s: float = 20
    keepalive_s: float = 15
    connect_attempts: int = 3
    handshakes_per_jump: int = 8
    silence_s: float = 60


class Cancel:
    """A wish to stop, set once from any thread; who waits for something else is woken through a callback."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0

    def set(self) -> None:
        """Ask everybody to stop. Callbacks run in this thread, so they must not block or raise."""
        with self._lock:
            self._event.set()
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until somebody asks to stop, at most `timeout` seconds; True if somebody did."""
        return self._event.wait(timeout)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` once when the wish comes (now, if it has come). Returns what unsubscribes it."""
        with self._lock:
            number = self._next
            self._next += 1
            now = self._event.is_set()
            if not now:
                self._callbacks[number] = callback
        if now:
            callback()

        def unsubscribe() -> None:
            with self._lock:
                self._callbacks.pop(number, None)

        return unsubscribe


@dataclass(frozen=True, slots=True)
class Ready:
    """The command with this index now listens on the port that it promised; its partner may start."""

    index: int


Sink = Callable[[int, Output | Ready], None]
"""Takes the index of a command in the bundle and what became of it, as soon as it is known."""


class Connection(Protocol):
    """A way to run commands on one node, kept open between stages."""

    @property
    def node(self) -> Node: ...

    @property
    def login_s(self) -> float | None:
        """How long the login took that made this connection, without tries that failed; None where there was none."""

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        """Run the commands, up to `lanes` at once, and hand each Output to `sink` when its command ends.

        Blocks until every command has exactly one Output. Trouble on the node or on the way never raises: what
        has not ended then is LOST, and CANCELLED after `cancel`. `sink` is called from one thread at a time, maybe
        another than this, and not any more after the return. May be called many times, and from several threads at
        once. What `sink` raises ends the bundle and is raised here; a command that no shell can hold (a NUL byte, a
        program's name with blanks) raises ValueError.
        """

    def close(self) -> None:
        """End everything that still runs through this connection. May be called twice and from any thread."""
