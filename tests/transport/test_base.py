"""Cancelling, and deadlines over calls that have none."""

from __future__ import annotations

import threading
import time

from bringup.transport.base import Cancel
from bringup.transport.guard import at_most


def test_cancel_calls_back_once_and_wakes() -> None:
    cancel, calls = Cancel(), []
    cancel.subscribe(lambda: calls.append("first"))
    unsubscribe = cancel.subscribe(lambda: calls.append("second"))
    unsubscribe()
    threading.Timer(0.1, cancel.set).start()
    assert cancel.wait(5)
    assert cancel.is_set()
    cancel.set()
    assert calls == ["first"]


def test_subscribing_after_the_wish_calls_at_once() -> None:
    cancel, calls = Cancel(), []
    cancel.set()
    cancel.subscribe(lambda: calls.append("now"))()
    assert calls == ["now"]
    assert not Cancel().wait(0.01)


def test_a_deadline_frees_a_call() -> None:
    freed = threading.Event()
    began = time.monotonic()
    with at_most(0.2, freed.set):
        assert freed.wait(5)
    assert time.monotonic() - began > 0.15


def test_a_call_in_time_is_left_alone() -> None:
    fired: list[str] = []
    with at_most(0.1, lambda: fired.append("early")):
        pass
    time.sleep(0.2)
    assert fired == []


def test_many_deadlines_in_any_order() -> None:
    fired: list[int] = []
    lock = threading.Lock()

    def hold(number: int) -> None:
        done = threading.Event()

        def note() -> None:
            with lock:
                fired.append(number)
            done.set()

        with at_most(0.1 * number, note):
            done.wait(5)

    threads = [threading.Thread(target=hold, args=(n,)) for n in (5, 1, 4, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fired == [1, 2, 3, 4, 5]


def test_an_action_that_fails_does_not_stop_the_others() -> None:
    freed = threading.Event()

    def fail() -> None:
        raise RuntimeError("this action is broken")

    with at_most(0.05, fail), at_most(0.15, freed.set):
        assert freed.wait(5)
