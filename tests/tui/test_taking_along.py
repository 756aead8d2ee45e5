"""Marks, the list to take along, ticket text, pictures. All names are invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.driving import SIZES, app_on, page_of, press, read_all, text
from tui.reading import LOOK, lines, read

from bringup.tui.actions import Place
from bringup.tui.defect_rows import listed
from bringup.tui.screens.page import Ticks
from bringup.tui.worklist import paper_lines


def test_marks_are_toggled_and_spread_over_a_range() -> None:
    ticks = Ticks()
    ticks.span("b", ["a", "b", "c", "d"])
    assert ticks.keys == {"b"}, "a range without a beginning is one mark"
    ticks.span("d", ["a", "b", "c", "d"])
    assert ticks.keys == {"b", "c", "d"}
    ticks.toggle("c")
    ticks.toggle("")
    assert ticks.keys == {"b", "d"}
    ticks.span("gone", ["a"])
    assert ticks.keys == {"b", "d"}
    ticks.clear()
    assert (ticks.keys, ticks.last) == (frozenset(), "")


def test_the_list_has_a_box_the_place_and_what_to_do_for_each_defect(finished: Any) -> None:
    view = read(finished.folder)
    assert lines(paper_lines(view, listed(view)[:2], LOOK)).split("\n") == [
        "hall-2  run 0821-1002  NOT READY  2 jobs",
        "─" * 78,
        "[ ] R02 U2 gpu-009 port mlx5_3, cable L04-9 to leaf-4 port 9",
        "    D-7F3A  hands-on  RDMA-BW",
        "    found  write_bw 187.4 Gb/s, needs at least 370 Gb/s",
        "    do     clean and reseat the optic at gpu-009 mlx5_3; if it stays, swap",
        "           cables",
        "",
        "[ ] R03 U18 gpu-021 GPU 5",
        "    D-11C0  hands-on  GPU-XID",
        "    found  Xid 79 at 09:33:12; 7 of 8 GPUs, needs 8 GPUs",
        "    do     drain the power and reseat the baseboard; if it returns, replace",
        "           the GPU tray",
        "",
    ]
    assert lines(paper_lines(view, [], LOOK)).endswith("nothing is to be done")


@SIZES
async def test_marked_defects_become_a_list_and_tickets(size: Any, finished: Any, tmp_path: Path) -> None:
    app = app_on(finished)
    app.desk.scratch = tmp_path / "files"
    app.desk.scratch.mkdir()
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot, "3", "space")
        assert (
            app.desk.defects.keys == {"D-7F3A"} and "1 marked" in text(app) and "\n*X hands-on" in text(app)
        )
        await press(pilot, "down", "v", "y")
        assert app.desk.defects.keys == {"D-7F3A", "D-11C0", "D-5AA1"}
        assert app.clipboard.count("run 0821-1002\n") == 3
        await press(pilot, "p")
        assert page_of(app).place is Place.LIST and "3 jobs" in text(app)
        await press(pilot, "y", "w")
        (written,) = app.desk.scratch.iterdir()
        assert written.read_text(encoding="utf-8") == app.clipboard and app.clipboard.count("[ ] ") == 3
        await press(pilot, "w")
        assert len(list(app.desk.scratch.iterdir())) == 2, "no file is written over"
        await press(pilot, "escape", "u")
        assert app.desk.defects.keys == frozenset() and "marked" not in text(app)


@SIZES
async def test_marked_nodes_choose_what_is_listed_and_copied(size: Any, finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot, "n", "space", "n", "space")
        assert app.desk.nodes.keys == {"gpu-009", "gpu-021"} and "2 marked" in text(app)
        await press(pilot, "y")
        assert app.clipboard.count("run 0821-1002\n") == 2
        await press(pilot, "p")
        assert "2 jobs" in text(app)
        await press(pilot, "escape", "u", "right", "y")
        assert "there is nothing to copy" in text(app), "a node without a defect has no ticket"
        await press(pilot, "p")
        assert "4 jobs" in text(app), "without marks everything is listed"


async def test_a_picture_is_written_where_the_person_stands(finished: Any, tmp_path: Path) -> None:
    app = app_on(finished)
    app.desk.scratch = tmp_path / "files"
    app.desk.scratch.mkdir()
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "P")
        (picture,) = app.desk.scratch.iterdir()
        assert picture.suffix == ".svg" and "hall-2" in picture.read_text(encoding="utf-8")
        app.desk.read_only = True
        await press(pilot, "P")
        assert "this view only reads" in text(app)
        app.desk.read_only, app.desk.scratch = False, tmp_path / "not" / "there"
        await press(pilot, "P")
        assert "not written: No such file or directory" in text(app)
    assert len(list((tmp_path / "files").iterdir())) == 1
