"""Jump hosts: chained, shared, limited, refusing, dying. One server plays all parts."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import paramiko
import pytest
from paramiko.common import cMSG_CHANNEL_DATA
from support.answers import eventually, run
from support.sshd import Sshd, free_port, keygen

from bringup import transport
from bringup.commands import Command, Ended
from bringup.errors import LostKind, TransportError
from bringup.model import Jump, Node
from bringup.transport import Cancel, Options, ssh
from bringup.transport.ssh import wire
from bringup.transport.ssh.connection import SshConnection
from bringup.transport.ssh.jumps import JUMPS, hops_of
from bringup.transport.ssh.login import open_session
from bringup.transport.ssh.wire import Hop, Session


@pytest.fixture(autouse=True)
def jumps_given_back() -> Iterator[None]:
    """Every jump host is closed when its last node is."""
    yield
    assert JUMPS._jumps == {}


@pytest.fixture
def dials(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports of all TCP connections that are made from here."""
    ports: list[int] = []
    real = wire._dial

    def dial(host: str, port: int, options: Options, cancel: Cancel | None) -> object:
        ports.append(port)
        return real(host, port, options, cancel)

    monkeypatch.setattr(wire, "_dial", dial)
    return ports


def jump_of(sshd: Sshd, **changes: object) -> Jump:
    settings: dict[str, object] = {"port": sshd.port, "user": sshd.user, "key_file": str(sshd.key)}
    return Jump("127.0.0.1", **{**settings, **changes})  # type: ignore[arg-type]


def at_once(count: int, one: Callable[[int], object]) -> dict[int, object]:
    """What each call gave, or its TransportError, all made at the same time."""
    found: dict[int, object] = {}

    def call(number: int) -> None:
        try:
            found[number] = one(number)
        except TransportError as error:
            found[number] = error

    threads = [threading.Thread(target=call, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_two_jump_hosts_in_a_chain(sshd: Sshd, dials: list[int]) -> None:
    through = (jump_of(sshd), Jump("127.0.0.1", sshd.port))  # the second takes user and key from the node
    with closing(transport.connect(sshd.node(jump=through), sshd.options())) as connection:
        out = run(connection, Command("echo far; yes | head -c 3000000 >&2", max_bytes=4_000_000))[0]
    assert (out.text, len(out.stderr)) == ("far\n", 3_000_000)
    assert dials == [sshd.port]


def test_nodes_share_their_jump_host(sshd: Sshd, dials: list[int]) -> None:
    def one(number: int) -> str:
        with closing(
            transport.connect(sshd.node(f"n{number}", jump=(jump_of(sshd),)), sshd.options())
        ) as node:
            return run(node, Command(f"echo {number}"))[0].text

    with closing(transport.connect(sshd.node("keeper", jump=(jump_of(sshd),)), sshd.options())):
        found = at_once(6, one)
    assert found == {n: f"{n}\n" for n in range(6)}
    assert dials == [sshd.port]


def test_nothing_is_said_of_a_channel_after_its_end(sshd: Sshd) -> None:
    """One thread closes what another one is about to write to. The server would end the jump host's connection for it,
    with all nodes behind it, or give it to the next channel, to which it has given the number."""
    *_, hop = hops_of(sshd.node("jump"))
    with (
        socket.create_server(("127.0.0.1", 0)) as far,
        closing(open_session(hop, None, sshd.options(), None)) as session,
    ):
        port = far.getsockname()[1]
        tunnel = session.tunnel("127.0.0.1", port, 5.0)
        late = paramiko.Message()
        late.add_byte(cMSG_CHANNEL_DATA)
        late.add_int(tunnel.remote_chanid)
        late.add_string(b"too late")
        tunnel.close()
        for _ in range(3):  # questions that the server answers after the end of the channel
            session.transport.global_request("bringup-test", wait=True)
        tunnel.transport._send_user_message(late)
        again = session.tunnel("127.0.0.1", port, 5.0)
        assert again.remote_chanid == tunnel.remote_chanid, "the server uses the number again"
        tunnel.transport._send_user_message(late)
        again.sendall(b"in time")
        said = []
        for _ in range(2):
            taken, _ = far.accept()
            with taken:
                taken.settimeout(5.0)
                said.append(taken.recv(100))
        assert said == [b"", b"in time"]
        assert session.transport.is_active()


def test_only_so_many_logins_at_once(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most, lock = 0, 0, threading.Lock()
    real = ssh.open_session

    def counted(hop: Hop, via: Session | None, options: Options, cancel: Cancel | None) -> Session:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        try:
            return real(hop, via, options, cancel)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(ssh, "open_session", counted)
    options = sshd.options(handshakes_per_jump=2)
    found = at_once(6, lambda n: transport.connect(sshd.node(f"n{n}", jump=(jump_of(sshd),)), options))
    for made in found.values():
        if isinstance(made, SshConnection):
            made.close()
    assert [made for made in found.values() if isinstance(made, TransportError)] == []
    assert most == 2


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"port": None}, LostKind.REFUSED),
        ({"address": "no-such-host.invalid"}, LostKind.RESOLVE),
    ],
)
def test_the_far_host_s_trouble_is_told_apart(
    sshd: Sshd, settings: dict[str, object], kind: LostKind
) -> None:
    changes = {**settings, **({"port": free_port()} if "port" in settings else {})}
    node = sshd.node(jump=(jump_of(sshd),), **changes)
    with pytest.raises(TransportError) as caught:
        transport.connect(node, sshd.options())
    assert caught.value.kind is kind
    assert f" through 127.0.0.1 port {sshd.port}: " in caught.value.detail


