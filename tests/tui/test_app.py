"""The app driven by keys: every screen, a run that grows while one looks, leaving, and what happens to the file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from bringup import events as ev
from bringup.errors import RunFolderError
from bringup.model import Stage
from bringup.tui import watch
from bringup.tui.actions import Place
from bringup.tui.app import BringupApp
from bringup.tui.look import Mark, line_text
from bringup.tui.screens.page import Page
from bringup.tui.widgets.bigtable import BigTable
from bringup.tui.widgets.heatmap import HeatMap
from bringup.tui.widgets.lines import Block, LineView

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])


def app_on(story: Any, **more: Any) -> BringupApp:
    return BringupApp(story.folder, clock=lambda: story.clock.now, **more)


def page_of(app: BringupApp) -> Page:
    page = app.page
    assert page is not None
    return page


def screen_lines(app: BringupApp) -> list[str]:
    """What stands on the terminal."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in strip) for strip in strips]
    assert len(lines) == height
    assert all(len(line) >= width - 1 for line in lines if line.isascii())
    return [line.rstrip() for line in lines]


def text(app: BringupApp) -> str:
    return "\n".join(screen_lines(app))


async def press(pilot: Pilot[str], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def until(pilot: Pilot[str], holds: Callable[[], bool]) -> None:
    """Wait for something that a timer of the app brings about."""
    for _ in range(200):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.05)
    raise AssertionError("it never came about")


async def read_all(pilot: Pilot[str], app: BringupApp) -> None:
    """Wait until the app has read the whole journal of a finished run."""
    await until(pilot, lambda: app.desk.view.over and page_of(app)._drawn == app.desk.view.version)


@SIZES
async def test_the_floor_shows_the_hall_and_what_is_wrong_with_the_selected_node(
    size: Any, finished: Any
) -> None:
    app = app_on(finished)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot)
        shown = screen_lines(app)
        assert shown[0].startswith(" hall-2   run 0821-1002   took 7 min 35 s")
        assert shown[1].startswith(" NOT READY   ready 50 · defects 3 (2 hands-on) · unknown 1")
        rack = next(line for line in shown if "R02 " in line)
        assert "R02 X---····" in rack
        assert shown[-3] == " gpu-001  R01 U2  · pass  8 of 8 results in order  hgx-h100"
        await press(pilot, "n")
        assert app.desk.node == "gpu-009"
        assert screen_lines(app)[-2].startswith(
            " X RDMA-BW mlx5_3: write_bw 187.4 Gb/s, needs at least 370 Gb/s"
        )
        await press(pilot, "n")
        assert app.desk.node == "gpu-021"
        await press(pilot, "N", "N")
        assert app.desk.node == "gpu-045"
        assert shown[-1].endswith("? help")


async def test_the_arrows_and_hjkl_walk_over_the_floor(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "right", "l", "j")
        assert app.desk.node == "gpu-011"
        await press(pilot, "h", "left", "k", "left")
        assert app.desk.node == "gpu-001"
        await press(pilot, "end")
        assert app.desk.node == "gpu-064"
        await press(pilot, "pageup", "home")
        assert app.desk.node == "gpu-001"


async def test_faults_only_and_filter_keep_the_place_of_the_cursor(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "n", "z")
        heat = page_of(app).query_one(HeatMap)
        assert len(heat.floor.order) == 14
        assert app.desk.node == "gpu-009"
        await press(pilot, "slash", *"rack:R03")
        assert heat.floor.order == ("gpu-021",)
        assert app.desk.node == "gpu-021"
        await press(pilot, "enter")
        assert not page_of(app).query_one(Input).has_focus
        assert screen_lines(app)[2].endswith("faults only  /rack:R03")
        await press(pilot, "escape")
        assert len(heat.floor.order) == 14
        await press(pilot, "z")
        assert len(heat.floor.order) == 64 and app.desk.node == "gpu-021"
        await press(pilot, "slash", *"nothing", "enter")
        assert "no node matches the filter" in text(app)


