"""The SSH servers of the simulated nodes: one listening socket for each node, on the loopback interface only.

Commands run as real processes (see bringup.mock.session). The only login is the key that was made for this cluster.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from bringup.mock.hardware import Door
from bringup.mock.session import Session

_LOG = "bringup.mock.ssh"
_SWEEP_S = 1.0
_SHORTEST_S = 0.02  # a channel is not closed before its request has surely been answered
_SHELL_TEXT = "This is a simulated node: it runs commands, but offers no interactive shell.\r\n"
BANNER = "Authorized use only. All activity may be monitored and reported.\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the commands of one node run. The greeting is what its login prints on stdout and stderr."""

    env: Mapping[str, str]
    home: Path
    greeting: tuple[str, str] = ("", "")


Enter = Callable[[int], Place]
"""Prepares a node for a session, by its index."""


class Servers:
    """All listening sockets and connections, with one thread that accepts."""

    def __init__(
        self,
        doors: Sequence[Door],
        enter: Enter,
        host_key: paramiko.PKey,
        client_key: paramiko.PKey,
    ) -> None:
        logging.getLogger(_LOG).addHandler(logging.NullHandler())
        logging.getLogger(_LOG).propagate = False
        self._doors = doors
        self._enter = enter
        self._host_key = host_key
        self._client_key = client_key.asbytes()
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        self._fillers: list[socket.socket] = []
        self._transports: dict[paramiko.Transport, int] = {}
        self._sessions: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._first: dict[int, float] = {}
        self._wake, self._woken = socket.socketpair()
        self.hurry = threading.Event()
        self.errors: list[str] = []
        self._thread = threading.Thread(target=self._accept_all, name="simulated-sshd", daemon=True)
        for index, door in enumerate(doors):
            self._open(index, door)
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    @property
    def ports(self) -> list[int]:
        """The TCP port of every node."""
        return [int(s.getsockname()[1]) for s in self._sockets]

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Close all connections; their commands are killed at once."""
        self.hurry.set()
        self._wake.send(b"x")
        self._thread.join()
        with self._lock:
            transports, sessions = list(self._transports), list(self._sessions)
        for transport in transports:
            transport.close()
        for thread in (*transports, *sessions):
            thread.join()
        for sock in (*self._sockets, *self._fillers, self._wake, self._woken):
            sock.close()
        self._selector.close()

    def _open(self, index: int, door: Door) -> None:
        """Bind the node's port. Without listening, connections are refused; with a full queue, nobody answers."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        self._sockets.append(sock)
        if door.how == "refused":
            return
        sock.listen(0 if door.how == "timeout" else 128)
        if door.how == "timeout":
            for _ in range(2):
                filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                filler.setblocking(False)
                filler.connect_ex(sock.getsockname())
                self._fillers.append(filler)
        else:
            self._selector.register(sock, selectors.EVENT_READ, index)

    # --------------------------------------------------------------------------------------- connections

    def _accept_all(self) -> None:
        while not self.hurry.is_set():
            for key, _ in self._selector.select(_SWEEP_S):
                if key.data is not None and isinstance(key.fileobj, socket.socket):
                    with contextlib.suppress(OSError):
                        self._accept(key.data, key.fileobj.accept()[0])
            self._sweep()

    def _accept(self, index: int, sock: socket.socket) -> None:
        how = self._doors[index].how
        if self._doors[index].refuses_first > 0:
            self._doors[index].refuses_first -= 1
            how = "reset"
        if how == "silent":
            self._fillers.append(sock)
        elif how != "open":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = paramiko.Transport(sock)
            transport.set_log_channel(_LOG)
            transport.add_server_key(self._host_key)
            with self._lock:
                self._transports[transport] = index
            transport.start_server(event=threading.Event(), server=_Login(self, index, transport))

    def _sweep(self) -> None:
        """Forget closed connections, and cut those of nodes that die."""
        now = time.monotonic()
        for index, began in list(self._first.items()):
            after = self._doors[index].dies_after_s
            if after is not None and now - began >= after:
                self._doors[index].how = "reset"
                for transport, of in list(self._transports.items()):
                    if of == index:
                        transport.close()
        with self._lock:
            self._transports = {t: i for t, i in self._transports.items() if t.is_alive() or not t.ident}
            self._sessions = {s for s in self._sessions if s.is_alive()}

    # ------------------------------------------------------------------------------------------ sessions

    def accepts(self, index: int, key: paramiko.PKey) -> bool:
        """Whether this login may enter."""
        time.sleep(self._doors[index].delay_s)
        return not self._doors[index].login_refused and key.asbytes() == self._client_key

    def run(
        self, index: int, transport: paramiko.Transport, channel: paramiko.Channel, command: bytes
    ) -> None:
        """Run a command for a channel, in a thread of its own."""
        self._first.setdefault(index, time.monotonic())
        thread = threading.Thread(target=self._run, args=(index, transport, channel, command), daemon=True)
        with self._lock:
            self._sessions.add(thread)
        thread.start()

    def _run(
        self, index: int, transport: paramiko.Transport, channel: paramiko.Channel, command: bytes
    ) -> None:
        began = time.monotonic()
        try:
            place = self._enter(index)
            session = Session(
                channel,
                command,
                place.env,
                place.home,
                lost=lambda: not transport.is_active(),
                hurry=self.hurry,
                greeting=place.greeting,
            )
            session.run(lambda code: _send_exit(channel, code))
        except Exception:  # noqa: BLE001  a bug must end one session, not the whole simulation
            self.errors.append(traceback.format_exc())
        finally:
            time.sleep(max(0.0, began + _SHORTEST_S - time.monotonic()))
            with contextlib.suppress(OSError, EOFError):
                channel.close()


class _Login(paramiko.ServerInterface):
    """What one connection may do: log in with the cluster's key, and run commands."""

    def __init__(self, servers: Servers, index: int, transport: paramiko.Transport) -> None:
        self._servers = servers
        self._index = index
        self._transport = transport

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def get_banner(self) -> tuple[str, str]:
        return BANNER, "en-US"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return AUTH_SUCCESSFUL if self._servers.accepts(self._index, key) else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._servers.run(self._index, self._transport, channel, command)
        return True

    def check_channel_pty_request(self, *_: object) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        self._servers.run(
            self._index, self._transport, channel, f"printf %s '{_SHELL_TEXT}'; exit 1".encode()
        )
        return True


def _send_exit(channel: paramiko.Channel, code: int) -> None:
    """The exit status, or the signal that ended the process."""
    if code >= 0:
        channel.send_exit_status(code)
        return
    message = paramiko.Message()
    message.add_byte(paramiko.common.cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exit-signal")
    message.add_boolean(False)
    message.add_string(signal.Signals(-code).name.removeprefix("SIG"))
    message.add_boolean(False)
    message.add_string("")
    message.add_string("")
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]
