"""Many nodes are worked on at once, but not all of them log in at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from bringup.commands import Command, Ended, Output
from bringup.fleet import Job, LocalFleet
from bringup.model import Node
from bringup.transport import Cancel, Options

ASK = Command("ask", "true\n", 5.0)


class Counted:
    """How many are inside at the same time, at most. With `wanted` everybody waits inside until so many have met."""

    def __init__(self, wanted: int = 0) -> None:
        self._lock = threading.Lock()
        self._met = threading.Event()
        self._wanted = wanted
        self.now = self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now >= self._wanted:
                self._met.set()
        assert self._met.wait(30)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def test_logins_are_few_and_work_is_wide() -> None:
    logins, work = Counted(), Counted(wanted=12)

    class Line:
        login_s = 0.0

        def __init__(self, name: str) -> None:
            self.name = name

        def execute(
            self,
            commands: Sequence[Command],
            take: Callable[[int, Output], None],
            *,
            lanes: int,
            cancel: Cancel,
        ) -> None:
            with work:
                take(0, Output(self.name, commands[0], Ended.EXITED, status=0))

        def close(self) -> None:
            pass

    def connect(node: Node, _options: Options, _cancel: Cancel | None) -> Line:
        with logins:
            return Line(node.name)

    fleet = LocalFleet(Options(), workers=12, logins=3, connect=connect)  # type: ignore[arg-type]
    said: list[str] = []
    fleet.run([Job(Node(f"n{i}"), (ASK,)) for i in range(12)], lambda out: said.append(out.node))
    assert sorted(said) == sorted(f"n{i}" for i in range(12))
    assert work.most == 12
    assert 1 <= logins.most <= 3