def test_reasons_are_not_mixed_up_between_nodes(sshd: Sshd) -> None:
    """They fail at the same time through the same connection."""
    nodes = [
        sshd.node(
            f"n{n}",
            jump=(jump_of(sshd),),
            **({"port": free_port()} if n % 2 else {"address": f"no-{n}.invalid"}),
        )
        for n in range(8)
    ]
    found = at_once(8, lambda n: transport.connect(nodes[n], sshd.options()))
    kinds = [error.kind for _, error in sorted(found.items()) if isinstance(error, TransportError)]
    assert kinds == [LostKind.RESOLVE, LostKind.REFUSED] * 4


def test_a_jump_host_that_forbids_forwarding(sshd: Sshd, tmp_path: Path) -> None:
    key = keygen(tmp_path / "limited", "-t", "ed25519")
    file = sshd.folder / "authorized_keys"
    before = file.read_text()
    file.write_text(f"{before}no-port-forwarding {key.with_name('limited.pub').read_text()}")
    try:
        with pytest.raises(TransportError, match="the jump host does not allow it") as caught:
            transport.connect(sshd.node(jump=(jump_of(sshd, key_file=str(key)),)), sshd.options())
    finally:
        file.write_text(before)
    assert caught.value.kind is LostKind.REFUSED


def test_nodes_share_a_jump_host_s_failure(sshd: Sshd, tmp_path: Path, dials: list[int]) -> None:
    stranger = keygen(tmp_path / "stranger", "-t", "ed25519")
    through = (jump_of(sshd, key_file=str(stranger)),)
    began = threading.Barrier(4)

    def one(number: int) -> Node:
        began.wait(10)
        transport.connect(sshd.node(f"n{number}", jump=through), sshd.options())
        raise AssertionError("a stranger was let in")

    found = at_once(4, one)
    assert {error.kind for error in found.values()} == {LostKind.AUTH}  # type: ignore[attr-defined]
    for error in found.values():
        assert str(error).startswith(f"login refused: jump host 127.0.0.1 port {sshd.port}: ")


def test_a_jump_host_that_is_lost_is_connected_anew(sshd: Sshd) -> None:
    def served() -> list[int]:
        """The processes of the server that hold one connection each."""
        return sorted(map(int, Path(f"/proc/{sshd.pid}/task/{sshd.pid}/children").read_text().split()))

    assert eventually(lambda: served() == [], 20)
    node = sshd.node(jump=(jump_of(sshd),))
    with closing(transport.connect(node, sshd.options())) as first:
        os.kill(served()[0], signal.SIGKILL)  # the first connection is the jump host's
        assert run(first, Command("true"))[0].ended is Ended.LOST
        closed = "connection lost: the connection is closed"
        assert eventually(lambda: run(first, Command("true"))[0].detail == closed)
        with closing(transport.connect(node, sshd.options())) as second:
            assert run(second, Command("echo again"))[0].text == "again\n"


def test_cancel_while_waiting_for_a_turn(sshd: Sshd) -> None:
    jump = JUMPS.take(
        (wire.Hop(("127.0.0.1",), sshd.port, sshd.user, str(sshd.key)),),
        sshd.options(handshakes_per_jump=1),
        None,
    )
    cancel = Cancel()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with jump.handshake(None), pytest.raises(TransportError, match="cancelled"):
        transport.connect(sshd.node(jump=(jump_of(sshd),)), sshd.options(handshakes_per_jump=1), cancel)
    JUMPS.give_back(jump)
    assert time.monotonic() - began < 10
