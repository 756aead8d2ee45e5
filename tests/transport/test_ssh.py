"""A real OpenSSH server: login shells, keys, host keys, and the errors a person must tell apart."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.answers import Answers, alive, eventually, run
from support.sshd import Sshd, free_port, keygen, program

from bringup.commands import Command, Ended
from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport import Cancel, Options, connect
from bringup.transport.ssh import wire
from bringup.transport.ssh.connection import SshConnection


def refused(node: Node, options: Options) -> TransportError:
    """The error with which the node cannot be reached."""
    with pytest.raises(TransportError) as caught:
        connect(node, options).close()
    return caught.value


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[SshConnection]:
    made = connect(sshd.node(), sshd.options())
    assert isinstance(made, SshConnection)
    yield made
    made.close()


# ------------------------------------------------------------------------------------------- running


def test_commands_run_and_the_connection_is_kept(connection: SshConnection) -> None:
    for _ in range(2):
        outputs = run(
            connection, Command("echo out; echo err >&2; exit 3"), Command("x", needs=("no-such-tool",))
        )
        first = outputs[0]
        assert (first.node, first.ended, first.status, first.stdout, first.stderr) == (
            "node-1",
            Ended.EXITED,
            3,
            b"out\n",
            b"err\n",
        )
        assert (outputs[1].ended, outputs[1].detail) == (Ended.MISSING, "no-such-tool")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_login_shells_that_print_noise(sshd: Sshd, shell_users: dict[str, str], shell: str) -> None:
    with closing(connect(sshd.node(user=shell_users[shell]), sshd.options())) as connection:
        show = Command("echo $0; printf '%s' \"$HOME\" | wc -c")
        outputs = run(connection, Command("id -un; echo x >&2"), show)
    assert (outputs[0].text, outputs[0].error_text) == (f"{shell_users[shell]}\n", "x\n")
    assert outputs[1].text.startswith("/bin/sh\n")
    assert not outputs[0].as_root


def test_big_outputs_through_the_window(connection: SshConnection) -> None:
    flood = "yes 123456789012345 | head -c 8000000"
    out = run(connection, Command(f"{flood} >&2; {flood}", max_bytes=9_000_000))[0]
    assert out.stdout == out.stderr == b"123456789012345\n" * 500_000


def test_several_bundles_at_once_on_one_connection(connection: SshConnection) -> None:
    """More than the eight channels that are open at once."""
    found: dict[int, str] = {}

    def one(number: int) -> None:
        found[number] = run(connection, Command(f"sleep 0.2; echo {number}"))[0].text

    threads = [threading.Thread(target=one, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {n: f"{n}\n" for n in range(12)}


def test_a_server_that_allows_one_session_only(sshd: Sshd, shell_users: dict[str, str]) -> None:
    found: dict[int, str] = {}
    with closing(connect(sshd.node(user=shell_users["tcsh"]), sshd.options())) as connection:

        def one(number: int) -> None:
            found[number] = run(connection, Command(f"sleep 0.1; echo {number}"))[0].text

        threads = [threading.Thread(target=one, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert found == {n: f"{n}\n" for n in range(4)}


def _forever(
    tmp_path: Path, connection: SshConnection, cancel: Cancel | None = None
) -> tuple[Answers, threading.Thread]:
    """A command that notes its process and its scratch directory and then waits."""
    script = f"echo $$ $PPID $TMP >'{tmp_path}/new'; mv '{tmp_path}/new' '{tmp_path}/notes'; sleep 600"
    answers = Answers()
    thread = threading.Thread(
        target=connection.execute, args=([Command(script, timeout_s=600)], answers), kwargs={"cancel": cancel}
    )
    thread.start()
    assert eventually((tmp_path / "notes").exists)
    return answers, thread


def _gone(tmp_path: Path, seconds: float) -> bool:
    """Whether neither the process nor the scratch directory is there any more."""
    pid, _, scratch = (tmp_path / "notes").read_text().split()

    return eventually(lambda: not alive(int(pid)) and not Path(scratch).parent.exists(), seconds)


def test_cancel_leaves_nothing_on_the_node(connection: SshConnection, tmp_path: Path) -> None:
    cancel = Cancel()
    answers, thread = _forever(tmp_path, connection, cancel)
    cancel.set()
    answers.wait(lambda: 0 in answers.outputs, 5)
    thread.join(15)
    assert answers.outputs[0].ended is Ended.CANCELLED
    assert _gone(tmp_path, 0)
    assert run(connection, Command("echo still here"))[0].text == "still here\n"


def test_closing_the_connection_leaves_nothing_on_the_node(connection: SshConnection, tmp_path: Path) -> None:
    answers, thread = _forever(tmp_path, connection)
    connection.close()
    thread.join(15)
    assert answers.outputs[0].ended is Ended.LOST
    assert answers.outputs[0].detail.startswith("connection lost: ")
    assert _gone(tmp_path, 9)


def test_the_server_drops_the_connection(connection: SshConnection, tmp_path: Path) -> None:
    answers, thread = _forever(tmp_path, connection)
    pid = int((tmp_path / "notes").read_text().split()[0])
    while "sshd" not in Path(f"/proc/{pid}/comm").read_text():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(pid, signal.SIGKILL)
    thread.join(15)
    assert answers.outputs[0].ended is Ended.LOST
    assert answers.outputs[0].detail.startswith("connection lost: ")
    assert _gone(tmp_path, 9)
    out = run(connection, Command("true"))[0]
    assert (out.ended, out.detail) == (Ended.LOST, "connection lost: the connection is closed")


def test_a_login_that_may_not_run_anything(sshd: Sshd, shell_users: dict[str, str]) -> None:
    user = shell_users["bash"]
    shell = shutil.which("nologin", path="/usr/sbin:/sbin") or "/bin/false"
    subprocess.run(["usermod", "-s", shell, user], check=True, capture_output=True)
    try:
        with closing(connect(sshd.node(user=user), sshd.options())) as connection:
            out = run(connection, Command("true"))[0]
    finally:
        subprocess.run(["usermod", "-s", program("bash"), user], check=True, capture_output=True)
    assert out.ended is Ended.LOST
    assert out.detail.startswith("no usable shell: the shell ended with status 1")


# --------------------------------------------------------------------------------------------- logging in


@pytest.fixture
def own_key(sshd: Sshd, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A key that may log in, made with the arguments in `request.param`."""
    key = keygen(tmp_path / "own", *getattr(request, "param", ("-t", "ed25519")))
    file = sshd.folder / "authorized_keys"
    before = file.read_text()
    file.write_text(before + key.with_name("own.pub").read_text())
    yield key
    file.write_text(before)


