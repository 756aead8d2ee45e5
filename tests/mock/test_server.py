"""The simulated nodes behind SSH, seen by paramiko and by OpenSSH."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress

import paramiko
import pytest

from bringup.model import Node


@contextmanager
def connected(lab, name="gpu-001", **options):  # type: ignore[no-untyped-def]
    node = next(n for n in lab.served.nodes if n.name == name)
    with closing(paramiko.SSHClient()) as client:
        client.load_host_keys(str(lab.served.known_hosts))
        key = paramiko.Ed25519Key.from_private_key_file(node.key_file)
        client.connect(
            node.address,
            node.port,
            node.user,
            pkey=key,
            look_for_keys=False,
            allow_agent=False,
            timeout=5,
            **options,
        )
        yield client


def run(client, command: str, given: bytes = b""):  # type: ignore[no-untyped-def]
    """Exit status, stdout and stderr of a command."""
    channel = client.get_transport().open_session(timeout=5)
    channel.settimeout(10)
    channel.exec_command(command)
    out, err = [], []
    errors = threading.Thread(target=lambda: err.append(channel.makefile_stderr("rb").read()))
    errors.start()
    with suppress(OSError):  # who has ended takes no more input
        channel.sendall(given)
        channel.shutdown_write()
    while data := channel.recv(65536):
        out.append(data)
    errors.join()
    status = channel.recv_exit_status()
    channel.close()
    return status, b"".join(out), b"".join(err)


def gone(lab, seconds: float) -> bool:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while lab.served.processes() and time.monotonic() < until:
        time.sleep(0.02)
    return not lab.served.processes()


def test_commands_run_in_a_real_shell_on_the_node(healthy):  # type: ignore[no-untyped-def]
    with connected(healthy) as client:
        assert run(client, "hostname; echo $((6*7)) >&2; exit 3") == (3, b"gpu-001\n", b"42\n")
        assert run(client, "cat; echo end", b"some input") == (0, b"some inputend\n", b"")
        status, out, _ = run(client, 'pwd; echo "$HOME $USER"; ls "$BRINGUP_ROOT"; id -u')
        home = f"{healthy.served.folder}/nodes/0/home"
        first, again, user, *root, number = out.decode().split()
        assert (status, first, again, user, number) == (0, home, home, "sim", "1000")
        assert set(root) >= {"dev", "etc", "proc", "sys", "var"}


def test_both_streams_may_be_long_in_any_order(healthy):  # type: ignore[no-untyped-def]
    script = "head -c 3000000 /dev/zero | tr '\\0' e >&2; head -c 3000000 /dev/zero | tr '\\0' o"
    with connected(healthy) as client:
        status, out, err = run(client, script)
    assert (status, len(out), len(err), set(out), set(err)) == (
        0,
        3_000_000,
        3_000_000,
        {ord("o")},
        {ord("e")},
    )


def test_long_input_arrives_whole(healthy):  # type: ignore[no-untyped-def]
    with connected(healthy) as client:
        assert run(client, "sleep 0.1; wc -c", b"x" * 2_000_000) == (0, b"2000000\n", b"")
        assert run(client, "exec <&-; echo closed", b"x" * 500_000)[:2] == (0, b"closed\n")


def test_a_session_works_where_a_thousand_files_are_open(healthy, tmp_path):  # type: ignore[no-untyped-def]
    """As in a cluster of hundreds of nodes: select() knows no descriptor above 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip(f"this machine allows only {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for n in range(1100):
            stack.enter_context((tmp_path / str(n)).open("wb"))
        client = stack.enter_context(connected(healthy))
        assert run(client, "cat; exit 3", b"still here") == (3, b"still here", b"")
    assert healthy.served.errors == []


def test_a_signal_is_no_exit_status(healthy):  # type: ignore[no-untyped-def]
    with connected(healthy) as client:
        assert run(client, "kill -9 $$") == (-1, b"", b"")


def test_many_channels_of_one_connection_run_at_once(healthy):  # type: ignore[no-untyped-def]
    with connected(healthy) as client:
        together = (
            "mkdir -p met; : > met/{0}; while [ $(ls met | wc -l) -lt 8 ]; do sleep 0.05; done; echo {0}"
        )
        answers: list[object] = []
        threads = [
            threading.Thread(target=lambda n=n: answers.append(run(client, together.format(n))))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [(0, f"{n}\n".encode(), b"") for n in range(8)]  # type: ignore[type-var]


def test_a_client_that_does_not_read_stops_nobody_else(healthy):  # type: ignore[no-untyped-def]
    with connected(healthy) as client:
        lazy = client.get_transport().open_session()
        lazy.exec_command("head -c 9000000 /dev/zero")
        time.sleep(0.1)
        assert run(client, "echo other") == (0, b"other\n", b"")
        lazy.close()


def test_the_end_of_stdin_is_the_dead_mans_switch(lab):  # type: ignore[no-untyped-def]
    here = lab()
    with connected(here) as client:
        channel = client.get_transport().open_session()
        channel.exec_command("cat >/dev/null; touch $HOME/noticed")
        channel.close()
        until = time.monotonic() + 3
        while not (here.served.folder / "nodes/0/home/noticed").exists() and time.monotonic() < until:
            time.sleep(0.01)
    assert (here.served.folder / "nodes/0/home/noticed").exists()


def test_what_ignores_a_lost_client_is_killed_after_a_while(lab, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr("bringup.mock.session._HANG_UP_S", 0.3)
    monkeypatch.setattr("bringup.mock.session._KILL_S", 0.2)
    here = lab()
    with connected(here) as client:
        channel = client.get_transport().open_session()
        channel.exec_command("trap '' HUP; sleep 60; sleep 60")
        until = time.monotonic() + 3
        while len(here.served.processes()) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(here.served.processes()) == 2
    assert gone(here, 3)


def test_a_background_child_does_not_delay_the_exit_status(healthy):  # type: ignore[no-untyped-def]
    with connected(healthy) as client:
        channel = client.get_transport().open_session()
        channel.settimeout(20)
        channel.exec_command("sleep 30 & echo started; exit 4")
        began = time.monotonic()
        assert channel.recv_exit_status() == 4
        assert time.monotonic() - began < 20
        assert channel.recv(100) == b"started\n"


def test_a_shell_request_is_answered_politely(healthy):  # type: ignore[no-untyped-def]
    with connected(healthy) as client:
        channel = client.invoke_shell()
        channel.settimeout(5)
        text = channel.makefile("rb").read()
        assert text == b"This is a simulated node: it runs commands, but offers no interactive shell.\r\n"
        assert channel.recv_exit_status() == 1
        sftp = client.get_transport().open_session()
        with pytest.raises(paramiko.SSHException):
            sftp.invoke_subsystem("sftp")


@pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed")
def test_openssh_works_as_well(healthy):  # type: ignore[no-untyped-def]
    node = healthy.served.nodes[0]
    command = [
        "ssh", "-F", "none", "-p", str(node.port), "-i", node.key_file, "-o", f"UserKnownHostsFile={healthy.served.known_hosts}",
        "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", f"{node.user}@{node.address}", "cat; hostname; exit 7",
    ]  # fmt: skip
    done = subprocess.run(command, input="abc\n", capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (7, "abc\ngpu-001\n")
    assert "Authorized use only" in done.stderr


def test_nodes_keep_what_the_plan_says_and_are_reached_on_the_loopback(healthy):  # type: ignore[no-untyped-def]
    node = healthy.served.nodes[1]
    assert (node.name, node.address, node.peer_address, node.serial) == (
        "gpu-002",
        "127.0.0.1",
        "gpu-002",
        "SIM00002",
    )
    assert (node.root, node.jump, len(node.ports)) == ("", (), 8)
    assert len({n.port for n in healthy.served.nodes}) == 3
    key = healthy.served.folder / "id_ed25519"
    assert node.key_file == str(key) and key.stat().st_mode & 0o777 == 0o600


def test_only_the_key_of_the_cluster_may_enter(healthy):  # type: ignore[no-untyped-def]
    node = healthy.served.nodes[0]
    with closing(paramiko.Transport((node.address, node.port))) as transport:
        transport.start_client(timeout=5)
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey(node.user, paramiko.RSAKey.generate(2048))


# ------------------------------------------------------------------------------------------------- doors


def connect_error(lab, name="gpu-001"):  # type: ignore[no-untyped-def]
    try:
        with connected(lab, name, banner_timeout=0.5):
            return None
    except (OSError, EOFError, paramiko.SSHException) as error:
        return error


def test_a_refusing_node(lab):  # type: ignore[no-untyped-def]
    here = lab("unreachable", params={"how": "refused"})
    assert "Unable to connect" in str(connect_error(here))
    assert connect_error(here, "gpu-002") is None
    with (
        pytest.raises(ConnectionRefusedError),
        closing(socket.create_connection(("127.0.0.1", here.served.nodes[0].port))),
    ):
        pass


def test_a_node_that_never_answers(lab):  # type: ignore[no-untyped-def]
    here = lab("unreachable", params={"how": "timeout"})
    with (
        pytest.raises(TimeoutError),
        closing(socket.create_connection(("127.0.0.1", here.served.nodes[0].port), timeout=0.5)),
    ):
        pass


def test_a_node_that_accepts_and_says_nothing(lab):  # type: ignore[no-untyped-def]
    here = lab("unreachable", params={"how": "silent"})
    address = ("127.0.0.1", here.served.nodes[0].port)
    with closing(socket.create_connection(address, timeout=0.5)) as sock, pytest.raises(TimeoutError):
        sock.recv(1)


def test_a_node_that_resets(lab):  # type: ignore[no-untyped-def]
    here = lab("unreachable", params={"how": "reset"})
    address = ("127.0.0.1", here.served.nodes[0].port)
    with pytest.raises(ConnectionResetError), closing(socket.create_connection(address, timeout=5)) as sock:
        sock.recv(1)
    assert connect_error(here) is not None


def test_a_changed_host_key(lab):  # type: ignore[no-untyped-def]
    here = lab("host-key-changed")
    assert isinstance(connect_error(here), paramiko.BadHostKeyException)
    assert connect_error(here, "gpu-002") is None


def test_a_refused_login(lab):  # type: ignore[no-untyped-def]
    here = lab("login-refused")
    assert isinstance(connect_error(here), paramiko.AuthenticationException)
    assert connect_error(here, "gpu-002") is None


def test_a_node_that_dies_takes_its_connections_along(lab):  # type: ignore[no-untyped-def]
    here = lab("node-dies", params={"after_s": 1.0})
    with connected(here) as client:
        channel = client.get_transport().open_session()
        channel.settimeout(6)
        channel.exec_command("echo alive; sleep 60")
        assert channel.recv(100) == b"alive\n"
        assert channel.recv(100) == b""
        assert not client.get_transport().is_active()
    assert connect_error(here) is not None
    done = here.sh("gpu-002", "ib_write_bw -d mlx5_0 gpu-001")
    assert done.returncode == 1 and "Couldn't connect" in done.stderr


def test_a_chatty_login_speaks_before_every_command(lab):  # type: ignore[no-untyped-def]
    here = lab("chatty-login", params={"text": "Welcome to the cluster!"})
    with connected(here) as client:
        assert run(client, "echo hi")[:2] == (0, b"Welcome to the cluster!\nhi\n")


def test_some_healthy_logins_complain_on_stderr(lab):  # type: ignore[no-untyped-def]
    here = lab(count=16)
    noisy = [n.name for n in here.served.nodes if here.served.hardware(n.name).login_noise]
    assert 0 < len(noisy) < 12
    with connected(here, noisy[0]) as client:
        assert run(client, "true") == (
            0,
            b"",
            b"bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)\n",
        )


def test_the_plans_own_addresses_do_not_matter(lab):  # type: ignore[no-untyped-def]
    from bringup.inventory.types import Simulate
    from bringup.mock import serve

    plan = (Node("a", address="192.0.2.1", peer_address="a-ib", root="/host", user="root"), Node("b"))
    with serve(Simulate(speed=200), plan) as served:
        env = served.environment("b")
        done = subprocess.run(
            ["/bin/sh", "-c", "ib_write_bw -d mlx5_0 -p 18900 a-ib"], env=env, capture_output=True, text=True
        )
        assert "Couldn't connect to a-ib:18900" in done.stderr
        assert [(n.address, n.peer_address, n.root) for n in served.nodes] == [
            ("127.0.0.1", "a-ib", ""),
            ("127.0.0.1", "b", ""),
        ]
