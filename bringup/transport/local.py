"""The machine that bringup itself runs on, as a node: the same script, over pipes."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from bringup.commands import Command
from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport.base import Cancel, Options, Sink
from bringup.transport.bundle import MARK, Bundle
from bringup.transport.drive import Take, run_bundle

_CHUNK = 1 << 16
_ERROR_BYTES = 2048
_LEAVE_S = 8.0  # the watcher in the script needs at most four to end what does not want to


class LocalConnection:
    """Runs commands on this machine. `shell` is the program that reads the script."""

    def __init__(self, node: Node, options: Options, *, shell: str = "/bin/sh") -> None:
        self._node = node
        self._options = options
        self._shell = shell
        self._lock = threading.Lock()
        self._links: set[PipeLink] = set()
        self._closed = False

    @property
    def node(self) -> Node:
        return self._node

    @property
    def login_s(self) -> None:
        """Nobody logs in to this machine."""
        return None

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        """See Connection.execute."""
        if not commands:
            return
        bundle = Bundle(self._node, tuple(commands), lanes, self._shell)
        links: list[PipeLink] = []
        try:
            run_bundle(
                bundle, lambda take: self._open(bundle, take, links), sink, cancel, self._options.silence_s
            )
        finally:
            with self._lock:
                self._links.difference_update(links)

    def close(self) -> None:
        """End all bundles that still run here."""
        with self._lock:
            self._closed = True
            links = list(self._links)
        for link in links:
            link.stop()

    def _open(self, bundle: Bundle, take: Take, links: list[PipeLink]) -> PipeLink:
        with self._lock:
            if self._closed:
                raise TransportError(LostKind.LOST, "the connection is closed")
            try:
                link = PipeLink(bundle, take)
            except OSError as error:
                raise TransportError(LostKind.SHELL, f"{bundle.shell}: {error.strerror or error}") from error
            self._links.add(link)
            links.append(link)
            return link


class PipeLink:
    """A shell as a child process. All pipes are drained together, so no side can block the other."""

    def __init__(self, bundle: Bundle, take: Take) -> None:
        self._take = take
        self._process = subprocess.Popen(
            [*bundle.shell.split(), "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env={**os.environ, MARK: bundle.mark},
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._stdin, self._stdout, self._stderr = (
            self._process.stdin,
            self._process.stdout,
            self._process.stderr,
        )
        self._ear, self._bell = os.pipe()
        self._selector = selectors.DefaultSelector()
        for file in (self._stdin.fileno(), self._stdout.fileno(), self._stderr.fileno(), self._bell):
            os.set_blocking(file, False)
        for file in (self._stdout.fileno(), self._stderr.fileno(), self._ear):
            self._selector.register(file, selectors.EVENT_READ)
        self._unsent = b""
        self._errors = b""
        self._lock = threading.Lock()
        self._closed = False
        self._stopped = False

    def send(self, script: bytes) -> None:
        """See Link.send; the bytes go out while answers are awaited."""
        self._unsent = script
        self._selector.register(self._stdin.fileno(), selectors.EVENT_WRITE)

    def hear(self, timeout_s: float) -> bool:
        """See Link.hear."""
        deadline = time.monotonic() + timeout_s
        while not self._stopped:
            events = self._selector.select(max(0.0, deadline - time.monotonic()))
            ready = {key.fd for key, _ in events}
            if self._unsent and self._stdin.fileno() in ready:
                self._push()
            if self._stderr.fileno() in ready:
                self._listen()
            if self._stdout.fileno() in ready:
                said = os.read(self._stdout.fileno(), _CHUNK)
                if not said:
                    return True
                if self._take(said):
                    return False
            if self._ear in ready:
                os.read(self._ear, _CHUNK)
                return self._stopped
            if time.monotonic() >= deadline:
                return False
        return True

    def wake(self) -> None:
        """See Link.wake."""
        with self._lock:
            if not self._closed:
                with suppress(BlockingIOError):  # full of unread wishes: it wakes anyway
                    os.write(self._bell, b"!")

    def stop(self) -> None:
        """End the stream from another thread."""
        self._stopped = True
        self.wake()

    def finish(self) -> None:
        """See Link.finish."""
        if not self._stdin.closed:
            if self._unsent:
                self._selector.unregister(self._stdin.fileno())
                self._unsent = b""
            self._stdin.close()

    def why_ended(self) -> str:
        """See Link.why_ended."""
        if self._stopped:
            return "the connection was closed here"
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(1)
            return (
                f"the shell was killed by signal {-status}"
                if status < 0
                else f"the shell ended with status {status}"
            )
        return "the shell closed its output"

    def errors(self) -> bytes:
        """See Link.errors."""
        return self._errors

    def close(self) -> None:
        """Close the pipes (the watcher in the script then ends everything) and take leave of the child."""
        with self._lock:
            self._closed = True
        self._selector.close()
        os.close(self._bell)
        os.close(self._ear)
        for file in (self._stdin, self._stdout, self._stderr):
            file.close()
        try:
            self._process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _push(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._stdin.fileno(), self._unsent) :]
        except BrokenPipeError:
            self._unsent = b""  # the end of stdout tells the rest
        if not self._unsent:
            self._selector.unregister(self._stdin.fileno())

    def _listen(self) -> None:
        said = os.read(self._stderr.fileno(), _CHUNK)
        if not said:
            self._selector.unregister(self._stderr.fileno())
        self._errors += said[: _ERROR_BYTES - len(self._errors)]