@pytest.mark.parametrize(
    "own_key",
    [
        ("-t", "ed25519"),
        ("-t", "rsa", "-b", "2048"),
        ("-t", "rsa", "-b", "2048", "-m", "PEM"),
        ("-t", "ecdsa", "-b", "256"),
        ("-t", "ecdsa", "-b", "521"),
    ],
    indirect=True,
    ids=" ".join,
)
def test_key_files(sshd: Sshd, own_key: Path) -> None:
    connect(sshd.node(key_file=str(own_key)), sshd.options()).close()


@pytest.mark.parametrize(("place", "kind"), [("beside the key", "ed25519"), ("named", "rsa")])
def test_certificates(sshd: Sshd, tmp_path: Path, place: str, kind: str) -> None:
    key = keygen(tmp_path / "certified", "-t", kind, *(("-b", "2048") if kind == "rsa" else ()))
    assert refused(sshd.node(key_file=str(key)), sshd.options()).kind is LostKind.AUTH
    sign = [program("ssh-keygen"), "-q", "-s", str(sshd.ca), "-I", "test", "-n", sshd.user, f"{key}.pub"]
    subprocess.run(sign, check=True, capture_output=True)
    certificate = Path(f"{key}-cert.pub")
    if place == "named":
        certificate = certificate.rename(tmp_path / "elsewhere.pub")
    named = str(certificate) if place == "named" else ""
    connect(sshd.node(key_file=str(key), certificate=named), sshd.options()).close()


