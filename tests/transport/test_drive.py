"""The clocks of one bundle, against a link that has no node behind it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from support.answers import Answers

from bringup.commands import Command, Ended
from bringup.model import Node
from bringup.transport.bundle import Bundle
from bringup.transport.drive import run_bundle


class Script:
    """A link whose `receive` does what the steps say, one after the other; then nothing comes any more."""

    def __init__(self, *steps: Callable[[float], bytes | None]) -> None:
        self._steps = list(steps)

    def send(self, script: bytes) -> None:
        assert script.startswith(b"{")

    def receive(self, timeout_s: float) -> bytes | None:
        if self._steps:
            return self._steps.pop(0)(timeout_s)
        time.sleep(timeout_s)
        return None

    def wake(self) -> None: ...

    def finish(self) -> None: ...

    def why_ended(self) -> str:
        return "the shell ended"

    def errors(self) -> bytes:
        return b""

    def close(self) -> None: ...


def _bundle() -> Bundle:
    return Bundle(Node("n"), (Command("true"),))


def _busy(seconds: float) -> Callable[[float], bytes | None]:
    """The orchestrator is busy with other nodes; when it comes back, its time is over."""

    def step(timeout_s: float) -> None:
        time.sleep(seconds)

    return step


def _frames(bundle: Bundle) -> bytes:
    t = bundle.token.encode()
    return b"%b hello 1000\n%b answer 0 exited 0 1 2 0 3 0 3 0 \nabc%b\n%b end\n" % (t, t, t, t)


def test_a_busy_orchestrator_is_no_silent_node() -> None:
    bundle, answers = _bundle(), Answers()
    link = Script(_busy(0.4), lambda _: _frames(bundle))
    assert run_bundle(bundle, lambda: link, answers, None, silence_s=0.2)
    output = answers.outputs[0]
    assert (output.ended, output.status, output.stdout) == (Ended.EXITED, 0, b"abc")


@pytest.mark.parametrize("noise", [b"", b"Welcome to node n\n"])
def test_silence_and_what_a_login_prints_are_no_sign_of_life(noise: bytes) -> None:
    bundle, answers = _bundle(), Answers()
    steps = [lambda _: noise] * 1000 if noise else []
    link = Script(_busy(0.4), *steps)
    assert not run_bundle(bundle, lambda: link, answers, None, silence_s=0.2)
    output = answers.outputs[0]
    assert (output.ended, output.stdout) == (Ended.LOST, b"")
    assert "no sign of life for 0.2 s" in output.detail
