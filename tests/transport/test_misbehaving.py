"""Servers that do not do what they should. Every case must end by its deadline, and leave no thread."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import paramiko
import pytest
from support.answers import Answers, run
from support.sshd import keygen

from bringup.commands import Command, Ended, Output
from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport import Cancel, Options, connect
from bringup.transport.bundle import KILL_S
from bringup.transport.ssh import connection as ssh_connection

Handler = Callable[[socket.socket, threading.Event], None]


class Listener:
    """A TCP server whose every connection runs `handler` in a thread, until the test is over."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._streams: list[socket.socket] = []
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._socket.accept()
            except OSError:
                return
            self._streams.append(stream)
            thread = threading.Thread(target=self._serve, args=(stream,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, stream: socket.socket) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._handler(stream, self._over)
        stream.close()

    def close(self) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for stream in self._streams:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Listener]]:
    """Starts listeners that end with the test."""
    listeners: list[Listener] = []

    def start(handler: Handler) -> Listener:
        listeners.append(Listener(handler))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


Serve = Callable[[Handler], Listener]

# -------------------------------------------------------------------------------------- before the login


def silent(stream: socket.socket, over: threading.Event) -> None:
    over.wait()


def greeting_only(stream: socket.socket, over: threading.Event) -> None:
    stream.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    over.wait()


def drip(stream: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.1):
        stream.sendall(b"S")


def endless_lines(stream: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.02):
        stream.sendall(b"welcome to this host\r\n")


def at_once_closed(stream: socket.socket, over: threading.Event) -> None:
    stream.recv(10)


def too_many(stream: socket.socket, over: threading.Event) -> None:
    stream.sendall(b"Exceeded MaxStartups\r\n")


def web_server(stream: socket.socket, over: threading.Event) -> None:
    stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    over.wait()


def closed_after_greeting(stream: socket.socket, over: threading.Event) -> None:
    stream.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    stream.recv(10)


def old_protocol(stream: socket.socket, over: threading.Event) -> None:
    stream.sendall(b"SSH-1.5-Cisco-1.25\r\n")
    over.wait()


def rubbish(stream: socket.socket, over: threading.Event) -> None:
    stream.sendall(b"SSH-2.0-x\r\n" + b"\x00\x00\x00\x0c\x0a" + b"\xff" * 400)
    over.wait()


@pytest.mark.parametrize(
    ("handler", "kinds"),
    [
        (silent, {LostKind.BANNER}),
        (drip, {LostKind.BANNER}),
        (endless_lines, {LostKind.BANNER}),
        (at_once_closed, {LostKind.BANNER}),
        (too_many, {LostKind.BANNER}),
        (web_server, {LostKind.BANNER}),
        (greeting_only, {LostKind.TIMEOUT}),
        (closed_after_greeting, {LostKind.LOST}),
        (old_protocol, {LostKind.LOST, LostKind.BANNER}),
        (rubbish, {LostKind.LOST, LostKind.TIMEOUT}),
    ],
)
def test_before_the_login(serve: Serve, tmp_path: Path, handler: Handler, kinds: set[LostKind]) -> None:
    node = Node("n", address="127.0.0.1", port=serve(handler).port, user="u", key_file="/nowhere")
    options = Options(known_hosts=tmp_path / "known", banner_timeout_s=0.4, connect_attempts=1)
    began = time.monotonic()
    with pytest.raises(TransportError) as caught:
        connect(node, options)
    assert caught.value.kind in kinds, caught.value
    assert time.monotonic() - began < 10


# ------------------------------------------------------------------------------------------ after the login

Play = Callable[["Server", paramiko.Channel], None]


