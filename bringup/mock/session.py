"""Runs one command of an SSH channel as a real process and carries its three streams, in one thread.

When the client goes away, the process sees the end of its stdin and broken pipes on its outputs, as behind a real
sshd. What ignores that is hung up and killed some seconds later, so that nothing outlives the simulation.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_CHUNK = 32768
_MOST_PENDING = 256 * 1024
_TICK_S = 0.25
_FULL_TICK_S = 0.01
_HANG_UP_S = 5.0
_KILL_S = 1.0


class Channel(Protocol):
    """What a session needs of an SSH channel (paramiko's fits)."""

    @property
    def closed(self) -> bool: ...
    @property
    def eof_received(self) -> int: ...
    def fileno(self) -> int: ...
    def recv_ready(self) -> bool: ...
    def recv(self, nbytes: int) -> bytes: ...
    def send_ready(self) -> bool: ...
    def send(self, s: bytes) -> int: ...
    def send_stderr(self, s: bytes) -> int: ...


class _Out:
    """One output stream of the process on its way to the client."""

    def __init__(self, fd: int, send: Callable[[bytes], int], greeting: str) -> None:
        self.fd = fd
        self.send = send
        self.pending = greeting.encode()
        self.ended = False
        os.set_blocking(fd, False)

    @property
    def done(self) -> bool:
        return self.ended and not self.pending

    def read(self) -> None:
        with suppress(BlockingIOError):
            self.pending = os.read(self.fd, _CHUNK)
            self.ended = not self.pending

    def push(self, channel: Channel) -> None:
        """Send what the client's window takes."""
        while self.pending and channel.send_ready():
            self.pending = self.pending[self.send(self.pending) :]


class Session:
    """One command. `lost` tells whether the client is gone; after `hurry` nothing is given time to end."""

    def __init__(
        self,
        channel: Channel,
        command: str | bytes,
        env: Mapping[str, str],
        home: Path,
        lost: Callable[[], bool],
        hurry: threading.Event,
        greeting: tuple[str, str] = ("", ""),
    ) -> None:
        self._channel = channel
        self._lost = lost
        self._hurry = hurry
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=home,
            start_new_session=True,
        )
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin is not None and stdout is not None and stderr is not None
        os.set_blocking(stdin.fileno(), False)
        self._stdin: int | None = stdin.fileno()
        self._input = b""
        self._input_ended = False
        self._outs = (
            _Out(stdout.fileno(), channel.send, greeting[0]),
            _Out(stderr.fileno(), channel.send_stderr, greeting[1]),
        )
        self._exit_fd = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None

    def run(self, ended: Callable[[int], None]) -> None:
        """Carry the streams until they have ended; call `ended` with the return code when the process has."""
        told = False
        try:
            while not (self._channel.closed or self._lost()):
                self._carry()
                code = self._process.poll()
                if code is not None and not told and not self._output_waits():
                    ended(code)
                    told = True
                if told and all(out.done for out in self._outs):
                    return
        except (OSError, EOFError):
            pass  # the client went away while something was sent to it
        finally:
            self._close()

    def _output_waits(self) -> bool:
        """Whether output is still on its way. A child in the background may hold the pipes open for longer."""
        if any(out.pending for out in self._outs):
            return True
        # select() itself knows no descriptor above 1023, and a large cluster has thousands
        poll = select.poll()
        for out in self._outs:
            if not out.ended:
                poll.register(out.fd, select.POLLIN)
        return bool(poll.poll(0))

    def _carry(self) -> None:
        poll = select.poll()
        if not self._input_ended and len(self._input) < _MOST_PENDING:
            poll.register(self._channel.fileno(), select.POLLIN)
        if self._stdin is not None and self._input:
            poll.register(self._stdin, select.POLLOUT)
        for out in self._outs:
            if not out.ended and not out.pending:
                poll.register(out.fd, select.POLLIN)
        if self._exit_fd is not None and self._process.returncode is None:
            poll.register(self._exit_fd, select.POLLIN)
        soon = any(out.pending for out in self._outs) or (self._exit_fd is None and self._outs[0].ended)
        ready = {fd for fd, _ in poll.poll(1000 * (_FULL_TICK_S if soon else _TICK_S))}
        for out in self._outs:
            if out.fd in ready:
                out.read()
            out.push(self._channel)
        self._take()

    def _take(self) -> None:
        """Carry input from the client to the process, and its end."""
        if self._channel.recv_ready():
            if len(self._input) < _MOST_PENDING:
                self._input += self._channel.recv(_CHUNK)
        elif self._channel.eof_received:
            self._input_ended = True
        if self._stdin is None:
            self._input = b""
            return
        try:
            while self._input:
                self._input = self._input[os.write(self._stdin, self._input) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._input = b""
        if self._input_ended:
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self._stdin is not None and self._process.stdin is not None:
            self._stdin = None
            with suppress(OSError):
                self._process.stdin.close()

    def _close(self) -> None:
        """Let go of the process, and make sure that its group ends."""
        self._close_stdin()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        if not self._ends_within(_HANG_UP_S):
            self._signal(signal.SIGHUP)
            if not self._ends_within(_KILL_S):
                self._signal(signal.SIGKILL)
        self._process.wait()
        if self._exit_fd is not None:
            os.close(self._exit_fd)

    def _ends_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < until and not self._hurry.wait(0.02):
            pass
        return self._process.poll() is not None

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
