"""The clocks of one bundle, against a link that has no node behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from support.answers import Answers

from bringup.commands import Command, Ended, Output
from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport import Cancel, Ready, drive
from bringup.transport.bundle import Bundle
from bringup.transport.drive import Take, run_bundle


class Script:
    """A link that says what the steps give, one after the other; then nothing comes any more."""

    def __init__(self, take: Take, *steps: Callable[[], bytes]) -> None:
        self._take = take
        self._steps = list(steps)

    def send(self, script: bytes) -> None:
        assert script.startswith(b"{")

    def hear(self, timeout_s: float) -> bool:
        if self._steps:
            if said := self._steps.pop(0)():
                self._take(said)
        else:
            time.sleep(timeout_s)
        return False

    def wake(self) -> None: ...

    def finish(self) -> None: ...

    def why_ended(self) -> str:
        return "the shell ended"

    def errors(self) -> bytes:
        return b""

    def close(self) -> None: ...


def _bundle() -> Bundle:
    return Bundle(Node("n"), (Command("true"),))


def _busy(seconds: float) -> Callable[[], bytes]:
    """The orchestrator is busy with other nodes; when it comes back, its time is over."""

    def step() -> bytes:
        time.sleep(seconds)
        return b""

    return step


def _frames(bundle: Bundle) -> bytes:
    t = bundle.token.encode()
    return b"%b hello 1000\n%b answer 0 exited 0 1 2 0 3 0 3 0 \nabc%b\n%b end\n" % (t, t, t, t)


def test_a_busy_orchestrator_is_no_silent_node() -> None:
    bundle, answers = _bundle(), Answers()
    steps = (_busy(0.4), lambda: _frames(bundle))
    assert run_bundle(bundle, lambda take: Script(take, *steps), answers, None, silence_s=0.2)
    output = answers.outputs[0]
    assert (output.ended, output.status, output.stdout) == (Ended.EXITED, 0, b"abc")


@pytest.mark.parametrize("noise", [b"", b"Welcome to node n\n"])
def test_silence_and_what_a_login_prints_are_no_sign_of_life(noise: bytes) -> None:
    bundle, answers = _bundle(), Answers()
    steps = [lambda: noise] * 1000 if noise else []
    assert not run_bundle(bundle, lambda take: Script(take, _busy(0.4), *steps), answers, None, silence_s=0.2)
    output = answers.outputs[0]
    assert (output.ended, output.stdout) == (Ended.LOST, b"")
    assert "no sign of life for 0.2 s" in output.detail


class Reader(Script):
    """A link whose bytes come from a thread of its own, as those of SSH do; `hear` only waits."""

    def __init__(self, take: Take, *steps: Callable[[], bytes]) -> None:
        super().__init__(take)
        self._bell = threading.Event()
        self.thread = threading.Thread(target=self._read, args=(steps,))

    def _read(self, steps: tuple[Callable[[], bytes], ...]) -> None:
        for step in steps:
            if self._take(step()):
                self._bell.set()

    def send(self, script: bytes) -> None:
        self.thread.start()

    def hear(self, timeout_s: float) -> bool:
        self._bell.wait(timeout_s)
        return False


def test_who_takes_long_to_take_an_answer_makes_no_silent_node() -> None:
    """The thread that reads is kept by the sink for longer than a node may be silent."""
    bundle, answers = _bundle(), Answers()

    def sink(index: int, event: Output | Ready) -> None:
        time.sleep(0.6)
        answers(index, event)

    assert run_bundle(bundle, lambda take: Reader(take, lambda: _frames(bundle)), sink, None, silence_s=0.2)
    assert [(i, o.ended) for i, o in answers.outputs.items()] == [(0, Ended.EXITED)]


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit])
def test_what_the_sink_raises_in_the_reading_thread_is_raised_here(kind: type[BaseException]) -> None:
    bundle, links = _bundle(), list[Reader]()

    def sink(index: int, event: Output | Ready) -> None:
        raise kind("the sink is full")

    def open_link(take: Take) -> Reader:
        links.append(Reader(take, lambda: _frames(bundle)))
        return links[0]

    with pytest.raises(kind, match="the sink is full"):
        run_bundle(bundle, open_link, sink, None, silence_s=30)
    links[0].thread.join(5)
    assert not links[0].thread.is_alive()


def test_nothing_is_taken_after_the_bundle_was_given_up() -> None:
    bundle, answers, links = _bundle(), Answers(), list[Reader]()

    def open_link(take: Take) -> Reader:
        links.append(Reader(take, lambda: time.sleep(0.5) or _frames(bundle)))
        return links[0]

    assert not run_bundle(bundle, open_link, answers, None, silence_s=0.2)
    links[0].thread.join(5)
    assert [(i, o.ended) for i, o in answers.outputs.items()] == [(0, Ended.LOST)]
    assert len(answers.events) == 1


def test_who_has_answered_all_has_only_a_moment_to_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "CLEAN_S", 0.2)
    bundle, answers = _bundle(), Answers()
    said = _frames(bundle).removesuffix(bundle.token.encode() + b" end\n")
    began = time.monotonic()
    assert run_bundle(bundle, lambda take: Reader(take, lambda: said), answers, None, silence_s=60)
    assert time.monotonic() - began < 20
    assert [(i, o.ended) for i, o in answers.outputs.items()] == [(0, Ended.EXITED)]


def test_few_are_started_at_once_and_all_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking costs the orchestrator time, and has a deadline; waiting costs nothing."""
    monkeypatch.setattr(drive, "_STARTING", threading.BoundedSemaphore(2))
    count, opening, most, lock = 7, 0, 0, threading.Lock()
    all_run = threading.Barrier(count)

    class Slow(Script):
        def send(self, script: bytes) -> None:
            nonlocal opening
            time.sleep(0.05)
            with lock:
                opening -= 1

    def runs() -> bytes:
        all_run.wait(10)
        return b""

    def open_link(bundle: Bundle) -> Callable[[Take], Slow]:
        def begun(take: Take) -> Slow:
            nonlocal opening, most
            with lock:
                opening += 1
                most = max(most, opening)
            return Slow(take, runs, lambda: _frames(bundle))

        return begun

    bundles, answers = [_bundle() for _ in range(count)], [Answers() for _ in range(count)]
    threads = [
        threading.Thread(target=run_bundle, args=(bundle, open_link(bundle), answer, None, 20.0))
        for bundle, answer in zip(bundles, answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 2
    assert [a.outputs[0].stdout for a in answers] == [b"abc"] * count


def test_who_waits_for_its_turn_begins_in_time_or_is_called_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that hang while they are asked hold every turn."""
    gate = threading.BoundedSemaphore(1)
    monkeypatch.setattr(drive, "_STARTING", gate)
    monkeypatch.setattr(drive, "START_TURN_S", 0.3)
    monkeypatch.setattr(drive, "_START_LOOK_S", 0.1)
    bundle, answers = _bundle(), Answers()
    with gate:
        assert run_bundle(bundle, lambda take: Script(take, lambda: _frames(bundle)), answers, None, 20.0)
    assert answers.outputs[0].stdout == b"abc"

    monkeypatch.setattr(drive, "START_TURN_S", 60.0)
    cancel, bundle, answers = Cancel(), _bundle(), Answers()
    threading.Timer(0.2, cancel.set).start()
    with gate:
        assert run_bundle(bundle, lambda take: Script(take), answers, cancel, 20.0)
    assert answers.outputs[0].ended is Ended.CANCELLED

    def refuses(take: Take) -> Script:
        raise TransportError(LostKind.LOST, "cannot start a shell")

    answers = Answers()
    assert run_bundle(_bundle(), refuses, answers, None, 20.0)
    assert answers.outputs[0].ended is Ended.LOST
    assert gate.acquire(blocking=False)  # its turn was given back


def test_what_ended_by_itself_counts_after_all_was_called_off() -> None:
    cancel, answers = Cancel(), Answers()
    bundle = Bundle(Node("n"), tuple(Command(f"true {n}") for n in range(4)))
    t = bundle.token.encode()
    ends = [b"exited 3", b"missing -", b"timeout -"]
    said = b"".join(b"%b answer %d %b 1 2 0 0 0 0 0 \n%b\n" % (t, n, end, t) for n, end in enumerate(ends))

    def late() -> bytes:
        cancel.set()
        return b""

    steps = (lambda: t + b" hello 0\n", late, lambda: b"", lambda: said + t + b" end\n")
    assert run_bundle(bundle, lambda take: Script(take, *steps), answers, cancel, 20.0)
    assert {n: (o.ended, o.status) for n, o in answers.outputs.items()} == {
        0: (Ended.EXITED, 3),
        1: (Ended.MISSING, None),
        2: (Ended.CANCELLED, None),
        3: (Ended.CANCELLED, None),
    }
