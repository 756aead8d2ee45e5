"""The compound script for real, in every shell that may be /bin/sh on a node."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.answers import Answers, eventually, run
from support.sshd import free_port

from bringup.commands import Command, Ended, Output
from bringup.transport import Cancel, Ready
from bringup.transport.local import LocalConnection

Local = Callable[..., LocalConnection]

in_one_shell = pytest.mark.parametrize(
    "shell", ["busybox sh"]
)  # what takes long and does not hang on the shell


def test_streams_status_and_clock(local: Local) -> None:
    began = time.time()
    out = run(local(), Command("echo out; echo err >&2; sleep 0.3; exit 3"))[0]
    assert (out.node, out.ended, out.status, out.stdout, out.stderr) == (
        "here",
        Ended.EXITED,
        3,
        b"out\n",
        b"err\n",
    )
    assert 0.28 <= out.seconds < 5
    assert began <= out.at <= time.time()
    assert not out.truncated
    assert out.detail == ""
    assert out.as_root == (os.geteuid() == 0)


def test_bytes_come_back_exactly(local: Local) -> None:
    scripts = {
        "printf 'no end of line'": b"no end of line",
        r"printf 'a\000b\377\n\n'": b"a\0b\xff\n\n",
        "printf '%s' '-n'": b"-n",
        "printf '\\\\c'": b"\\c",
        "true": b"",
        'echo "it\'s; $((1+1)) `echo x` \\$HOME"': b"it's; 2 x $HOME\n",
        "cat <<'END'\nhere $doc\nEND": b"here $doc\n",
        "-nonsense": b"",
    }
    outputs = run(local(), *map(Command, scripts))
    assert [o.stdout for o in outputs.values()] == list(scripts.values())
    assert outputs[7].status == 127


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=6))
def test_any_bytes_survive(local: Local, tmp_path: Path, parts: list[bytes]) -> None:
    commands = []
    for number, part in enumerate(parts):
        (tmp_path / f"bytes.{number}").write_bytes(part)
        commands.append(Command(f"cat '{tmp_path}/bytes.{number}'; cat '{tmp_path}/bytes.0' >&2"))
    outputs = run(local(), *commands)
    assert [outputs[i].stdout for i in range(len(parts))] == parts
    assert {o.stderr for o in outputs.values()} == {parts[0]}


def test_eight_megabytes_on_both_streams(local: Local) -> None:
    flood = "yes 123456789012345 | head -c 8000000"
    command = Command(f"{flood}; {flood} >&2; exit 5", max_bytes=9_000_000)
    out = run(local(), command)[0]
    assert (out.ended, out.status, out.truncated) == (Ended.EXITED, 5, False)
    assert out.stdout == out.stderr == b"123456789012345\n" * 500_000


def test_more_than_the_cap_is_cut_and_marked(local: Local) -> None:
    outputs = run(
        local(),
        Command("printf 1234567890", max_bytes=10),
        Command("printf 12345678901", max_bytes=10),
        Command("printf 12345678901 >&2; echo ok", max_bytes=10),
    )
    assert [(o.stdout, o.stderr, o.truncated, o.status) for o in outputs.values()] == [
        (b"1234567890", b"", False, 0),
        (b"1234567890", b"", True, 0),
        (b"ok\n", b"1234567890", True, 0),
    ]


@in_one_shell
def test_a_mad_tool_is_stopped_before_the_disk_is_full(local: Local) -> None:
    out = run(local(), Command("yes", timeout_s=30, max_bytes=100))[0]
    assert (out.ended, out.status, out.truncated, len(out.stdout)) == (Ended.EXITED, 137, True, 100)
    assert out.detail == "killed: more than 67108864 bytes of output"
    assert out.seconds < 10


def test_missing_programs_are_named_and_the_command_is_not_run(local: Local, tmp_path: Path) -> None:
    command = Command(f"touch '{tmp_path}/ran'", needs=("sh", "no-such-tool", "cat", "nor-this"))
    out = run(local(), command)[0]
    assert (out.ended, out.status, out.detail) == (Ended.MISSING, None, "no-such-tool nor-this")
    assert not (tmp_path / "ran").exists()


def test_hanging_commands_and_what_leaves_its_group(local: Local, clean_machine: Path) -> None:
    """All at once, since each takes its time. `clean_machine` fails if one of the processes stays."""
    outputs = run(
        local(),
        Command("echo partial; exec sleep 60", timeout_s=0.9),
        Command("trap '' TERM; echo stubborn; sleep 61; sleep 62", timeout_s=0.9),
        Command("sleep 63 & echo left behind"),
        Command("setsid sleep 64 >/dev/null 2>&1 & exit 0"),
        Command("(setsid sh -c 'sleep 65 & exit' >/dev/null 2>&1 &) ; exec sleep 66", timeout_s=0.9),
        Command("echo fine"),
        lanes=6,
    )
    assert [(o.ended, o.status, o.stdout) for o in outputs.values()] == [
        (Ended.TIMEOUT, None, b"partial\n"),
        (Ended.TIMEOUT, None, b"stubborn\n"),
        (Ended.EXITED, 0, b"left behind\n"),
        (Ended.EXITED, 0, b""),
        (Ended.TIMEOUT, None, b""),
        (Ended.EXITED, 0, b"fine\n"),
    ]
    assert 0.8 < outputs[0].seconds < 15
    assert 1.8 < outputs[1].seconds < 15


def test_a_background_child_that_keeps_the_streams_does_not_hold_the_answer(local: Local) -> None:
    out = run(local(), Command("setsid sleep 60 & echo done"))[0]
    assert (out.ended, out.stdout) == (Ended.EXITED, b"done\n")
    assert out.seconds < 5


def test_answers_come_in_the_order_in_which_commands_end_and_none_waits_for_a_slow_one(local: Local) -> None:
    """Those that end within a second of the node's clock come together."""
    answers = Answers()
    commands = [Command("sleep 2.5"), Command("sleep 0.4"), Command("true")]
    local().execute(commands, answers)
    assert answers.order == [2, 1, 0]
    assert answers.times[2] > answers.times[1] + 0.9