class Server(paramiko.ServerInterface):
    """An SSH server that lets everybody in and then plays its part. `hangs` names the question it never answers."""

    def __init__(self, over: threading.Event, hangs: str, play: Play | None) -> None:
        self._over = over
        self._hangs = hangs
        self._play = play
        self.token = ""
        self.threads: list[threading.Thread] = []

    def _answer(self, question: str) -> None:
        if question == self._hangs:
            self._over.wait()

    def get_allowed_auths(self, username: str) -> str:
        return "password" if self._hangs == "no keys" else "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._answer("auth")
        if self._hangs == "second factor":
            return int(paramiko.AUTH_PARTIALLY_SUCCESSFUL)
        return int(paramiko.AUTH_FAILED if self._hangs == "no keys" else paramiko.AUTH_SUCCESSFUL)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        self._answer("channel")
        prohibited = int(paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED)
        return prohibited if self._hangs == "no channel" else int(paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._answer("exec")
        if self._play is not None:
            self.threads.append(threading.Thread(target=self._run, args=(channel,)))
            self.threads[-1].start()
        return self._hangs != "no exec"

    def _run(self, channel: paramiko.Channel) -> None:
        assert self._play is not None
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._play(self, channel)

    def hello(self, channel: paramiko.Channel) -> None:
        """Read the beginning of the script, and answer like a node."""
        script = b""
        while b"b_mark" not in script:
            script += channel.recv(1000)
        self.token = script.split(b"b_token=", 1)[1].split()[0].decode()
        channel.sendall(f"{self.token} hello 0\n".encode())


@pytest.fixture
def served(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Node, Options]]:
    """Starts an SSH server; gives the node and the options to reach it with short deadlines."""
    monkeypatch.setattr(ssh_connection, "_OPEN_S", 0.5)
    monkeypatch.setattr(ssh_connection, "_CLOSE_S", 1.0)
    monkeypatch.setattr(ssh_connection, "_SLICE_S", 0.3)
    key = keygen(tmp_path / "key", "-t", "ed25519")
    host_key = paramiko.PKey.from_path(keygen(tmp_path / "host", "-t", "ed25519"))

    def start(play: Play | None = None, hangs: str = "", silence_s: float = 0.5) -> tuple[Node, Options]:
        def handler(stream: socket.socket, over: threading.Event) -> None:
            transport = paramiko.Transport(stream)
            transport.handshake_timeout = 3
            transport.add_server_key(host_key)
            server = Server(over, hangs, play)
            try:
                transport.start_server(server=server, event=threading.Event())
                over.wait()
            finally:
                transport.close()
                transport.join(5)
                for thread in server.threads:
                    thread.join(5)

        node = Node("n", address="127.0.0.1", port=serve(handler).port, user="u", key_file=str(key))
        options = Options(
            known_hosts=tmp_path / "known",
            accept_new_host_keys=True,
            banner_timeout_s=5,
            auth_timeout_s=0.5,
            connect_attempts=1,
            silence_s=silence_s,
        )
        return node, options

    return start


Served = Callable[..., tuple[Node, Options]]