@SIZES
async def test_from_the_floor_to_the_node_to_its_evidence_and_back(size: Any, finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot, "n", "n", "enter")
        assert page_of(app).place is Place.NODE
        assert "X D-11C0 GPU-XID GPU 5 Xid 79 at 09:33:12; 7 of 8 GPUs, needs 8 GPUs" in text(app)
        table = page_of(app).query_one(BigTable)
        await press(pilot, "n")
        assert table.key.startswith("gpu-021\ngpu.inventory")
        await press(pilot, "n")
        assert table.key.startswith("gpu-021/gpu/5\ngpu.inventory")
        await press(pilot, "e")
        assert page_of(app).place is Place.EVIDENCE
        assert " NVRM: Xid (PCI:0000:9b:00): 79, GPU has fallen off the bus." in screen_lines(app)
        await press(pilot, "slash", *"infoROM", "enter")
        assert "1 of 1 found" in screen_lines(app)[2]
        await press(pilot, "escape")
        assert page_of(app).place is Place.EVIDENCE, "the first escape only ends the search"
        await press(pilot, "escape")
        assert page_of(app).place is Place.NODE and table.key.startswith("gpu-021/gpu/5")
        await press(pilot, "escape")
        assert page_of(app).place is Place.FLOOR and app.desk.node == "gpu-021"


async def test_the_parts_of_a_node_open_and_close(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "4")
        table = page_of(app).query_one(BigTable)
        assert len(table.rows) == 17
        await press(pilot, "down", "enter")
        assert len(table.rows) == 18 and table.key == "gpu-001/gpu/0"
        await press(pilot, "down", "enter")
        assert "no output was kept for this" in text(app)
        await press(pilot, "up", "enter", "z")
        assert len(table.rows) == 1
        await press(pilot, "n")
        assert "everything that was read here is in order" in text(app)


async def test_several_outputs_are_offered_as_a_list(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "n", "enter", "e")
        assert page_of(app).place is Place.FILES
        assert len(page_of(app).query_one(BigTable).rows) == 6
        await press(pilot, "down", "enter")
        assert "  65536 187.4 on gpu-042" in screen_lines(app)
        await press(pilot, "escape", "escape")
        assert page_of(app).place is Place.NODE


@SIZES
async def test_the_stages_and_the_results_of_one(size: Any, finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot, "2")
        table = page_of(app).query_one(BigTable)
        assert table.key == "rdma"
        await press(pilot, "home")
        assert "   gpu-045: connection refused on port 22 (reach.ssh)" in screen_lines(app)
        await press(pilot, "end", "enter")
        results = page_of(app).query_one(BigTable)
        assert page_of(app).place is Place.RESULTS and len(results.rows) == 6
        assert "   explained by D-7F3A on gpu-009" in screen_lines(app)
        await press(pilot, "z")
        assert len(results.rows) == 96
        await press(pilot, "slash", *"gpu-042 ~", "enter")
        assert len(results.rows) == 0 or "gpu-042" in results.key
        await press(pilot, "escape", "home", "e")
        assert page_of(app).place is Place.FILES
        await press(pilot, "escape", "enter")
        assert page_of(app).place is Place.NODE and app.desk.node == "gpu-009"
        await press(pilot, "escape")
        assert page_of(app).place is Place.RESULTS


@SIZES
async def test_the_work_list_and_one_defect(size: Any, finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot, "3")
        table = page_of(app).query_one(BigTable)
        assert list(table.rows.keys) == ["D-7F3A", "D-11C0", "D-5AA1", "D-90B2"]
        assert any("clean and reseat the optic" in line for line in screen_lines(app))
        await press(pilot, "slash", *"who:config", "enter")
        assert list(table.rows.keys) == ["D-5AA1"]
        await press(pilot, "escape", "down", "o")
        assert list(table.rows.keys) == ["D-11C0", "D-90B2", "D-7F3A", "D-5AA1"]
        assert table.key == "D-90B2", "the cursor stays on its defect when the order changes"
        await press(pilot, "o", "o", "home", "enter")
        assert page_of(app).place is Place.DEFECT
        assert " explains 3 results" in screen_lines(app)
        await press(pilot, "y")
        assert app.clipboard.startswith("run 0821-1002\n X D-7F3A  hands-on  RDMA-BW   R02 U2\n")
        await press(pilot, "enter")
        assert page_of(app).place is Place.NODE and app.desk.node == "gpu-009"
        await press(pilot, "escape", "escape")
        assert page_of(app).place is Place.DEFECTS and table.key == "D-7F3A"


