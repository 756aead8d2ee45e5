"""Bundles over SSH: one channel for each, several at once on one connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import paramiko

from bringup.commands import Command
from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport.base import Cancel, Options, Sink
from bringup.transport.bundle import Bundle
from bringup.transport.drive import run_bundle
from bringup.transport.guard import at_most
from bringup.transport.ssh.wire import Session

_OPEN_S = 20.0
_CLOSE_S = 5.0
_SLICE_S = 2.0
_TURN_S = 0.2
_FREED_S = 2.0
_CHUNK = 1 << 16
_ERROR_BYTES = 2048
_CHANNELS = 8
"""An SSH server allows ten sessions on a connection unless told otherwise (MaxSessions)."""


class SshConnection:
    """A logged-in node. `released` is called once when the connection is closed."""

    def __init__(
        self, node: Node, session: Session, options: Options, released: Callable[[], None] = lambda: None
    ) -> None:
        self._node = node
        self._session = session
        self._options = options
        self._released = released
        self._lock = threading.Lock()
        self._closed = False
        self._turn = threading.Condition()
        self._busy = 0

    @property
    def node(self) -> Node:
        return self._node

    @property
    def login_s(self) -> float:
        """How long it took to connect and log in."""
        return self._session.login_s

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        """See Connection.execute."""
        if not commands:
            return
        bundle = Bundle(self._node, tuple(commands), lanes)
        with self._place(cancel):
            alive = run_bundle(
                bundle, lambda: self._open(bundle, cancel), sink, cancel, self._options.silence_s
            )
        if not alive:
            self._session.abort()

    def close(self) -> None:
        """End the connection. The node ends what still runs."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._session.close()
        self._released()

    @contextmanager
    def _place(self, cancel: Cancel | None) -> Iterator[None]:
        """Wait for a free channel, or for the wish to stop (then nothing will be opened)."""
        with self._turn:
            while self._busy >= _CHANNELS and not (cancel is not None and cancel.is_set()):
                self._turn.wait(_TURN_S)
            self._busy += 1
        try:
            yield
        finally:
            with self._turn:
                self._busy -= 1
                self._turn.notify_all()

    def _open(self, bundle: Bundle, cancel: Cancel | None) -> ChannelLink:
        """A channel on which a shell waits for the script. If the server allows fewer sessions than we have open,
        this one waits until another has ended, and a moment more, since the server frees its place late."""
        until = 0.0
        while True:
            try:
                return self._try_open(bundle, cancel)
            except (paramiko.SSHException, OSError, EOFError) as error:
                refusal = self._session.transport.take_refusal()
                now = time.monotonic()
                with self._turn:
                    if self._busy > 1:
                        until = now + _FREED_S
                    again = (
                        refusal is not None and now < until and not (cancel is not None and cancel.is_set())
                    )
                    if again:
                        self._turn.wait(_TURN_S)
                if not again:
                    why = refusal or (
                        error.text if isinstance(error, paramiko.ChannelException) else str(error)
                    )
                    raise TransportError(
                        LostKind.LOST, f"cannot start a shell: {why or 'the node did not answer'}"
                    ) from error

    def _try_open(self, bundle: Bundle, cancel: Cancel | None) -> ChannelLink:
        if not self._session.transport.is_active():
            raise TransportError(LostKind.LOST, "the connection is closed")
        channel: paramiko.Channel | None = None
        unsubscribe: Callable[[], None] | None = None
        try:
            with at_most(_OPEN_S, self._session.abort):
                channel = self._session.transport.open_session(timeout=_OPEN_S / 2)
                if cancel is not None:
                    unsubscribe = cancel.subscribe(channel.event.set)
                channel.exec_command(bundle.start)
            return ChannelLink(self._session, channel)
        except BaseException:
            if channel is not None:
                with at_most(_CLOSE_S, self._session.abort):
                    channel.close()
            raise
        finally:
            if unsubscribe is not None:
                unsubscribe()


class _Bell(threading.Event):
    """Rung when either of a channel's two streams has something. paramiko clears the event of a stream that it has
    emptied, which here would hide the other stream's ring, so only the reader clears it."""

    def clear(self) -> None:
        """Not by paramiko."""

    def rest(self) -> None:
        """By the reader, before it looks."""
        super().clear()


class ChannelLink:
    """A shell at the other end of a channel. See Link for the methods."""

    def __init__(self, session: Session, channel: paramiko.Channel) -> None:
        self._session = session
        self._channel = channel
        self._bell = _Bell()
        self._errors = b""
        channel.in_buffer.set_event(self._bell)
        channel.in_stderr_buffer.set_event(self._bell)

    def send(self, script: bytes) -> None:
        try:
            with at_most(_OPEN_S, self._session.abort):
                self._channel.sendall(script)
        except (OSError, EOFError, paramiko.SSHException) as error:
            if self._channel.closed and self._session.transport.is_active():
                return  # the shell is gone already: what it said on leaving is still to be read
            raise TransportError(LostKind.LOST, f"while sending the script: {error}") from error

    def receive(self, timeout_s: float) -> bytes | None:
        deadline = time.monotonic() + timeout_s
        while True:
            self._bell.rest()
            ended = self._channel.closed or bool(self._channel.eof_received)
            if self._channel.recv_stderr_ready():
                said = self._channel.recv_stderr(_CHUNK)
                self._errors += said[: max(0, _ERROR_BYTES - len(self._errors))]
            if self._channel.recv_ready():
                return self._channel.recv(_CHUNK)
            if ended:
                return b""
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if self._bell.wait(min(left, _SLICE_S)):
                if not self._something():
                    return None
            elif self._channel.exit_status_ready() and not self._something():
                # The shell is gone and the server forgot to close. What it wrote came before its status, so it is
                # looked for after the status was seen: all of it may have come since the bell was last looked at.
                return b""

    def _something(self) -> bool:
        channel = self._channel
        return bool(
            channel.recv_ready() or channel.recv_stderr_ready() or channel.closed or channel.eof_received
        )

    def wake(self) -> None:
        self._bell.set()

    def finish(self) -> None:
        with at_most(_CLOSE_S, self._session.abort):
            self._channel.shutdown_write()

    def why_ended(self) -> str:
        if not self._session.transport.is_active():
            error = self._session.transport.get_exception()
            return str(error) or "the other side closed the connection"
        if self._channel.status_event.wait(1.0) and self._channel.exit_status >= 0:
            return f"the shell ended with status {self._channel.exit_status}"
        return "the shell ended, or was killed"

    def errors(self) -> bytes:
        return self._errors

    def close(self) -> None:
        with at_most(_CLOSE_S, self._session.abort):
            self._channel.close()