@pytest.mark.parametrize(
    ("hangs", "kind", "words"),
    [
        ("auth", LostKind.TIMEOUT, "no answer to the login in 0.5 s"),
        ("no keys", LostKind.AUTH, "takes no keys, only: password"),
        ("second factor", LostKind.AUTH, "asks for more than a key: publickey"),
    ],
)
def test_the_login_fails(served: Served, hangs: str, kind: LostKind, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(TransportError) as caught:
        connect(*served(hangs=hangs))
    assert caught.value.kind is kind
    assert words in caught.value.detail
    assert time.monotonic() - began < 10


def _played(
    served: Served, play: Play | None = None, hangs: str = "", script: str = "true", silence_s: float = 0.5
) -> Output:
    """What becomes of one command on such a server. Must end soon."""
    with closing(connect(*served(play, hangs, silence_s))) as connection:
        began = time.monotonic()
        out = run(connection, Command(script, timeout_s=1))[0]
    assert time.monotonic() - began < 15
    assert out.ended is Ended.LOST
    return out


@pytest.mark.parametrize("hangs", ["channel", "exec"])
def test_a_question_that_is_never_answered(served: Served, hangs: str) -> None:
    assert _played(served, hangs=hangs).detail.startswith("connection lost: cannot start a shell: ")


def test_no_channel(served: Served) -> None:
    assert "cannot start a shell: Administratively prohibited" in _played(served, hangs="no channel").detail


def test_no_exec(served: Served) -> None:
    assert _played(served, hangs="no exec").detail.startswith("connection lost: cannot start a shell: ")


def test_cancel_while_a_question_is_not_answered(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connection, "_OPEN_S", 30.0)
    cancel = Cancel()
    with closing(connect(*served(hangs="exec"))) as connection:
        threading.Timer(0.3, cancel.set).start()
        began = time.monotonic()
        out = run(connection, Command("true"), cancel=cancel)[0]
    assert time.monotonic() - began < 10
    assert out.ended is Ended.CANCELLED


def test_it_takes_no_input(served: Served) -> None:
    """The window for what we send is never opened again."""
    out = _played(served, lambda server, channel: server._over.wait(), script="#" * 3_000_000)  # type: ignore[arg-type]
    assert out.detail.startswith("connection lost: while sending the script: ")


def says_nothing(server: Server, channel: paramiko.Channel) -> None:
    server._over.wait()


def says_hello_and_then_nothing(server: Server, channel: paramiko.Channel) -> None:
    server.hello(channel)
    server._over.wait()


def closes_soon(server: Server, channel: paramiko.Channel) -> None:
    channel.recv(1)
    channel.send_exit_status(1)
    channel.close()


def closes_in_the_middle(server: Server, channel: paramiko.Channel) -> None:
    server.hello(channel)
    channel.sendall(f"{server.token} answer 0 exited 0 1 2 1 100 0 100 0 \nonly this".encode())
    channel.close()


def drops_the_line_in_the_middle(server: Server, channel: paramiko.Channel) -> None:
    server.hello(channel)
    channel.sendall(f"{server.token} answer 0 exited 0 1 2 1 100 0 100 0 \nonly this".encode())
    channel.get_transport().sock.close()


def exits_without_closing(server: Server, channel: paramiko.Channel) -> None:
    server.hello(channel)
    channel.send_exit_status(3)
    server._over.wait()


def chatters(server: Server, channel: paramiko.Channel) -> None:
    while not server._over.wait(0.001):
        channel.sendall(b"noise " * 1000)
        channel.sendall_stderr(b"more noise " * 1000)


def complains(server: Server, channel: paramiko.Channel) -> None:
    channel.sendall_stderr(b"sh: not found\n" + b"x" * 2_300_000)
    channel.send_exit_status(127)
    channel.close()


def ends_without_answers(server: Server, channel: paramiko.Channel) -> None:
    server.hello(channel)
    channel.sendall(f"{server.token} end\n".encode())
    server._over.wait()


def beats_for_ever(server: Server, channel: paramiko.Channel) -> None:
    server.hello(channel)
    while not server._over.wait(0.1):
        channel.sendall(f"{server.token} beat\n".encode())


@pytest.mark.parametrize(
    ("play", "detail"),
    [
        (says_nothing, "no usable shell: no sign of life for 0.5 s"),
        (says_hello_and_then_nothing, "connection lost: no sign of life for 0.5 s"),
        (closes_soon, "no usable shell: the shell ended with status 1"),
        (closes_in_the_middle, "connection lost: the shell ended, or was killed"),
        (drops_the_line_in_the_middle, "connection lost: "),
        (exits_without_closing, "connection lost: the shell ended with status 3"),
        (chatters, "no usable shell: no sign of life for 0.5 s (more noise more noise"),
        (complains, "no usable shell: the shell ended with status 127 (sh: not found / xxx"),
        (ends_without_answers, "connection lost: the node did not answer this command"),
        (beats_for_ever, "connection lost: not done in time"),
    ],
)
def test_after_the_login(served: Served, monkeypatch: pytest.MonkeyPatch, play: Play, detail: str) -> None:
    if play is beats_for_ever:
        monkeypatch.setattr("bringup.transport.drive.MARGIN_S", -KILL_S)
    patient = 0.5 if "no sign of life" in detail else 10
    assert _played(served, play, silence_s=patient).detail.startswith(detail)


def test_a_good_answer_from_a_server_that_then_hangs(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bringup.transport.drive.CLEAN_S", 0.5)

    def play(server: Server, channel: paramiko.Channel) -> None:
        server.hello(channel)
        channel.sendall(f"{server.token} answer 0 exited 7 100 150 1 2 0 2 0 \nok{server.token}\n".encode())
        server._over.wait()

    with closing(connect(*served(play, silence_s=10))) as connection:
        out = run(connection, Command("true"))[0]
    assert (out.ended, out.status, out.stdout, out.seconds) == (Ended.EXITED, 7, b"ok", 0.5)


def test_a_real_shell_behind_a_slow_line(served: Served) -> None:
    """Bytes in pieces of seven, and the answer is whole."""

    def play(server: Server, channel: paramiko.Channel) -> None:
        shell = subprocess.Popen(["/bin/sh", "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert shell.stdin and shell.stdout
        script = b""
        while not script.endswith(b"exit 0\n}\n"):
            script += channel.recv(7)
        shell.stdin.write(script)
        while data := shell.stdout.read(7):
            channel.sendall(data)
        shell.stdin.close()
        shell.stdout.close()
        channel.send_exit_status(shell.wait())
        channel.close()

    with closing(connect(*served(play, silence_s=20))) as connection:
        answers = Answers()
        connection.execute([Command("echo hello"), Command("printf 'a\\000b' >&2; exit 9")], answers)
    assert [(o.stdout, o.stderr, o.status) for o in answers.outputs.values()] == [
        (b"hello\n", b"", 0),
        (b"", b"a\0b", 9),
    ]
