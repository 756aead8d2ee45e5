"""The reading end of a channel: nothing that the shell wrote before it ended may be lost."""

from __future__ import annotations

from typing import cast

import paramiko
import pytest
from paramiko.buffered_pipe import BufferedPipe

from bringup.transport.ssh import connection
from bringup.transport.ssh.connection import ChannelLink
from bringup.transport.ssh.wire import Session


class LateChannel:
    """A channel whose last words and exit status both arrive in the moment when somebody asks for the status: as if
    the reader had been kept from the processor since its wait was over. The server never closes."""

    closed = False
    eof_received = False

    def __init__(self, words: bytes) -> None:
        self.in_buffer, self.in_stderr_buffer = BufferedPipe(), BufferedPipe()
        self._words = words

    def recv_ready(self) -> bool:
        return self.in_buffer.read_ready()

    def recv_stderr_ready(self) -> bool:
        return self.in_stderr_buffer.read_ready()

    def recv(self, size: int) -> bytes:
        return self.in_buffer.read(size)

    def exit_status_ready(self) -> bool:
        if self._words:
            self.in_buffer.feed(self._words)
            self._words = b""
        return True


def test_what_came_with_the_exit_status_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SLICE_S", 0.01)
    link = ChannelLink(cast("Session", None), cast("paramiko.Channel", LateChannel(b"the last answer")))
    assert link.receive(5) == b"the last answer"
    assert link.receive(5) == b""
