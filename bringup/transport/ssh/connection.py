"""Bundles over SSH: one channel for each, several at once on one connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import paramiko
from paramiko.buffered_pipe import BufferedPipe

from bringup.commands import Command
from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport.base import Cancel, Options, Sink
from bringup.transport.bundle import Bundle
from bringup.transport.drive import Take, run_bundle
from bringup.transport.guard import at_most
from bringup.transport.ssh.wire import Session

_OPEN_S = 20.0
_CLOSE_S = 5.0
_SLICE_S = 2.0
_TURN_S = 0.2
_FREED_S = 2.0
_WINDOW = (1 << 31) - 1
"""What a node may send on a channel, bytes: more than a bundle's answers, for nobody makes room while it is read.
What must wait then waits in the socket."""
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
                bundle, lambda take: self._open(bundle, take, cancel), sink, cancel, self._options.silence_s
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

    def _open(self, bundle: Bundle, take: Take, cancel: Cancel | None) -> ChannelLink:
        """A channel on which a shell waits for the script. If the server allows fewer sessions than we have open,
        this one waits until another has ended, and a moment more, since the server frees its place late."""
        until = 0.0
        while True:
            try:
                return self._try_open(bundle, take, cancel)
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

    def _try_open(self, bundle: Bundle, take: Take, cancel: Cancel | None) -> ChannelLink:
        if not self._session.transport.is_active():
            raise TransportError(LostKind.LOST, "the connection is closed")
        channel: paramiko.Channel | None = None
        unsubscribe: Callable[[], None] | None = None
        try:
            with at_most(_OPEN_S, self._session.abort):
                channel = self._session.transport.open_session(window_size=_WINDOW, timeout=_OPEN_S / 2)
                link = ChannelLink(self._session, channel, take)
                if cancel is not None:
                    unsubscribe = cancel.subscribe(channel.event.set)
                channel.exec_command(bundle.start)
            return link
        except BaseException:
            if channel is not None:
                with at_most(_CLOSE_S, self._session.abort):
                    channel.close()
            raise
        finally:
            if unsubscribe is not None:
                unsubscribe()


class _Ear(BufferedPipe):  # type: ignore[type-arg]  # generic only in its stubs
    """In the place of paramiko's buffer for a stream: hands on at once what comes, in the thread that reads."""

    def __init__(self, hear: Callable[[bytes], object], end: Callable[[], object]) -> None:
        super().__init__()
        self._hear, self._end = hear, end

    def feed(self, data: bytes | str) -> None:
        """Called by paramiko with the next bytes."""
        self._hear(data.encode() if isinstance(data, str) else data)

    def close(self) -> None:
        """Called by paramiko at the end of the stream."""
        self._end()


class ChannelLink:
    """A shell at the other end of a channel, before it is started. See Link for the methods."""

    def __init__(self, session: Session, channel: paramiko.Channel, take: Take) -> None:
        self._session = session
        self._channel = channel
        self._take = take
        self._bell = threading.Event()
        self._errors = b""
        self._taking, self._heard = False, 0.0
        channel.in_buffer = _Ear(self._hear, self._bell.set)
        channel.in_stderr_buffer = _Ear(self._overhear, self._bell.set)

    def _hear(self, said: bytes) -> None:
        self._taking = True
        if self._take(said):
            self._bell.set()
        self._heard = time.monotonic()
        self._taking = False

    def _overhear(self, said: bytes) -> None:
        self._errors += said[: max(0, _ERROR_BYTES - len(self._errors))]

    def send(self, script: bytes) -> None:
        try:
            with at_most(_OPEN_S, self._session.abort):
                self._channel.sendall(script)
        except (OSError, EOFError, paramiko.SSHException) as error:
            if self._channel.closed and self._session.transport.is_active():
                return  # the shell is gone already: what it said on leaving was heard
            raise TransportError(LostKind.LOST, f"while sending the script: {error}") from error

    def hear(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self._ended():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if self._bell.wait(min(left, _SLICE_S)):
                self._bell.clear()
                return self._ended()
            # The shell is gone and the server forgot to close; but OpenSSH tells of that ahead of what it still holds.
            quiet = not self._taking and time.monotonic() - self._heard >= _SLICE_S
            if self._channel.exit_status_ready() and quiet:
                return True
        return True

    def _ended(self) -> bool:
        return self._channel.closed or bool(self._channel.eof_received)

    def wake(self) -> None:
        self._bell.set()

    def finish(self) -> None:
        try:
            with at_most(_CLOSE_S, self._session.abort):
                self._channel.shutdown_write()
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise TransportError(LostKind.LOST, f"while ending the script: {error}") from error

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
