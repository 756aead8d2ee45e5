"""A run that is stopped while nodes work together: who fails because its partner was stopped has not failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from bringup.commands import Command, Ended, Output
from bringup.fleet import Duel, Job, LocalFleet, Team
from bringup.fleet.local import Work
from bringup.model import Node
from bringup.transport import Cancel, Options, Ready
from bringup.transport.base import Sink

SERVER, CLIENT = Node("a", address="a.invalid"), Node("b", address="b.invalid")
LISTEN, ASK = Command("listen", listens=2000), Command("ask")


class _Slow:
    """A server is stopped as soon as all is called off; word of it reaches the client's node after it has lost its peer."""

    login_s = 0.0

    def __init__(self, node: Node, stop: Callable[[], None]) -> None:
        self.node, self._stop = node, stop

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        assert cancel is not None
        (command,) = commands
        stopped = threading.Event()
        cancel.subscribe(stopped.set)
        if command.listens is not None:
            sink(0, Ready(0))
        else:
            self._stop()  # the client is at work: all is called off
        assert stopped.wait(10)
        if command.listens is not None:
            sink(0, Output(self.node.name, command, Ended.CANCELLED, at=time.time(), detail="cancelled"))
        else:
            time.sleep(0.2)
            sink(0, Output(self.node.name, command, Ended.EXITED, 1, stderr=b"lost my peer", at=time.time()))

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    "work",
    [
        Duel(Job(SERVER, (LISTEN,)), Job(CLIENT, (ASK,))),
        Team(((Job(SERVER, (LISTEN,)), Job(CLIENT, (ASK,))),)),
    ],
    ids=["duel", "team"],
)
def test_who_loses_a_stopped_partner_was_stopped(work: Work) -> None:
    cancel, outputs = Cancel(), list[Output]()
    fleet = LocalFleet(Options(), connect=lambda node, *_: _Slow(node, cancel.set))
    fleet.run([work], outputs.append, cancel=cancel)
    fleet.close()
    told = {(o.node, o.command.script): (o.ended, o.status, o.stderr, o.detail) for o in outputs}
    stopped = (Ended.CANCELLED, None, b"", "cancelled")
    assert told == {("a", "listen"): stopped, ("b", "ask"): stopped}
    assert len(outputs) == 2


def test_a_node_that_works_alone_keeps_what_it_had_ended() -> None:
    cancel, outputs = Cancel(), list[Output]()
    fleet = LocalFleet(Options(), connect=lambda node, *_: _Slow(node, cancel.set))
    fleet.run([Job(CLIENT, (ASK,))], outputs.append, cancel=cancel)
    fleet.close()
    assert [(o.ended, o.status, o.stderr) for o in outputs] == [(Ended.EXITED, 1, b"lost my peer")]
