"""Helpers for tests that run bundles: a sink that remembers, and a look at what is left on the machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from bringup.commands import Command, Output
from bringup.transport import Cancel, Connection, Ready


class Answers:
    """A sink. Events are kept in the order in which they came, with the seconds since the beginning."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.events: list[tuple[int, Output | Ready]] = []
        self.times: list[float] = []
        self._lock = threading.Condition()

    def __call__(self, index: int, event: Output | Ready) -> None:
        with self._lock:
            self.events.append((index, event))
            self.times.append(time.monotonic() - self.began)
            self._lock.notify_all()

    @property
    def outputs(self) -> dict[int, Output]:
        """The outputs by index. Fails if a command has two."""
        found: dict[int, Output] = {}
        for index, event in self.events:
            if isinstance(event, Output):
                assert index not in found, f"two outputs for command {index}"
                found[index] = event
        return dict(sorted(found.items()))

    @property
    def order(self) -> list[int]:
        """The indexes in the order in which they ended."""
        return [index for index, event in self.events if isinstance(event, Output)]

    @property
    def ready(self) -> list[int]:
        """The indexes that were reported as listening."""
        return [index for index, event in self.events if isinstance(event, Ready)]

    def wait(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        """Until the condition holds, looked at after every event."""
        with self._lock:
            assert self._lock.wait_for(condition, seconds), f"waited {seconds} s in vain: {self.events}"


def run(
    connection: Connection, *commands: Command, lanes: int = 4, cancel: Cancel | None = None
) -> dict[int, Output]:
    """All outputs of the commands, of which none may be missing."""
    answers = Answers()
    connection.execute(commands, answers, lanes=lanes, cancel=cancel)
    assert sorted(answers.outputs) == list(range(len(commands)))
    return answers.outputs


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has fetched does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def processes_with(text: str) -> list[str]:
    """The command lines of processes whose environment holds this text, without zombies."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (folder / "environ").read_bytes():
                found.append(
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                )
        except OSError:
            continue
    return found
