"""The app around its screens: a run that grows, leaving, a damaged journal, poor terminals."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tui.driving import SIZES, app_on, page_of, press, read_all, screen_lines, text, until

from bringup.errors import RunFolderError
from bringup.model import Stage
from bringup.tui import watch
from bringup.tui.actions import Place
from bringup.tui.app import BringupApp
from bringup.tui.look import Mark
from bringup.tui.screens.text import LogPage
from bringup.tui.widgets.bigtable import BigTable
from bringup.tui.widgets.heatmap import HeatMap


@SIZES
async def test_a_run_is_followed_while_it_grows(size: Any, make_story: Callable[..., Any]) -> None:
    story = make_story()
    app = app_on(story)
    async with app.run_test(size=size) as pilot:
        await press(pilot)
        assert "waiting for the journal in" in text(app)
        story.begin()
        await until(pilot, lambda: len(app.desk.view.marks) == 64)
        marks = app.desk.view.marks
        assert set(marks.values()) == {Mark.WAITING} and len(marks) == 64
        story.stage(Stage.REACH)
        story.stage(Stage.HOST)
        story.stage(Stage.GPU, part=0.5)
        await until(pilot, lambda: "S4 gpu ▸ 50 %" in screen_lines(app)[0])
        assert (
            app.desk.view.marks["gpu-064"] is Mark.RUNNING and app.desk.view.marks["gpu-045"] is Mark.UNKNOWN
        )
        await press(pilot, "3")
        table = page_of(app).query_one(BigTable)
        await press(pilot, "end")
        assert list(table.rows.keys) == ["D-5AA1", "D-90B2"] and table.key == "D-90B2"
        story.stage(Stage.GPU)
        await until(pilot, lambda: list(table.rows.keys) == ["D-11C0", "D-5AA1", "D-90B2"])
        assert table.key == "D-90B2", "the cursor stays on its defect while the list grows"
        await press(pilot, "q")
        assert page_of(app).place is Place.QUIT, "while a run goes on one is asked"
        await press(pilot, "q")
    assert app.return_code == 0
    assert app.return_value == f"The run goes on. To see it again: bringup watch {story.folder}"
    story.journal.close()


async def test_a_timer_that_is_faster_than_a_new_screen_does_no_harm(running: Any) -> None:
    app = app_on(running)
    async with app.run_test(size=(80, 24)) as pilot:
        for mode in ("stages", "defects", "node", "floor"):
            coming = app.switch_mode(mode)
            app.desk.view.version += 1
            app.tick()
            await coming
        late = app.push_screen(LogPage(app.desk))
        app.tick()
        await late
        await press(pilot)
        assert page_of(app).place is Place.LOG and "stage rdma started" in text(app)
        last = page_of(app)
    app.desk.view.version += 1
    last.tick()
    assert not last.ready, "after the end a late timer draws nothing"


async def test_leaving_a_finished_run_says_nothing(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test() as pilot:
        await read_all(pilot, app)
        await press(pilot, "q")
    assert app.return_value is None


async def test_the_run_folder_is_only_read(finished: Any) -> None:
    before = {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file()}
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "n", "enter", "e", "enter", "escape", "2", "enter", "3", "enter", "L", "q")
    assert {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file()} == before


async def test_a_journal_that_is_replaced_or_vanishes_is_survived(finished: Any, make_story: Any) -> None:
    app = app_on(finished)
    path = finished.folder / "journal.jsonl"
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "n", "enter")
        other = make_story("other", nodes=2)
        other.begin()
        other.journal.close()
        path.write_bytes((other.folder / "journal.jsonl").read_bytes())
        await until(pilot, lambda: "no node gpu-009 in this run" in text(app))
        await press(pilot, "1")
        assert app.desk.node == "gpu-001"
        path.unlink()
        await pilot.pause(0.3)
        assert len(app.desk.view.marks) == 2
        path.write_bytes(b'{"type":"from-the-future","seq":1}\n\xff\xfe\n{"type":"no')
        await press(pilot, "L")
        await until(pilot, lambda: "was written by another version" in text(app))


async def test_ascii_mode_puts_nothing_else_on_the_terminal(running: Any) -> None:
    app = app_on(running, ascii_mode=True)
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (
            ["1"], ["z"], ["slash", "X"], ["escape", "n", "enter"], ["e"], ["enter"], ["2"], ["enter"], ["3"], ["enter"],
            ["L"], ["question_mark"], ["colon"],
        ):  # fmt: skip
            await press(pilot, *keys)
            await pilot.pause(0.1)
            assert [line for line in screen_lines(app) if not line.isascii()] == [], keys


async def test_every_theme_and_a_small_terminal_work(finished: Any) -> None:
    app = app_on(finished, slow_link=True)
    async with app.run_test(size=(30, 8)) as pilot:
        await read_all(pilot, app)
        for _ in range(5):
            for key in ("1", "4", "3", "2", "t"):
                await press(pilot, key)
        assert app.theme == "ansi-light"
        await pilot.resize_terminal(200, 60)
        await press(pilot, "1")
        assert "R08 ········" in text(app)
        await pilot.resize_terminal(5, 3)
        await press(pilot, "n", "3", "enter")


async def test_without_colour_every_state_can_still_be_read(
    finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "n")
        assert "R02 X---····" in text(app) and "X defect" in text(app)
        strips = app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style]
        assert any(style.reverse for style in styles), "the cursor is seen without colour"
        page = page_of(app)
        heat = page.query_one(HeatMap)
        assert heat.node == "gpu-009"


def test_a_folder_that_does_not_exist_is_an_error_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no such run folder"):
        watch(tmp_path / "typo")


@pytest.mark.parametrize(
    "module", ["bringup.tui", "bringup.cli", "bringup.report.words", "bringup.orchestrator"]
)
def test_textual_is_loaded_only_when_the_screens_are(module: str) -> None:
    code = f"import {module}, sys; sys.exit(any(m == 'textual' or m.startswith('textual.') for m in sys.modules))"
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


@pytest.mark.parametrize(
    ("term", "plain"), [("xterm-256color", False), ("tmux-256color", False), ("linux", True)]
)
def test_a_text_console_gets_ascii_unasked_and_the_farewell_is_printed(
    term: str,
    plain: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[bool] = []

    def leave_at_once(app: BringupApp) -> str:
        seen.append(app.desk.look.ascii)
        return "farewell"

    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(BringupApp, "run", leave_at_once)
    watch(tmp_path)
    watch(tmp_path, ascii_mode=True)
    assert seen == [plain, True]
    assert capsys.readouterr().out == "farewell\nfarewell\n"
