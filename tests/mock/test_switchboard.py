"""The way from a simulated program to the simulator and back, without a cluster."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from bringup.mock.switchboard import Reply, Request, Switchboard


@pytest.fixture
def board(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A switchboard whose programs are called by `board.call(...)`; `board.seen` are the requests."""
    seen: list[Request] = []
    cancelled: list[str] = []

    async def answer(request: Request) -> Reply:
        seen.append(request)
        match request.tool:
            case "echo":
                return Reply(int(request.args[0]), stdout=request.args[1], stderr=request.args[2])
            case "hang":
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    cancelled.append(request.tool)
                    raise
            case "header":
                return Reply(stdout="a header\n", hangs=True)
        raise RuntimeError("this is a bug")

    class Board:
        def __init__(self) -> None:
            self.switchboard = Switchboard(tmp_path, answer)
            self.seen, self.cancelled = seen, cancelled
            self.bin = tmp_path / "nodes" / "7" / "bin"
            self.bin.mkdir(parents=True)
            for name in ("echo", "hang", "header", "bug"):
                (self.bin / name).write_text(self.switchboard.shim())
                (self.bin / name).chmod(0o755)
            self.switchboard.start()

        def call(self, tool: str, *args: str, timeout: float = 10, **options):  # type: ignore[no-untyped-def]
            return subprocess.run(
                [self.bin / tool, *args], capture_output=True, timeout=timeout, check=False, **options
            )

        def files(self) -> list[str]:
            return [file.name for file in (tmp_path / "answers").iterdir()]

    made = Board()
    yield made
    made.switchboard.close()


def until(what, seconds: float = 3.0) -> bool:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(what())


def test_status_and_both_streams_come_back(board):  # type: ignore[no-untyped-def]
    done = board.call("echo", "3", "out\n", "err\n", cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    request = board.seen[0]
    assert (request.tool, request.args, request.cwd, Path(request.node).name) == (
        "echo",
        ("3", "out\n", "err\n"),
        "/",
        "7",
    )
    assert board.files() == []


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_any_text_survives_in_every_shell(board, shell):  # type: ignore[no-untyped-def]
    text = 'it\'s "quoted" $HOME `id` \\n %s %% \x1b[1m\ttab\n\nüñ\nno newline at the end'
    long = text * 3000
    for said in (text, long, "", "-n", "'"):
        words = [*shell.split(), str(board.bin / "echo"), "0", "x", said]
        try:
            done = subprocess.run(words, capture_output=True, timeout=10, check=False)
        except FileNotFoundError:
            pytest.skip(f"{shell} is not installed")
        except OSError:
            continue  # longer than this machine's command lines may be
        assert (done.returncode, done.stderr.decode()) == (0, said)


def test_long_answers_leave_no_file(board):  # type: ignore[no-untyped-def]
    text = "line of an answer\n" * 50_000
    env = {**os.environ}
    script = f'{board.bin}/echo 0 "$(yes "line of an answer" | head -5000)" ""'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, env=env, check=False)
    assert done.stdout.decode() == text[: 5000 * 18 - 1]
    assert until(lambda: board.files() == [])


def test_variables_that_matter_are_passed_on(board):  # type: ignore[no-untyped-def]
    board.call(
        "echo", "0", "", "", env={**os.environ, "NCCL_IB_HCA": "=mlx5_0,mlx5_1", "SIMULATED_ROOT": "1"}
    )
    assert (board.seen[0].env, board.seen[0].as_root) == ({"NCCL_IB_HCA": "=mlx5_0,mlx5_1"}, True)


def test_many_calls_at_once_are_not_mixed_up(board):  # type: ignore[no-untyped-def]
    answers: dict[int, bytes] = {}

    def one(n: int) -> None:
        answers[n] = board.call("echo", "0", f"answer {n}" * 200, "").stdout

    threads = [threading.Thread(target=one, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {n: (f"answer {n}" * 200).encode() for n in range(40)}
    assert board.files() == []


def test_a_killed_program_is_forgotten(board):  # type: ignore[no-untyped-def]
    with subprocess.Popen([board.bin / "hang"], start_new_session=True) as process:
        assert until(lambda: board.seen)
        os.killpg(process.pid, signal.SIGKILL)
    assert until(lambda: board.cancelled == ["hang"])
    assert board.call("echo", "0", "still there", "").stdout == b"still there"


def test_a_program_killed_before_it_listens_is_forgotten(board, tmp_path):  # type: ignore[no-untyped-def]
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
    dead = process.pid
    os.mkfifo(tmp_path / "answers" / str(dead))
    (tmp_path / "answers" / f"{dead}.q").write_text("x")
    (tmp_path / "requests").write_text(f"{dead}\n")
    assert until(lambda: board.files() == [])
    assert board.seen == []


def test_nonsense_on_the_request_line_harms_nobody(board, tmp_path):  # type: ignore[no-untyped-def]
    (tmp_path / "requests").write_text("\n../../etc/passwd\n\0\n12x\n")
    assert board.call("echo", "0", "fine", "").stdout == b"fine"
    assert board.switchboard.errors == []


def test_a_fifo_left_by_an_earlier_process_of_that_number_is_no_trouble(board, tmp_path):  # type: ignore[no-untyped-def]
    script = f'mkfifo {tmp_path}/answers/$$; exec {board.bin}/echo 0 fine ""'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, timeout=10, check=False)
    assert done.stdout == b"fine"


def test_a_program_that_hangs_may_print_first(board):  # type: ignore[no-untyped-def]
    with subprocess.Popen([board.bin / "header"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"a header\n"
        assert process.poll() is None
        process.kill()


def test_a_bug_is_told_and_kept(board):  # type: ignore[no-untyped-def]
    done = board.call("bug", "with", "arguments")
    assert done.returncode == 70 and b"bug in the simulated bug" in done.stderr
    assert len(board.switchboard.errors) == 1 and "RuntimeError: this is a bug" in board.switchboard.errors[0]


def test_close_ends_waiting_programs(tmp_path):  # type: ignore[no-untyped-def]
    asked: list[Request] = []

    async def answer(request: Request) -> Reply:
        asked.append(request)
        await asyncio.Event().wait()
        raise AssertionError

    board = Switchboard(tmp_path, answer)
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text(board.shim())
    tool.chmod(0o755)
    board.start()
    with subprocess.Popen([tool]) as process:
        assert until(lambda: asked)
        board.close()
        assert process.wait(5) == 255
