"""A journal played again. The run and the clock are invented."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tui.driving import app_on, page_of, press, text, until

from bringup import events as ev
from bringup.errors import UsageError
from bringup.model import Stage
from bringup.tui.actions import Place
from bringup.tui.compared import Earlier
from bringup.tui.feed import RunView
from bringup.tui.follower import Follower
from bringup.tui.look import Mark
from bringup.tui.replay import Replay, parse_start
from bringup.tui.screens.floor import FloorPage

BEGAN = time.mktime((2026, 11, 20, 9, 58, 0, 0, 0, -1))


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def played(story: Any, hand: Hand, **more: Any) -> tuple[RunView, Replay]:
    replay = Replay(story.folder / "journal.jsonl", clock=hand, **more)
    return RunView(story.folder, replay), replay


def drain(view: RunView) -> RunView:
    while view.drain(1.0):
        pass
    return view


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("10:02", 240), ("10:02:30", 270), ("9:58", 0), ("9:57:30", -30), ("+5m", 300), ("+90", 90), ("+1h", 3600),
        ("8:58", 23 * 3600),
    ],
)  # fmt: skip
def test_a_time_is_one_of_the_runs_day_or_so_long_after_its_beginning(written: str, seconds: float) -> None:
    assert parse_start(written)(BEGAN) == BEGAN + seconds


@pytest.mark.parametrize("written", ["", "ten", "25:00", "10:99", "10:02:99", "+", "-5m", "10", "9" * 50])
def test_what_is_no_time_is_said(written: str) -> None:
    with pytest.raises(UsageError, match="write a time as 10:02"):
        parse_start(written)


def test_a_journal_with_an_impossible_time_begins_where_it_begins() -> None:
    assert parse_start("10:02")(1e300) == 1e300


def test_events_come_when_their_time_has_come(finished: Any) -> None:
    hand = Hand()
    view, replay = played(finished, hand, speed=10.0)
    drain(view)
    assert view.state.info.id == "0821-1002" and not view.state.outcomes
    assert replay.now() == pytest.approx(finished.started, abs=1)
    hand.now = 5.0
    drain(view)
    assert view.stage is Stage.REACH and not view.over
    assert replay.now() == pytest.approx(finished.started + 50, abs=1)
    replay.toggle()
    hand.now = 500.0
    drain(view)
    assert view.stage is Stage.REACH, "while the time is stopped nothing comes"
    replay.toggle()
    replay.faster(1)
    assert replay.speed == 20.0
    hand.now = 600.0
    drain(view)
    assert view.over and replay.at_end
    live = drain(RunView(finished.folder))
    assert (view.marks, view.state) == (live.marks, live.state), "at the end all is as it is without a replay"


def test_one_step_is_one_event_and_a_rewind_forgets_what_came_later(finished: Any) -> None:
    view, replay = played(finished, Hand(), start="+100", paused=True)
    drain(view)
    seen = view.state.seq
    replay.step()
    drain(view)
    assert view.state.seq == seen + 1
    replay.next_stage()
    drain(view)
    assert view.stage is Stage.GPU and view.state.stages[Stage.GPU].done == 0
    view.rewind(replay.now() - 120)
    assert view.state.seq == 0
    drain(view)
    assert view.stage is Stage.REACH and Stage.GPU not in {o.stage for o in view.state.outcomes}


@pytest.mark.parametrize(
    "text_", [b"", b'{"type":"no', b"\xff\xfe\n", b'{"type":"from-the-future","seq":1,"at":5}\n']
)
def test_a_damaged_or_foreign_journal_can_be_replayed(text_: bytes, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(text_)
    replay = Replay(tmp_path / "journal.jsonl", start="10:02", speed=5.0, clock=Hand())
    view = drain(RunView(tmp_path, replay))
    assert not view.state.info.id
    replay.step()
    view.rewind(0.0)
    assert drain(view).state.cases == {}


async def test_the_keys_of_a_replay(finished: Any) -> None:
    replay = Replay(finished.folder / "journal.jsonl", speed=1.0, paused=True)
    app = app_on(finished, replay=replay)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.desk.view.state.info.id))
        await press(pilot, "right_square_bracket")
        await until(pilot, lambda: app.desk.view.stage is Stage.REACH)
        assert "stopped" in text(app)
        await press(pilot, "right_square_bracket")
        await until(pilot, lambda: app.desk.view.stage is Stage.HOST)
        await press(pilot, "full_stop", "plus", "plus", "underscore")
        assert replay.speed == 2.0
        await press(pilot, "left_square_bracket")
        await until(pilot, lambda: app.desk.view.stage is Stage.REACH)
        await press(pilot, "comma", "x")
        assert not replay.paused
        await press(pilot, "q")
    assert app.return_code == 0, "a replay is left without a question"


async def test_without_a_replay_its_keys_say_how_to_get_one(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in (
            "x",
            "full_stop",
            "comma",
            "right_square_bracket",
            "left_square_bracket",
            "plus",
            "underscore",
        ):
            await press(pilot, key)
            assert "this is no replay" in text(app), key


# ------------------------------------------------------------------------------------------------ two runs


def again(make_story: Callable[..., Any]) -> Any:
    """The same hall some hours later: gpu-021 is repaired, and all ends before the pairs."""
    story = make_story("later", started=1_760_020_000.0)
    story.hall.gpu_lost = "nobody"
    story.hall._gpu_gone = lambda: None
    story.begin()
    for stage in (Stage.REACH, Stage.HOST, Stage.GPU, Stage.LINK):
        story.stage(stage)
    return story


async def test_two_runs_are_compared(finished: Any, make_story: Callable[..., Any]) -> None:
    story = again(make_story)
    story.end()
    app = app_on(story, earlier=Earlier(finished.folder))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.desk.view.over)
        await press(pilot)
        page = page_of(app)
        assert isinstance(page, FloorPage)
        assert app.desk.view.marks["gpu-021"] is Mark.PASS
        assert {"gpu-021", "gpu-009"} <= page.mover.changed and "gpu-033" not in page.mover.changed
        await press(pilot, "slash", *"gpu-021", "enter")
        assert "gpu-021  better: was defect" in text(app)
        await press(pilot, "escape", "C")
        assert page_of(app).place is Place.CHANGES
        shown = text(app)
        assert "GONE (2)" in shown and "D-11C0" in shown and "D-7F3A" in shown and "NEW" not in shown
        await press(pilot, "escape", "slash", *"change:better", "enter")
        assert set(page.mover.floor.order) == set(page.mover.changed)


async def test_alone_a_run_has_nothing_to_compare_with(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "C", "C")
        assert "there is no run to compare with" in text(app)
        await press(pilot, "escape")
        assert page_of(app).place is Place.FLOOR


# ------------------------------------------------------------------------------------------------ a slow disk


class Hanging:
    """A journal on a disk that answers only when a test lets it."""

    def __init__(self) -> None:
        import threading

        self.free = threading.Event()

    def new(self, most: int = 0) -> list[ev.AnyEvent]:
        self.free.wait(60)
        return []


def test_a_disk_that_hangs_is_told_and_holds_nothing_up() -> None:
    disk, hand = Hanging(), Hand()
    follower = Follower(disk, clock=hand)  # type: ignore[arg-type]
    follower.start()
    assert follower.new() == []
    for _ in range(200):
        if follower._asked is not None:
            break
        time.sleep(0.01)
    hand.now = 12.0
    assert follower.hangs_s == 12.0
    follower.stop()
    disk.free.set()
    follower._thread.join(10)
    assert not follower._thread.is_alive()


async def test_the_screens_say_that_the_disk_hangs(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on(running)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.desk.view.marks) == 64)
        monkeypatch.setattr(RunView, "hangs_s", 90.0)
        await press(pilot, "3", "1")
        assert "disk silent for 1 min 30 s" in text(app)
