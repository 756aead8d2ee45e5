"""The reading end of a channel: all that comes is handed on, and the end is seen however the server tells it."""

from __future__ import annotations

import threading
import time
from typing import cast

import paramiko
import pytest
from paramiko.buffered_pipe import BufferedPipe

from bringup.transport.ssh import connection
from bringup.transport.ssh.connection import ChannelLink
from bringup.transport.ssh.wire import Session


class Channel:
    """A channel whose server never closes: as much of one as the link looks at."""

    closed = False
    eof_received = False

    def __init__(self) -> None:
        self.in_buffer, self.in_stderr_buffer = BufferedPipe(), BufferedPipe()
        self.status = threading.Event()

    def exit_status_ready(self) -> bool:
        return self.status.is_set()


def _link(channel: Channel, heard: list[bytes], enough: bool = False) -> ChannelLink:
    def take(said: bytes) -> bool:
        heard.append(said)
        return enough

    return ChannelLink(cast("Session", None), cast("paramiko.Channel", channel), take)


def test_a_server_that_forgets_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SLICE_S", 0.01)
    channel, heard = Channel(), list[bytes]()
    link = _link(channel, heard)
    channel.in_buffer.feed(b"the last answer")
    assert not link.hear(0.05)
    channel.status.set()
    assert link.hear(5)
    assert heard == [b"the last answer"]


def test_who_has_heard_enough_does_not_wait() -> None:
    channel, heard = Channel(), list[bytes]()
    link = _link(channel, heard, enough=True)
    channel.in_buffer.feed(b"all")
    assert not link.hear(600)
    assert heard == [b"all"]


def test_a_wish_from_before_the_wait_is_not_forgotten() -> None:
    link = _link(Channel(), [])
    link.wake()
    assert not link.hear(600)


def test_the_end_of_the_stream() -> None:
    channel = Channel()
    link = _link(channel, [])
    channel.eof_received = True
    channel.in_buffer.close()
    assert link.hear(600)
    assert link.hear(600)


def test_only_the_beginning_of_what_a_shell_complains_is_kept() -> None:
    channel, heard = Channel(), list[bytes]()
    link = _link(channel, heard)
    for _ in range(3000):
        channel.in_stderr_buffer.feed(b"x")
    assert (link.errors(), heard) == (b"x" * 2048, [])


def test_what_comes_after_the_exit_status_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSH tells that the shell has ended ahead of what it still holds; on a slow line that comes for a while."""
    monkeypatch.setattr(connection, "_SLICE_S", 0.2)
    channel, heard = Channel(), list[bytes]()
    link = _link(channel, heard)
    channel.status.set()

    def trickle() -> None:
        for _ in range(12):
            channel.in_buffer.feed(b"x")
            time.sleep(0.05)

    writer = threading.Thread(target=trickle)
    writer.start()
    assert link.hear(30)
    writer.join()
    assert b"".join(heard) == b"x" * 12


def test_who_takes_long_is_not_interrupted_by_an_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SLICE_S", 0.05)
    channel, done = Channel(), threading.Event()

    def take(said: bytes) -> bool:
        done.wait(0.5)
        done.set()
        return False

    link = ChannelLink(cast("Session", None), cast("paramiko.Channel", channel), take)
    writer = threading.Thread(target=channel.in_buffer.feed, args=(b"x",))
    writer.start()
    channel.status.set()
    assert link.hear(30)
    assert done.is_set()
    writer.join()
