"""Commands that ask for root's rights, as a user who may use sudo and as one who may not."""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support.answers import alive, eventually, run
from support.sshd import Sshd, program

from bringup.commands import Command, Ended
from bringup.transport import Connection, connect


@pytest.fixture(scope="module")
def sudoer(shell_users: dict[str, str]) -> Iterator[str]:
    """A user who may do everything without a password."""
    program("sudo")
    folder = Path("/etc/sudoers.d")
    if not folder.is_dir():
        pytest.skip("NO /etc/sudoers.d: sudo is not tested here")
    user = shell_users["bash"]
    rule = folder / f"bringup-test-{uuid.uuid4().hex[:8]}"
    direct = shell_users[
        "tcsh"
    ]  # for this one sudo does not stay as a parent, so its processes are root's alone
    rule.write_text(
        f"{user},{direct} ALL=(ALL) NOPASSWD: ALL\nDefaults:{direct} !pam_session, !pam_setcred, !use_pty\n"
    )
    rule.chmod(0o440)
    yield user
    rule.unlink()


@pytest.fixture
def may(sshd: Sshd, sudoer: str) -> Iterator[Connection]:
    node = sshd.node(user=sudoer, root="/given root", env=(("SECRET", "it's 1"),))
    with closing(connect(node, sshd.options())) as connection:
        yield connection


@pytest.fixture
def may_not(sshd: Sshd, sudoer: str, shell_users: dict[str, str]) -> Iterator[Connection]:
    with closing(connect(sshd.node(user=shell_users["zsh"]), sshd.options())) as connection:
        yield connection


def test_root_only_where_asked_for(may: Connection) -> None:
    script = "id -u; id -u >&2; exit 3"
    outputs = run(may, Command(script, root=True), Command(script))
    assert (outputs[0].text, outputs[0].error_text, outputs[0].status, outputs[0].as_root) == (
        "0\n",
        "0\n",
        3,
        True,
    )
    assert outputs[1].text == outputs[1].error_text != "0\n"
    assert not outputs[1].as_root


def test_root_sees_the_same_surroundings(may: Connection) -> None:
    script = 'echo "$ROOT:$LC_ALL:$TERM:$COLUMNS:$SECRET"; pwd; echo "$TMP"; echo "$TMPDIR"; cat'
    script += "; tr '\\0' '\\n' </proc/$PPID/cmdline | grep -c 'it[^.]s 1'"
    out = run(may, Command(script, root=True))[0]
    first, *places, secrets_in_argv = out.text.splitlines()
    assert first == "/given root:C:dumb:500:it's 1"
    assert len(set(places)) == 1
    assert secrets_in_argv == "0"


def test_who_may_not_runs_it_plainly(may_not: Connection) -> None:
    outputs = run(
        may_not, Command("id -u; echo x >&2; exit 4", root=True), Command("echo", root=True, alone=True)
    )
    assert outputs[0].text != "0\n"
    assert (outputs[0].error_text, outputs[0].status, outputs[0].as_root) == ("x\n", 4, False)
    assert (outputs[1].text, outputs[1].as_root) == ("\n", False)


def test_a_hanging_root_command_is_killed(may: Connection, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    script = f"trap '' TERM; echo here; echo $$ >'{tmp_path}/pid'; setsid sleep 604 & sleep 605; sleep 606"
    out = run(may, Command(script, root=True, timeout_s=1))[0]
    assert (out.ended, out.text, out.as_root) == (Ended.TIMEOUT, "here\n", True)
    pid = int((tmp_path / "pid").read_text())
    assert not alive(pid)
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if _text(p) in ("sleep 604", "sleep 605")]


def test_what_root_left_in_the_scratch_directory_is_removed(may: Connection) -> None:
    out = run(may, Command('mkdir -p "$TMP/a/b"; echo x >"$TMP/a/b/c"; echo "$TMP"', root=True))[0]
    assert not Path(out.text.strip()).parent.exists()


def test_a_process_that_cannot_be_killed_does_not_hide_the_others(
    sshd: Sshd, sudoer: str, shell_users: dict[str, str], tmp_path: Path
) -> None:
    """Root's process, started behind our back, stands for one that waits inside a driver."""
    tmp_path.chmod(0o777)
    script = f"echo partial; exec sudo -n sh -c 'echo $$ >{tmp_path}/pid; exec sleep 607'"
    with closing(connect(sshd.node(user=shell_users["tcsh"]), sshd.options())) as connection:
        outputs = run(connection, Command(script, timeout_s=1), Command("echo fine"))
    pid = int((tmp_path / "pid").read_text())
    try:
        assert (outputs[0].ended, outputs[0].text) == (Ended.TIMEOUT, "partial\n")
        assert outputs[0].detail == "does not die, not even by SIGKILL"
        assert outputs[0].seconds < 8
        assert (outputs[1].ended, outputs[1].text) == (Ended.EXITED, "fine\n")
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: not alive(pid))


def test_no_sudo_at_all(sshd: Sshd, shell_users: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("sudo"):
        tmp_path.chmod(0o755)
        hidden = tmp_path / "sudo"
        hidden.write_text("#!/bin/sh\necho sudo: a password is required >&2\nexit 1\n")
        hidden.chmod(0o755)
    node = sshd.node(user=shell_users["zsh"], path=(str(tmp_path),))
    with closing(connect(node, sshd.options())) as connection:
        out = run(connection, Command("echo plain", root=True))[0]
    assert (out.text, out.error_text, out.as_root) == ("plain\n", "", False)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""