def test_default_keys(sshd: Sshd, own_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    error = refused(sshd.node(key_file=""), sshd.options())
    assert (error.kind, "no key: no agent" in error.detail) == (LostKind.AUTH, True)
    keygen(tmp_path / ".ssh" / "id_ed25519", "-t", "ed25519")
    shutil.copy(own_key, tmp_path / ".ssh" / "id_rsa")
    connect(sshd.node(key_file=""), sshd.options()).close()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A running agent without keys."""
    path = tmp_path / "agent"
    process = subprocess.Popen([program("ssh-agent"), "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    assert eventually(path.exists)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield
    process.terminate()
    process.wait(5)


def _add(key: Path, passphrase: str, tmp_path: Path) -> None:
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    ask.chmod(0o700)
    env = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    subprocess.run([program("ssh-add"), "-q", str(key)], check=True, env=env, timeout=20)


def test_agent(
    sshd: Sshd, own_key: Path, agent: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert refused(sshd.node(key_file=""), sshd.options()).kind is LostKind.AUTH
    _add(own_key, "", tmp_path)
    connect(sshd.node(key_file=""), sshd.options()).close()


def test_an_agent_that_is_dead(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "nobody"))
    connect(sshd.node(), sshd.options()).close()


@pytest.mark.parametrize("own_key", [("-t", "ed25519", "-N", "secret")], indirect=True)
def test_a_passphrase_needs_the_agent(sshd: Sshd, own_key: Path, agent: None, tmp_path: Path) -> None:
    node = sshd.node(key_file=str(own_key))
    error = refused(node, sshd.options())
    assert error.kind is LostKind.AUTH
    assert f"{own_key} has a passphrase and the agent does not hold it (ssh-add {own_key})" in error.detail
    _add(own_key, "secret", tmp_path)
    connect(node, sshd.options()).close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        ("this is no key", "cannot be used"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5\n-----END OPENSSH PRIVATE KEY-----\n",
            "cannot be used",
        ),
    ],
)
def test_a_bad_key_file_is_named(sshd: Sshd, tmp_path: Path, content: str | None, words: str) -> None:
    key = tmp_path / "bad"
    if content is not None:
        key.write_text(content)
    error = refused(sshd.node(key_file=str(key)), sshd.options())
    assert error.kind is LostKind.AUTH
    assert f"{key} {words}" in error.detail


def test_a_stranger_is_told_what_was_tried(sshd: Sshd, tmp_path: Path) -> None:
    key = keygen(tmp_path / "stranger", "-t", "ed25519")
    error = refused(sshd.node(key_file=str(key)), sshd.options())
    assert error.kind is LostKind.AUTH
    assert f"{sshd.user}@127.0.0.1 port {sshd.port} accepts none of: {key} ED25519 SHA256:" in error.detail


# ---------------------------------------------------------------------------------------------- host keys


def test_unknown_host_key(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    error = refused(sshd.node(), sshd.options(known_hosts=known))
    assert error.kind is LostKind.HOST_KEY_UNKNOWN
    said = subprocess.run(
        [program("ssh-keygen"), "-lf", str(sshd.folder / "host_ed25519")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert said[1] in error.detail
    assert not known.exists()


def test_accepted_host_key_is_known_from_then_on(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    connect(sshd.node(), sshd.options(known_hosts=known, accept_new_host_keys=True)).close()
    connect(sshd.node(), sshd.options(known_hosts=known)).close()
    assert known.read_text().startswith(f"[127.0.0.1]:{sshd.port} ssh-ed25519 ")
    assert known.read_text().count("\n") == 1


def test_changed_host_key(sshd: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other", "-t", "ed25519").with_suffix(".pub").read_text()
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {other}")
    error = refused(sshd.node(), sshd.options(known_hosts=known, accept_new_host_keys=True))
    assert error.kind is LostKind.HOST_KEY_CHANGED
    assert error.detail.count("SHA256:") == 2
    assert f"{known}:1" in error.detail


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_server_is_asked_for_the_key_that_is_known(sshd: Sshd, tmp_path: Path, kind: str) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {(sshd.folder / f'host_{kind}.pub').read_text()}")
    connect(sshd.node(), sshd.options(known_hosts=known)).close()


def test_a_node_may_be_known_by_its_name(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[gpu-001]:{sshd.port} {(sshd.folder / 'host_ed25519.pub').read_text()}")
    connect(sshd.node("gpu-001"), sshd.options(known_hosts=known)).close()


# -------------------------------------------------------------------------------------------- not reached


def test_nobody_listens(sshd: Sshd) -> None:
    error = refused(sshd.node(port=free_port()), sshd.options())
    assert error.kind is LostKind.REFUSED
    assert error.detail.startswith("127.0.0.1 port ")


def test_a_name_that_does_not_resolve(sshd: Sshd) -> None:
    error = refused(sshd.node("no-such-host.invalid", address=""), sshd.options())
    assert error.kind is LostKind.RESOLVE
    assert error.detail.startswith("no-such-host.invalid: ")


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes no more connections and says nothing: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        time.sleep(0.1)
        yield port
        for filler in fillers:
            filler.close()


def test_no_answer(sshd: Sshd, black_hole: int) -> None:
    began = time.monotonic()
    error = refused(sshd.node(port=black_hole), sshd.options(connect_timeout_s=0.5))
    assert error.kind is LostKind.TIMEOUT
    assert 0.4 < time.monotonic() - began < 10


def test_another_try_only_where_it_can_help(
    sshd: Sshd, black_hole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    real = wire._dial

    def dial(host: str, port: int, options: Options, cancel: Cancel | None) -> socket.socket:
        calls.append(port)
        return real(host, port, options, cancel)

    monkeypatch.setattr(wire, "_dial", dial)
    monkeypatch.setattr("bringup.transport.ssh._PAUSE_S", 0.05)
    options = sshd.options(connect_attempts=3, connect_timeout_s=0.2)
    assert refused(sshd.node(port=black_hole), options).kind is LostKind.TIMEOUT
    assert len(calls) == 3
    assert refused(sshd.node(port=free_port()), options).kind is LostKind.REFUSED
    assert len(calls) == 4


def test_cancel_while_connecting(sshd: Sshd, black_hole: int) -> None:
    cancel = Cancel()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(TransportError, match="cancelled") as caught:
        connect(sshd.node(port=black_hole), sshd.options(connect_timeout_s=20, connect_attempts=3), cancel)
    assert caught.value.kind is LostKind.LOST
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, "Connection refused"), LostKind.REFUSED),
        (TimeoutError(110, "timed out"), LostKind.TIMEOUT),
        (OSError(113, "No route to host"), LostKind.NO_ROUTE),
        (OSError(101, "Network is unreachable"), LostKind.NO_ROUTE),
        (OSError(24, "Too many open files"), LostKind.LOST),
    ],
)
def test_kinds_of_network_trouble(error: OSError, kind: LostKind) -> None:
    assert wire._kind_of(error) is kind
