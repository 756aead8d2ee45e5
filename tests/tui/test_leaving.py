"""Leaving a run, stopping it, and the shell on a node. All names are invented."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tui.driving import app_on, page_of, press, read_all, text, until

from bringup.model import Jump, Node
from bringup.tui import control
from bringup.tui.actions import Place
from bringup.tui.control import stop, writer_of
from bringup.tui.ssh_command import known_hosts_of, run_in_terminal, ssh_command

WRITER = """
import fcntl, signal, sys, time
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
signal.signal(signal.SIGINT, lambda *_: sys.exit(7))
print("locked", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node("n", "10.0.0.1"), ["ssh", "--", "10.0.0.1"]),
        (Node("n"), ["ssh", "--", "n"]),
        (
            Node("n", "10.0.0.1", port=2222, user="root", key_file="/k/id", certificate="/k/id cert.pub"),
            ["ssh", "-i", "/k/id", "-o", "IdentitiesOnly=yes", "-o", 'CertificateFile="/k/id cert.pub"', "-p", "2222",
             "-l", "root", "--", "10.0.0.1"],
        ),
        (
            Node("n", "fd00::1", jump=(Jump("bastion", 2200, "ops"), Jump("fd00::9"))),
            ["ssh", "-J", "ops@bastion:2200,[fd00::9]", "--", "fd00::1"],
        ),
        (
            Node("n", "a", jump=(Jump("b", user="ops", key_file="/my keys/b"),)),
            ["ssh", "-o", "ProxyCommand=ssh -i '/my keys/b' -o IdentitiesOnly=yes -l ops -W %h:%p -- b", "--", "a"],
        ),
        (Node("n", "-oProxyCommand=x"), ["ssh", "--", "-oProxyCommand=x"]),
        (Node("n", connection="local"), []),
    ],
)  # fmt: skip
def test_the_ssh_command_goes_the_way_of_the_run(node: Node, words: list[str]) -> None:
    assert ssh_command(node) == words


def test_two_jumps_with_keys_are_nested() -> None:
    node = Node("n", "c", jump=(Jump("a", key_file="ka"), Jump("b", key_file="kb")))
    (proxy,) = (w for w in ssh_command(node) if w.startswith("ProxyCommand="))
    assert proxy == (
        "ProxyCommand=ssh -i kb -o IdentitiesOnly=yes -o "
        "'ProxyCommand=ssh -i ka -o IdentitiesOnly=yes -W %%h:%%p -- a' -W %h:%p -- b"
    )


def test_the_host_keys_are_those_of_the_run(tmp_path: Path) -> None:
    assert known_hosts_of(tmp_path) == ""
    (tmp_path / "run.toml").write_text('known_hosts = "/keys/hosts"\n')
    assert known_hosts_of(tmp_path) == "/keys/hosts"
    assert ssh_command(Node("n", "a"), "/keys/hosts") == [
        "ssh",
        "-o",
        "UserKnownHostsFile=/keys/hosts",
        "--",
        "a",
    ]
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe = [")
    assert known_hosts_of(tmp_path) == ""


@pytest.mark.skipif(not control.LOCKS.exists(), reason="only Linux tells who holds a lock")
@pytest.mark.parametrize(("now", "code"), [(False, 7), (True, -9)])
def test_a_run_is_stopped_by_the_lock_that_it_holds(now: bool, code: int, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.touch()
    assert writer_of(journal) is None and "no process of this machine" in stop(journal)
    command = [sys.executable, "-c", WRITER, str(journal), "bringup"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert writer_of(journal) == writer.pid
        assert f"process {writer.pid} was" in stop(journal, now=now)
        assert writer.wait(30) == code


@pytest.mark.skipif(not control.LOCKS.exists(), reason="only Linux tells who holds a lock")
def test_a_process_that_is_no_bringup_is_never_stopped(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    journal.touch()
    code = WRITER.replace("time.sleep(60)", "sys.stdin.read()")
    script = tmp_path / "other.py"
    script.write_text(code)
    with subprocess.Popen(
        [sys.executable, "other.py", "j"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, cwd=tmp_path
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        other.stdout.readline()
        assert writer_of(journal) is None
        assert "no process of this machine" in stop(journal, now=True)
        assert other.poll() is None
        other.stdin.close()
        assert other.wait(30) == 0


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, also where the tests were started in the background, which takes it away."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_the_command_and_not_the_screens(
    heard: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    interrupt_both = (
        "import os, signal; os.kill(os.getppid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGINT)"
    )
    status = run_in_terminal([sys.executable, "-c", interrupt_both], "shown")
    assert status == -signal.SIGINT, "the command gets the signal as usual"
    assert "$ shown" in capfd.readouterr().out
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


async def test_leaving_a_run_that_goes_on_asks_what_is_to_become_of_it(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def told(journal: Path, *, now: bool = False) -> str:
        asked.append(now)
        return "said"

    monkeypatch.setattr("bringup.tui.screens.leaving.stop", told)
    app = app_on(running)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.desk.view.marks) == 64)
        await press(pilot, "q")
        assert page_of(app).place is Place.QUIT and "Run 0821-1002 goes on." in text(app)
        await press(pilot, "escape")
        assert page_of(app).place is Place.FLOOR
        await press(pilot, "q", "s")
        assert asked == [False] and "said" in text(app)
        await press(pilot, "K")
        assert asked == [False] and "K once more" in text(app)
        await press(pilot, "K")
        assert asked == [False, True]
        await press(pilot, "d")
    assert app.return_value == f"The run goes on. To see it again: bringup watch {running.folder}"


async def test_a_view_that_only_reads_leaves_at_once_and_opens_no_shell(running: Any) -> None:
    app = app_on(running)
    app.desk.read_only = True
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.desk.view.marks) == 64 and app.desk.node != "")
        await press(pilot, "S")
        assert "this view only reads: no ssh" in text(app)
        await press(pilot, "q")
    assert app.return_code == 0 and app.return_value is None


async def test_where_there_is_no_terminal_to_give_away_the_command_is_shown(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "S")
        assert "not from here; type: ssh -- 10.2.0.1" in text(app)
