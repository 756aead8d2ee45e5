"""The screen of repairs runs the commands that a person would type. The hall is invented."""

from __future__ import annotations

from typing import Any

from tui.driving import SIZES, app_on, page_of, press, read_all, text
from tui.reading import LOOK, read, table

from bringup.tui.actions import Place
from bringup.tui.defect_rows import find, listed
from bringup.tui.repair import (
    REPAIR_COLUMNS,
    claim_command,
    fixed_command,
    repair_rows,
    retest_command,
    swap_command,
    typed,
)
from bringup.tui.table import ready
from bringup.tui.widgets.bigtable import BigTable


def test_the_rows_tell_what_was_measured_and_how_far_it_is(finished: Any) -> None:
    view = read(finished.folder)
    shown = table(REPAIR_COLUMNS, ready(repair_rows(view, listed(view)[:1], LOOK)), 100)
    assert shown.split("\n")[1] == " X D-7F3A    R02 U2   gpu-009      mlx5_3   write_bw 187.4 Gb/s… open"


def test_the_commands_name_the_run_and_the_defects(finished: Any) -> None:
    run, runs = str(finished.folder), str(finished.folder.parent)
    folder = finished.folder
    assert typed(retest_command(folder, ["D-1", "D-2"])) == [
        "bringup", "retest", run, "--runs", runs, "--defect", "D-1", "--defect", "D-2",
    ]  # fmt: skip
    assert typed(retest_command(folder, ["D-1"], only_plan=True))[-1] == "--plan"
    assert typed(claim_command(folder, ["D-1"])) == ["bringup", "claim", "--runs", runs, "--", "D-1"]
    assert typed(fixed_command(folder, ["D-1"])) == ["bringup", "fixed", "--runs", runs, "--", "D-1"]


def test_a_swap_test_takes_a_good_port_of_the_same_node(finished: Any) -> None:
    view = read(finished.folder)
    port, gpu = find(view, "D-7F3A"), find(view, "D-11C0")
    assert port is not None and gpu is not None
    run, runs = str(finished.folder), str(finished.folder.parent)
    assert typed(swap_command(view, port)) == [
        "bringup", "swap", "--runs", runs, "--run", run, "--", "gpu-009:mlx5_3", "gpu-009:mlx5_0",
    ]  # fmt: skip
    assert swap_command(view, gpu) == [], "a GPU has no cable to change"


@SIZES
async def test_the_screen_of_repairs(size: Any, finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        await press(pilot, "3", "space", "6")
        rows = page_of(app).query_one(BigTable).rows
        assert page_of(app).place is Place.REPAIR and list(rows.keys) == ["D-7F3A"]
        for key, said in (("r", "bringup retest "), ("R", "bringup retest "), ("c", "bringup claim "),
                          ("f", "bringup fixed "), ("X", "bringup swap ")):  # fmt: skip
            await press(pilot, key)
            assert f"not from here; type: {said}" in text(app), key
        await press(pilot, "enter")
        assert page_of(app).place is Place.DEFECT
        await press(pilot, "escape")
        app.desk.read_only = True
        await press(pilot, "r")
        assert "this view only reads" in text(app)


async def test_nothing_is_proven_while_the_run_goes_on(running: Any) -> None:
    app = app_on(running)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "6")
        await pilot.pause(0.3)
        await press(pilot, "r")
        assert "the run goes on" in text(app) or "no defect is selected" in text(app)
