"""Bundles on this machine: cancelling, closing, and everybody who may be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.answers import Answers, alive, eventually, processes_with, run

from bringup.commands import Command, Ended, Output
from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport import Cancel, Options, Ready, connect
from bringup.transport.bundle import Bundle
from bringup.transport.drive import run_bundle
from bringup.transport.local import LocalConnection, PipeLink

Local = Callable[..., LocalConnection]


class _Running:
    """A bundle of one command that never ends by itself, running in a thread."""

    def __init__(self, connection: LocalConnection, tmp_path: Path, cancel: Cancel | None = None) -> None:
        self.answers = Answers()
        self.pid_file = tmp_path / "pid"
        script = f"trap '' HUP; echo $$ >'{self.pid_file}.new'; mv '{self.pid_file}.new' '{self.pid_file}'; sleep 600"
        commands = [Command(script, timeout_s=600), Command("echo quick")]
        self.thread = threading.Thread(
            target=connection.execute, args=(commands, self.answers), kwargs={"cancel": cancel}, daemon=True
        )
        self.thread.start()
        self.answers.wait(lambda: 1 in self.answers.outputs)
        assert eventually(self.pid_file.exists)

    @property
    def command_pid(self) -> int:
        return int(self.pid_file.read_text())

    @property
    def main_shell(self) -> int:
        """The shell that runs the bundle: the leader of its session, an ancestor of the command."""
        pid = self.command_pid
        while True:
            parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == os.getpid():
                return pid
            pid = parent

    def end(self, seconds: float = 10) -> float:
        """Wait for `execute` to return; how long that took."""
        began = time.monotonic()
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        return time.monotonic() - began


def test_cancel_answers_at_once_and_returns_when_the_node_is_clean(local: Local, tmp_path: Path) -> None:
    cancel = Cancel()
    running = _Running(local(), tmp_path, cancel)
    pid, began = running.command_pid, time.monotonic()
    cancel.set()
    running.answers.wait(lambda: 0 in running.answers.outputs, 5)
    running.end()
    assert not alive(pid)
    assert time.monotonic() - began < 8
    out = running.answers.outputs[0]
    assert (out.ended, out.status, out.detail) == (Ended.CANCELLED, None, "cancelled")


@pytest.mark.parametrize("shell", ["/bin/sh"])
def test_a_cancelled_command_that_ignores_it_is_killed(local: Local, tmp_path: Path) -> None:
    cancel, answers = Cancel(), Answers()
    stubborn = Command(f"trap '' TERM; echo $$ >'{tmp_path}/pid'; while :; do sleep 1; done", timeout_s=600)
    thread = threading.Thread(target=local().execute, args=([stubborn], answers), kwargs={"cancel": cancel})
    thread.start()
    assert eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    cancel.set()
    thread.join(15)
    assert not thread.is_alive()
    assert not alive(int((tmp_path / "pid").read_text()))


def test_cancel_before_the_start_runs_nothing(local: Local, tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.set()
    out = run(local(), Command(f"touch '{tmp_path}/ran'"), cancel=cancel)[0]
    assert out.ended is Ended.CANCELLED
    assert not (tmp_path / "ran").exists()


def test_close_ends_what_runs(local: Local, tmp_path: Path) -> None:
    connection = local()
    running = _Running(connection, tmp_path)
    connection.close()
    running.end()
    assert running.answers.outputs[0].detail == "connection lost: the connection was closed here"
    assert eventually(lambda: not alive(running.command_pid), 9)
    out = run(connection, Command("true"))[0]
    assert (out.ended, out.detail) == (Ended.LOST, "connection lost: the connection is closed")


def test_the_main_shell_is_killed(local: Local, tmp_path: Path) -> None:
    running = _Running(local(), tmp_path)
    pid = running.command_pid
    os.kill(running.main_shell, signal.SIGKILL)
    running.end()
    out = running.answers.outputs[0]
    assert (out.ended, out.detail) == (Ended.LOST, "connection lost: the shell was killed by signal 9")
    assert eventually(lambda: not alive(pid), 9)


def test_the_whole_session_is_asked_to_end(local: Local, tmp_path: Path) -> None:
    """As logind does when it ends the sessions of a user. The watcher still cleans up (see `clean_machine`)."""
    running = _Running(local(), tmp_path)
    pid = running.command_pid
    os.killpg(running.main_shell, signal.SIGTERM)
    running.end()
    assert running.answers.outputs[0].detail == "connection lost: the shell was killed by signal 15"
    assert eventually(lambda: not alive(pid), 9)


@pytest.mark.parametrize("shell", ["/bin/sh"])
def test_the_main_shell_is_stopped_for_good(local: Local, tmp_path: Path) -> None:
    """SIGSTOP looks like a node that hangs: no sign of life comes any more."""
    running = _Running(local(silence_s=2), tmp_path)
    os.kill(running.main_shell, signal.SIGSTOP)
    assert running.end(20) < 9  # later it would be the driver's last resort that has ended it
    assert running.answers.outputs[0].detail == "connection lost: no sign of life for 2 s"


@pytest.mark.parametrize("shell", ["/bin/sh"])
def test_a_long_command_gives_signs_of_life(shell: str, clean_machine: Path) -> None:
    answers = Answers()
    bundle = Bundle(Node("n"), (Command("sleep 2.2; echo done"),), shell=shell, beat_s=1)
    run_bundle(bundle, lambda take: PipeLink(bundle, take), answers, None, 1.9)
    assert (answers.outputs[0].ended, answers.outputs[0].text) == (Ended.EXITED, "done\n")


_CLIENT = """
import sys
from bringup.commands import Command
from bringup.model import Node
from bringup.transport import Options
from bringup.transport.local import LocalConnection
script = "echo $$ >" + sys.argv[2] + "; setsid sleep 601 & trap '' TERM HUP; sleep 602; sleep 603"
connection = LocalConnection(Node("n"), Options(), shell=sys.argv[1])
connection.execute([Command(script, timeout_s=600)], lambda index, event: None)
"""


def test_the_orchestrator_is_killed(shell: str, clean_machine: Path, tmp_path: Path) -> None:
    """`clean_machine` looks for what is left; here the clock runs."""
    pid_file = tmp_path / "pid"
    client = subprocess.Popen([sys.executable, "-c", _CLIENT, shell, str(pid_file)])
    assert eventually(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), 10)
    mark = f"BRINGUP_TEST={os.environ['BRINGUP_TEST']}"
    assert len(processes_with(mark)) > 4
    client.kill()
    client.wait()
    began = time.monotonic()
    assert eventually(lambda: not processes_with(mark) and not list(clean_machine.iterdir()), 12)
    assert time.monotonic() - began < 10


def test_a_sink_that_raises_ends_the_bundle(local: Local) -> None:
    def sink(index: int, event: Output | Ready) -> None:
        raise RuntimeError("the sink is full")

    with pytest.raises(RuntimeError, match="the sink is full"):
        local().execute([Command("true"), Command("sleep 600", timeout_s=600)], sink)


def test_nothing_to_do(local: Local) -> None:
    answers = Answers()
    local().execute([], answers)
    assert answers.events == []


def test_no_shell_there() -> None:
    connection = LocalConnection(Node("n"), Options(), shell="/nonexistent/sh")
    out = run(connection, Command("true"))[0]
    assert (out.ended, out.detail) == (
        Ended.LOST,
        "no usable shell: /nonexistent/sh: No such file or directory",
    )
    connection.close()


def test_a_shell_that_only_repeats_what_it_is_sent() -> None:
    """The script may hold secrets of the inventory, so none of it is quoted."""
    connection = LocalConnection(Node("n"), Options(silence_s=1), shell="/bin/cat")
    out = run(connection, Command("true"))[0]
    assert (out.ended, out.detail) == (
        Ended.LOST,
        "no usable shell: no sign of life for 1 s (it repeats what is sent to it)",
    )
    connection.close()


def test_a_program_that_is_no_shell() -> None:
    connection = LocalConnection(Node("n"), Options(), shell="/bin/false")
    out = run(connection, Command("true"))[0]
    assert (out.ended, out.detail) == (Ended.LOST, "no usable shell: the shell ended with status 1")
    connection.close()


def test_connect_picks_by_the_node(clean_machine: Path) -> None:
    connection = connect(Node("n", connection="local"), Options())
    assert isinstance(connection, LocalConnection)
    assert run(connection, Command("echo here"))[0].text == "here\n"
    connection.close()
    with pytest.raises(ValueError, match="connection is 'telnet'"):
        connect(Node("n", connection="telnet"), Options())


def test_transport_error_says_its_kind() -> None:
    assert str(TransportError(LostKind.REFUSED, "x")) == "connection refused: x"
