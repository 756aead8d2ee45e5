"""Plays many scenarios, each in a process of its own, several at once: one that crashes or hangs fails alone."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from bringup.campaign import cases
from bringup.campaign.play import Setup
from bringup.campaign.score import score
from bringup.campaign.types import Played, Scenario, Score

LIMIT_S = 900.0
_MERCY_S = 30.0
_SPAWN = multiprocessing.get_context("spawn")  # threads and locks of this process must not be copied


@dataclass(frozen=True)
class _Running:
    scenario: Scenario
    process: BaseProcess
    answer: Connection
    since: float
    folder: Path


def play_all(
    scenarios: Iterable[Scenario], setup: Setup, folder: Path, *, jobs: int, limit_s: float = LIMIT_S, keep: bool = False,
    started: Callable[[Scenario], None] = lambda _: None,
) -> Iterator[Score]:  # fmt: skip
    """The scores as they come. Run folders of failed scenarios stay below `folder`, by scenario; with `keep` all do."""
    waiting = iter(scenarios)
    running: list[_Running] = []
    try:
        while True:
            while len(running) < jobs and (scenario := next(waiting, None)) is not None:
                if scenario.blocked:
                    yield score(scenario, Played(scenario.id, 0.0))
                    continue
                started(scenario)
                running.append(_start(scenario, setup, folder / scenario.id))
            if not running:
                return
            wait([r.answer for r in running], timeout=1.0)
            for item in list(running):
                late = time.monotonic() - item.since > limit_s
                if item.answer.poll() or late or not item.process.is_alive():
                    running.remove(item)
                    yield _finish(item, late, keep)
    finally:
        for item in running:
            _end(item.process)


def _start(scenario: Scenario, setup: Setup, folder: Path) -> _Running:
    shutil.rmtree(folder, ignore_errors=True)
    mine, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_work, args=(scenario, setup, folder, theirs), name=scenario.id)
    process.start()
    theirs.close()
    return _Running(scenario, process, mine, time.monotonic(), folder)


def _finish(item: _Running, late: bool, keep: bool) -> Score:
    seconds = round(time.monotonic() - item.since, 1)
    try:
        answer = item.answer.recv() if item.answer.poll() else None
    except EOFError:
        answer = None
    if not isinstance(answer, Played):
        why = f"it was still running after {seconds:.0f} s" if late else "its process ended without an answer"
        answer = Played(item.scenario.id, seconds, error=why)
    _end(item.process, patience_s=0.0 if answer.error else _MERCY_S)
    item.answer.close()
    result = score(item.scenario, answer)
    if not result.failed and not keep:
        shutil.rmtree(item.folder, ignore_errors=True)
    return result


def _end(process: BaseProcess, patience_s: float = 0.0) -> None:
    """Let the process clean up behind itself: asked first, killed if it does not listen."""
    process.join(patience_s)
    if process.is_alive():
        process.terminate()
        process.join(_MERCY_S)
    if process.is_alive():
        process.kill()
        process.join()


def _work(scenario: Scenario, setup: Setup, folder: Path, answer: Connection) -> None:
    """In the scenario's own process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign is asked, and ends its scenarios
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_follow_parent, name="follow the campaign", daemon=True).start()
    begun = time.monotonic()
    try:
        result = cases.play(scenario, setup, folder)
    except KeyboardInterrupt:
        return
    except BaseException as error:  # noqa: BLE001  whatever happens is the scenario's failure, not the campaign's
        place = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({Path(place.filename).name} line {place.lineno})"
        result = Played(scenario.id, round(time.monotonic() - begun, 1), error=said)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is left to clean up
    answer.send(result)
    answer.close()


def _follow_parent() -> None:
    """A campaign that was killed must not leave its scenarios running."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