@in_one_shell
def test_all_that_is_known_is_told_before_a_lonely_command_begins(local: Local) -> None:
    """It may be the one that takes the node down."""
    answers = Answers()
    local().execute([Command("sleep 0.6", alone=True), Command("true")], answers)
    assert answers.order == [1, 0]
    assert answers.times[1] > answers.times[0] + 0.5


@in_one_shell
def test_what_had_ended_when_all_was_called_off_is_no_cancelled_command(local: Local) -> None:
    """Its answer may still lie on the node, with others that it was to travel with."""
    answers, cancel = Answers(), Cancel()
    threading.Timer(0.5, cancel.set).start()
    local().execute([Command("echo done; exit 3"), Command("sleep 60")], answers, cancel=cancel)
    assert {i: (o.ended, o.status, o.stdout) for i, o in answers.outputs.items()} == {
        0: (Ended.EXITED, 3, b"done\n"),
        1: (Ended.CANCELLED, None, b""),
    }


def test_a_full_disk_costs_no_answer_that_was_written(
    local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers fill the disk to the last block: what no longer fits beside them is sent as it lies."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs root, to mount a small tmpfs")
    try:
        monkeypatch.setenv("TMPDIR", str(small))
        big = "head -c 60000 /dev/zero | tr '\\0' {}"
        commands = [Command(big.format(n)) for n in range(7)]
        outputs = run(local(), *commands, Command("df -k . | tail -n 1 && ls .."), lanes=1)
        assert [outputs[n].stdout for n in range(7)] == [str(n).encode() * 60000 for n in range(7)]
        assert {o.status for o in outputs.values()} == {0}, outputs
        assert not list(small.iterdir())
    finally:
        # The clock's `sleep` has its working directory there for up to a second more.
        assert eventually(lambda: subprocess.run(["umount", str(small)], capture_output=True).returncode == 0)


@in_one_shell
def test_lanes_limit_what_runs_at_once(local: Local, tmp_path: Path) -> None:
    probe = f"touch '{tmp_path}'/up.$$; ls '{tmp_path}' | grep -c up; sleep 0.1; rm '{tmp_path}'/up.$$"
    for lanes in (1, 3):
        outputs = run(local(), *[Command(f"{probe} # {n}") for n in range(6)], lanes=lanes)
        assert max(int(o.text) for o in outputs.values()) <= lanes
        assert all(o.status == 0 for o in outputs.values())


@in_one_shell
def test_alone_means_that_nothing_runs_beside_it(local: Local, tmp_path: Path) -> None:
    probe = f"touch '{tmp_path}'/up.$$; sleep 0.2; ls '{tmp_path}' | grep -c up; rm '{tmp_path}'/up.$$"
    commands = [Command(f"{probe} # {n}", alone=n in (0, 3)) for n in range(5)]
    outputs = run(local(), *commands)
    assert (outputs[0].text, outputs[3].text) == ("1\n", "1\n")
    assert max(int(outputs[n].text) for n in (1, 2, 4)) > 1


def test_environment(local: Local, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "sample-tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho tool ran\n")
    tool.chmod(0o755)
    node = local(
        root="/host", path=(str(tool.parent),), env=(("ODD", "a'b \"$x\n`y`"), ("LC_ALL", "de_DE.UTF-8"))
    )
    outputs = run(
        node,
        Command('printf %s "$ODD"'),
        Command('echo "$ROOT $LC_ALL $TERM $COLUMNS"'),
        Command("sample-tool", needs=("sample-tool",)),
        Command('pwd; echo "$TMP"; echo "$TMPDIR"; echo x >"$TMP/file"; ls "$TMP"; umask'),
        Command("cat; readlink /proc/self/fd/0; ls /proc/self/fd | wc -l"),
    )
    assert outputs[0].text == "a'b \"$x\n`y`"
    assert outputs[1].text == "/host C dumb 500\n"
    assert outputs[2].text == "tool ran\n"
    where, tmp, tmpdir, listed, mask = outputs[3].text.split()
    assert where == tmp == tmpdir
    assert (listed, mask) == ("file", "0022")
    assert outputs[4].text == "/dev/null\n4\n"  # stdin, stdout, stderr and the folder that ls reads