async def test_log_help_and_the_last_screen(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "L", "L")
        assert page_of(app).place is Place.LOG
        assert "run ended: NOT READY" in text(app) and "chrony answers on no node" in text(app)
        await press(pilot, "question_mark", "question_mark")
        assert page_of(app).place is Place.HELP and " on this screen: log" in screen_lines(app)
        await press(pilot, "escape", "escape")
        assert page_of(app).place is Place.FLOOR
        await press(pilot, "3", "l")
        assert page_of(app).place is Place.LOG
        await press(pilot, "2")
        assert page_of(app).place is Place.STAGES
        await press(pilot, "minus")
        assert page_of(app).place is Place.DEFECTS
        await press(pilot, "minus")
        assert page_of(app).place is Place.STAGES
        await press(pilot, "enter", "2")
        assert page_of(app).place is Place.STAGES


async def test_the_palette_runs_actions_and_finds_nodes(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "colon")
        await press(pilot, *"work list")
        await pilot.pause(0.5)
        await press(pilot, "enter")
        await until(pilot, lambda: page_of(app).place is Place.DEFECTS)
        await press(pilot, "ctrl+p")
        await press(pilot, *"gpu-045")
        await pilot.pause(0.5)
        await press(pilot, "enter")
        await until(pilot, lambda: page_of(app).place is Place.NODE)
        assert app.desk.node == "gpu-045"


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
    assert app.return_code == 0
    assert app.return_value == f"The run goes on. To see it again: bringup watch {story.folder}"
    story.journal.close()


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


async def test_clicks_select_and_open(finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot)
        _, x = page_of(app).query_one(HeatMap).floor.cells["gpu-003"]
        await pilot.click(HeatMap, offset=(x, 0))
        assert app.desk.node == "gpu-003"
        await pilot.click(HeatMap, offset=(x, 0))
        await pilot.pause()
        assert page_of(app).place is Place.NODE
        await press(pilot, "3")
        await pilot.click(BigTable, offset=(5, 3))
        assert page_of(app).query_one(BigTable).key == "D-5AA1"
        footer = screen_lines(app)[-1]
        await pilot.click(offset=(footer.index("esc back"), 23))
        await pilot.pause()
        assert page_of(app).place is Place.NODE


async def test_a_long_text_scrolls_and_finds(tmp_path: Path, make_story: Callable[..., Any]) -> None:
    story = make_story(nodes=2)
    story.begin()
    story.write(*(ev.Note(text=f"note {k} " + ("needle" if k % 100 == 50 else "hay")) for k in range(500)))
    app = app_on(story)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.desk.view.log) == 501)
        await press(pilot, "L")
        view = page_of(app).query_one(LineView)
        await press(pilot, "end")
        assert "note 499 hay" in text(app)
        story.write(ev.Note(text="one more"))
        await until(pilot, lambda: "one more" in text(app))  # the end stays in view
        await press(pilot, "home", "slash", *"needle", "enter")
        assert view.says == "1 of 5 found" and "note 50 needle" in text(app)
        await press(pilot, "n", "n")
        assert view.says == "3 of 5 found" and "note 250 needle" in text(app)
        await press(pilot, "N")
        assert "note 150 needle" in text(app)
        await press(pilot, "escape", "n")
        assert "nothing to find yet" in text(app)
        assert [line_text(line) for line in page_of(app).query_one("#status", Block).lines] != []
    story.journal.close()


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
