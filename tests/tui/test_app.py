"""The app driven by keys: every screen, from one to the other and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.widgets import Input
from tui.driving import SIZES, app_on, page_of, press, read_all, screen_lines, text, until

from bringup import events as ev
from bringup.tui.actions import Place
from bringup.tui.look import line_text
from bringup.tui.widgets.bigtable import BigTable
from bringup.tui.widgets.heatmap import HeatMap
from bringup.tui.widgets.lines import LineView


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
        assert "line 6 decides" in screen_lines(app)[2]
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
        assert [line_text(line) for line in page_of(app).low.lines] != []
    story.journal.close()
