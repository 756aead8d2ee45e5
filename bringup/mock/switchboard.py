"""Connects simulated programs with the simulator, without starting Python for each call.

Every simulated program is one tiny sh script. It makes a fifo named by its process id, leaves its arguments in a
file beside it, rings the simulator through the one request fifo, and then sources its own fifo: the answer is sh
text. All calls are answered in one asyncio loop in one thread, so tools may wait for each other, and nothing that
they touch needs a lock. A call whose program has been killed is cancelled.
"""

from __future__ import annotations

import asyncio
import os
import select
import shlex
import shutil
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_SEPARATOR = "\037"
_WATCH_S = 0.1
_ANSWER_WAITS_S = 120.0
_INLINE_BYTES = 4096
_PASSED_ON = ("CUDA_VISIBLE_DEVICES", "NCCL_DEBUG", "NCCL_IB_HCA", "NCCL_TESTS_SPLIT")

_SHIM = """#!/bin/sh
# A simulated program: asks the simulator and repeats its answer.
umask 077
a={answers}/$$
{mkfifo} "$a" 2>/dev/null || {{ {rm} -f "$a"; {mkfifo} "$a" || exit 126; }}
printf '%s\\037' "${{0%/bin/*}}" "${{0##*/}}" "${{SIMULATED_ROOT:-0}}" "$PWD" {passed} "$@" >"$a.q"
echo $$ >{requests}
. "$a"
exit 255
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a simulated program. `node` is the folder that it was started from."""

    node: str
    tool: str
    as_root: bool
    cwd: str
    env: dict[str, str]
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the program answers. With `hangs` it prints its text and then never ends."""

    status: int = 0
    stdout: str = ""
    stderr: str = ""
    hangs: bool = False


Answer = Callable[[Request], Awaitable[Reply]]


class Switchboard:
    """The thread that answers simulated programs. `errors` holds the traceback of every bug met while answering."""

    def __init__(self, folder: Path, answer: Answer) -> None:
        self._answers = folder / "answers"
        self._requests = folder / "requests"
        self._answer = answer
        self._lines: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._rings = b""
        self.errors: list[str] = []
        self._answers.mkdir(mode=0o700)
        os.mkfifo(self._requests, 0o600)
        self._fd = os.open(self._requests, os.O_RDWR | os.O_NONBLOCK)

    def shim(self) -> str:
        """The text of every simulated program."""
        return _SHIM.format(
            answers=self._answers,
            requests=self._requests,
            mkfifo=shutil.which("mkfifo"),
            rm=shutil.which("rm"),
            passed=" ".join(f'"${{{name}-}}"' for name in _PASSED_ON),
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T], timeout_s: float = 600.0) -> T:
        """Run `work` in the simulator's thread and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def close(self) -> None:
        """Stop answering; calls that are still waiting end with status 255."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        os.close(self._fd)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self._fd, self._rung)
        watch = self._loop.create_task(self._watch())
        self._loop.run_forever()
        self._loop.remove_reader(self._fd)
        left = [watch, *self._tasks]
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    def _rung(self) -> None:
        """Read the process ids of waiting programs; each wrote one short line, which is atomic."""
        *lines, self._rings = (self._rings + os.read(self._fd, 65536)).split(b"\n")
        for line in lines:
            if line.isdigit():
                task = self._loop.create_task(self._serve(int(line)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, pid: int) -> None:
        fifo = self._answers / str(pid)
        fd = await self._reach(fifo, pid)
        if fd is None:
            return
        task = asyncio.current_task()
        assert task is not None
        self._lines[fd] = task
        try:
            request = _request(fifo.with_name(f"{pid}.q"))
            reply = await self._answered(request)
            await self._send(fd, self._script(reply, pid))
            if reply.hangs:
                await asyncio.Event().wait()
        except BrokenPipeError:
            pass  # the program was killed while it was being answered
        finally:
            del self._lines[fd]
            os.close(fd)

    async def _reach(self, fifo: Path, pid: int) -> int | None:
        """Open the program's fifo for writing as soon as it reads; None when it died before that."""
        pause, until = 0.0003, time.monotonic() + _ANSWER_WAITS_S
        while True:
            try:
                fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                if time.monotonic() > until or not _alive(pid):
                    fifo.with_name(f"{pid}.q").unlink(missing_ok=True)
                    fifo.unlink(missing_ok=True)
                    return None
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.05)
            else:
                fifo.unlink(missing_ok=True)
                return fd

    async def _answered(self, request: Request) -> Reply:
        try:
            return await self._answer(request)
        except Exception:  # noqa: BLE001  a bug of one tool must not stop the others; it is told to the caller
            self.errors.append(f"{request.tool} {' '.join(request.args)}\n{traceback.format_exc()}")
            return Reply(status=70, stderr=f"bug in the simulated {request.tool}:\n{traceback.format_exc()}")

    def _script(self, reply: Reply, pid: int) -> bytes:
        """The answer as sh text. Long text goes through a file: a shell parses slowly, cat is fast."""
        parts: list[bytes] = []
        for text, where, suffix in ((reply.stderr, " >&2", "e"), (reply.stdout, "", "o")):
            raw = text.replace("\0", "").encode("utf-8", "surrogateescape")
            if len(raw) > _INLINE_BYTES:
                file = self._answers / f"{pid}.{suffix}"
                file.write_bytes(raw)
                parts.append(
                    f"{shutil.which('cat')} {file}{where}; {shutil.which('rm')} -f {file}\n".encode()
                )
            elif raw:
                quoted = shlex.quote(raw.decode("utf-8", "surrogateescape"))
                parts.append(f"printf %s {quoted}{where}\n".encode("utf-8", "surrogateescape"))
        if not reply.hangs:
            parts.append(f"exit {reply.status}\n".encode())
        return b"".join(parts)

    async def _send(self, fd: int, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.002)

    async def _watch(self) -> None:
        """Cancel the calls of programs that no longer read their fifo."""
        while True:
            await asyncio.sleep(_WATCH_S)
            poll = select.poll()
            for fd in self._lines:
                poll.register(fd, 0)
            for fd, _ in poll.poll(0):
                self._lines[fd].cancel()


def _request(file: Path) -> Request:
    node, tool, root, cwd, *rest = file.read_bytes().decode("utf-8", "surrogateescape").split(_SEPARATOR)
    file.unlink()
    env = dict(zip(_PASSED_ON, rest, strict=False))
    return Request(
        node=node,
        tool=tool,
        as_root=root == "1",
        cwd=cwd,
        env={name: value for name, value in env.items() if value},
        args=tuple(rest[len(_PASSED_ON) : -1]),
    )


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
