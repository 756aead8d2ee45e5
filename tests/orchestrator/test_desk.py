"""The desk does what is brought to it once, in order, on one thread; what fails there is told to everybody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from bringup.orchestrator import desk as module
from bringup.orchestrator.desk import Desk


def test_everything_is_done_once_in_the_order_of_each_worker_by_one_thread() -> None:
    done: list[tuple[int, int]] = []
    threads: set[int] = set()

    def task(worker: int, number: int) -> None:
        done.append((worker, number))
        threads.add(threading.get_ident())

    with Desk() as desk:

        def work(worker: int) -> None:
            for number in range(500):
                desk.bring(partial(task, worker, number))

        threads_ = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads_:
            thread.start()
        for thread in threads_:
            thread.join()
    for worker in range(8):
        assert [number for who, number in done if who == worker] == list(range(500))
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_order_is_kept() -> None:
    done: list[int] = []
    with Desk() as desk:
        for number in range(3000):
            desk.bring(partial(done.append, number))
    assert done == list(range(3000))


def test_nothing_brought_is_nothing_done() -> None:
    with Desk():
        pass


def test_what_is_done_at_once_is_surrounded() -> None:
    open_, seen, ends = [False], [], [0]

    @contextmanager
    def together() -> Iterator[None]:
        open_[0] = True
        yield
        open_[0] = False
        ends[0] += 1

    with Desk(together) as desk:
        for _ in range(20):
            desk.bring(lambda: seen.append(open_[0]))
    assert seen == [True] * 20
    assert 1 <= ends[0] <= 20 and not open_[0]


def test_a_failure_reaches_who_brings_more_and_drops_the_rest() -> None:
    done: list[str] = []
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Desk() as desk:
        desk.bring(lambda: done.append("first"))
        desk.bring(fail)
        assert failed.wait(30)
        while True:  # the failure is told as soon as it is noted
            desk.bring(lambda: done.append("late"))
    assert done == ["first"]


def test_a_failure_nobody_heard_of_is_raised_at_the_end() -> None:
    with pytest.raises(OSError, match="disk full"), Desk() as desk:
        desk.bring(_full)


def test_a_failure_of_what_surrounds_counts_as_well() -> None:
    @contextmanager
    def together() -> Iterator[None]:
        yield
        _full()

    with pytest.raises(OSError, match="disk full"), Desk(together) as desk:
        desk.bring(lambda: None)


def test_an_own_exception_is_not_hidden_by_that_of_the_desk() -> None:
    with pytest.raises(KeyboardInterrupt), Desk() as desk:
        desk.bring(_full)
        raise KeyboardInterrupt


def test_who_brings_more_than_is_done_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING", 10)
    go, most = threading.Event(), [0]
    with Desk() as desk:
        desk.bring(go.wait)

        def work() -> None:
            for _ in range(100):
                desk.bring(lambda: None)
                most[0] = max(most[0], len(desk._tasks))

        worker = threading.Thread(target=work)
        worker.start()
        worker.join(0.2)
        assert worker.is_alive()
        go.set()
        worker.join(60)
        assert not worker.is_alive()
    assert most[0] <= 10


def _full() -> None:
    raise OSError("disk full")