def test_the_node_may_say_where_the_host_is_mounted(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRINGUP_ROOT", "/mounted host")
    assert run(local(), Command('printf %s "$ROOT"'))[0].text == "/mounted host"
    assert run(local(root="/given"), Command('printf %s "$ROOT"'))[0].text == "/given"


@pytest.mark.parametrize("shell", ["bash"])
def test_what_a_login_leaves_in_the_environment_does_no_harm(
    local: Local, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "t.0").mkdir()
    monkeypatch.setenv("TMOUT", "1")
    monkeypatch.setenv("CDPATH", str(tmp_path))
    monkeypatch.setenv("SHELLOPTS", "errexit:noclobber:noglob:nounset")
    monkeypatch.setenv("GREP_OPTIONS", "--color=always")
    out = run(local(), Command("pwd; setsid sleep 67 >/dev/null 2>&1 & sleep 1.5; false; echo $-"))[0]
    assert (out.ended, out.status) == (Ended.EXITED, 0)
    where, options = out.text.split()
    assert not where.startswith(str(tmp_path / "t.0"))
    assert not set("efuC") & set(options)


_LISTEN = """python3 -c '
import socket, time
s = socket.socket({family}); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
time.sleep(0.3); s.bind(("{address}", {port})); s.listen(); time.sleep({seconds})'"""


def test_ready_comes_when_the_port_listens(local: Local) -> None:
    """Two servers that would listen for long are cancelled when both are ready and the third has failed."""
    ports = [free_port(), free_port()]
    commands = [
        Command(
            _LISTEN.format(family=family, address=address, port=port, seconds=600),
            listens=port,
            timeout_s=600,
        )
        for port, family, address in zip(
            ports, ("socket.AF_INET", "socket.AF_INET6"), ("127.0.0.1", "::1"), strict=True
        )
    ]
    answers, cancel = Answers(), Cancel()

    def sink(index: int, event: Output | Ready) -> None:
        answers(index, event)
        if sorted(answers.ready) == [0, 1] and 2 in answers.outputs:
            cancel.set()

    local().execute([*commands, Command("exit 4", listens=free_port())], sink, cancel=cancel)
    assert {i: (o.ended, o.status) for i, o in answers.outputs.items()} == {
        0: (Ended.CANCELLED, None),
        1: (Ended.CANCELLED, None),
        2: (Ended.EXITED, 4),
    }
    for index in (0, 1):
        kinds = [type(event).__name__ for i, event in answers.events if i == index]
        assert kinds == ["Ready", "Output"]
    for port in ports:  # what is cancelled does not hold its port any more when `execute` returns
        socket.create_server(("", port)).close()


@in_one_shell
def test_a_port_that_somebody_else_holds_is_not_ready(local: Local) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        answers = Answers()
        local().execute([Command("sleep 0.3", listens=other.getsockname()[1])], answers)
    assert answers.ready == []


def test_a_frame_in_the_output_stays_output(local: Local) -> None:
    """The token is in the memory of the shell only, not in what a command can look up."""
    script = 'tr "\\0" "\\n" </proc/$PPID/environ; tr "\\0" "\\n" </proc/$PPID/cmdline; env; set'
    outputs = run(local(), Command(script), Command("echo 'x answer 1 exited 0 1 1 1 0 0 0 0'"))
    assert all(o.ended is Ended.EXITED for o in outputs.values())
    assert " answer " not in outputs[0].text


def test_forty_commands(local: Local) -> None:
    outputs = run(local(), *[Command(f"echo {n}; exit {n}") for n in range(40)])
    assert [(o.text, o.status) for o in outputs.values()] == [(f"{n}\n", n) for n in range(40)]


def test_a_syntax_error_is_its_own_command_s_trouble(local: Local) -> None:
    outputs = run(local(), Command("if then ("), Command("echo ok"))
    assert outputs[0].status == 2 or outputs[0].status == 1
    assert outputs[0].stderr != b""
    assert outputs[1].text == "ok\n"


@in_one_shell
def test_several_bundles_at_once_do_not_hurt_each_other(local: Local) -> None:
    connection = local()
    found: dict[int, list[tuple[Ended, str]]] = {}

    def one(number: int) -> None:
        outputs = run(connection, Command("exec sleep 60", timeout_s=1), Command(f"sleep 1.3; echo {number}"))
        found[number] = [(o.ended, o.text) for o in outputs.values()]

    threads = [threading.Thread(target=one, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {n: [(Ended.TIMEOUT, ""), (Ended.EXITED, f"{n}\n")] for n in range(3)}


def test_no_room_anywhere_is_said(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bin" / "mkfifo"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    out = run(local(path=(str(broken.parent),)), Command("true"))[0]
    assert out.ended is Ended.LOST
    assert out.detail.startswith("no usable shell: no directory to write to")
