"""The numbers of processes are given again: what ours had may be somebody else's by now."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.answers import Answers, eventually
from support.sshd import free_port

from bringup.commands import Command
from bringup.transport.local import LocalConnection

Local = Callable[..., LocalConnection]

_LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
_ALONE = "BRINGUP_TEST_ALONE"


def test_it_is_not_killed(local: Local, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The look-out for a server's port ends when the port listens; long after, another process may have its number.

    Plays in a PID namespace of its own: elsewhere any other test may be given that number first.
    """
    if not os.environ.get(_ALONE):
        _play_alone(request, tmp_path / "alone")
        return
    port, over = free_port(), tmp_path / "over"
    script = f"""python3 -c '
import os, socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
time.sleep(1.5); s.bind(("127.0.0.1", {port})); s.listen()
while not os.path.exists("{over}"): time.sleep(0.05)'"""
    answers = Answers()
    running = threading.Thread(
        target=local().execute, args=([Command(script, listens=port, timeout_s=60)], answers)
    )
    running.start()
    look_out: list[int] = []
    assert eventually(lambda: bool(look_out.extend(_look_outs(str(over))) or look_out))
    answers.wait(lambda: answers.ready == [0])
    assert eventually(lambda: not Path(f"/proc/{look_out[0]}").exists())
    stranger = _process_with(look_out[0])
    try:
        over.touch()
        running.join(20)
        assert answers.outputs[0].status == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def _play_alone(request: pytest.FixtureRequest, folder: Path) -> None:
    """The same test, by a pytest in a PID namespace of its own. A shell is its first process: it reaps orphans."""
    enter = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*enter, "true"], capture_output=True).returncode:
        pytest.skip("needs root and util-linux' unshare, for a PID namespace where it can choose numbers")
    pytest_there = f'"{sys.executable}" -m pytest -q -n 0 -p no:cacheprovider "$@"; exit $?'
    played = subprocess.run(
        [*enter, "sh", "-c", pytest_there, "sh", f"--basetemp={folder}", request.node.nodeid],
        cwd=request.config.rootpath,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}, _ALONE: "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "1 passed" in played.stdout


def _look_outs(word: str) -> list[int]:
    """The siblings of the command whose text holds the word, in its worker: the look-out for its port."""
    own: dict[int, tuple[int, int]] = {}
    servers = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ppid, group = map(int, (folder / "stat").read_text().rsplit(")", 1)[1].split()[1:3])
            own[int(folder.name)] = (ppid, group)
            if (
                word.encode() in (folder / "cmdline").read_bytes()
                and b"-s\0" not in (folder / "cmdline").read_bytes()
            ):
                servers.append(group)
    workers = {own[group][0] for group in servers if group in own}
    return [pid for pid, (ppid, group) in own.items() if ppid in workers and group not in servers]


def _process_with(pid: int) -> subprocess.Popen[bytes]:
    """A process with this number: the kernel counts on from the last one given."""
    for _ in range(20):  # the command under test starts processes too, one at a time
        _LAST_PID.write_text(str(pid - 1))
        process = subprocess.Popen(["sleep", "60"])
        if process.pid == pid:
            return process
        process.kill()
        process.wait()
    raise AssertionError(f"no process got the number {pid}")
