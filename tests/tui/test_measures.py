"""Shades of one measurement over the floor. All numbers are invented."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tui.driving import SIZES, app_on, page_of, press, read_all, screen_lines
from tui.reading import LOOK, read

from bringup.model import Limit, Measurement, Outcome, Stage, Verdict
from bringup.tui.look import Mark, line_text
from bringup.tui.measures import Measure, Shade, Shading, Values, broken, legend, measures, shading, take
from bringup.tui.screens.floor import FloorPage

BW = Measure("rdma.write-bw", "write_bw")
AT_LEAST = Limit("rdma.write_bw", ">=", 370.0, "Gb/s")
AT_MOST = Limit("gpu.temperature", "<=", 80.0, "C")


def values(numbers: dict[str, float], limit: Limit | None = AT_LEAST) -> Values:
    return {name: Measurement("write_bw", number, "Gb/s", name, limit) for name, number in numbers.items()}


def test_shades_run_from_the_lowest_to_the_highest_value() -> None:
    found = shading(values({"a": 100.0, "b": 390.0, "c": 400.0, "d": 250.0})).shades
    assert found == {"a": Shade(1, False), "b": Shade(5, True), "c": Shade(5, True), "d": Shade(3, False)}


@pytest.mark.parametrize("limit", [AT_LEAST, None])
def test_values_that_are_all_alike_are_all_in_the_middle(limit: Limit | None) -> None:
    assert set(shading(values({"a": 400.0, "b": 400.0}, limit)).shades.values()) == {Shade(3, True)}
    assert shading({}) == Shading()


@pytest.mark.parametrize("numbers", [(-1.7e308, 1.7e308), (0.0, 5e-324), (math.nan, 1.0), (math.inf, 1.0)])
def test_numbers_at_the_edge_of_what_a_number_can_be_do_no_harm(numbers: tuple[float, float]) -> None:
    found = shading(values(dict(zip("ab", numbers, strict=True)), None)).shades
    assert all(1 <= shade.step <= 5 for shade in found.values())
    assert len(found) == sum(map(math.isfinite, numbers)), "what is no number has no shade"


@pytest.mark.parametrize(("limit", "worst"), [(AT_LEAST, 100.0), (AT_MOST, 400.0), (None, 400.0)])
def test_the_worst_value_of_a_node_counts(limit: Limit | None, worst: float) -> None:
    found: Values = {}
    for number in (200.0, 400.0, 100.0, 300.0):
        m = Measurement("write_bw", number, "Gb/s", "a/hca/x ~ b/hca/x", limit)
        take(found, Outcome(BW.check, Stage.RDMA, "t", ("a", "b"), Verdict.PASS, measurements=(m,)), BW)
    assert {name: m.value for name, m in found.items()} == {"a": worst, "b": worst}


def test_what_can_be_shown_are_numbers_read_at_nodes_with_limits_first() -> None:
    told = (
        Measurement("free", 3.0, "", "a"),
        Measurement("word", "x", "", "a", Limit("w", "==", "x")),
        Measurement("all", 1.0, "", "fleet", AT_LEAST),
        Measurement("rate", 9.0, "", "a/hca/x", AT_LEAST),
    )
    outcome = Outcome("link.rate", Stage.LINK, "a", ("a",), Verdict.FAIL, measurements=told)
    assert measures([outcome]) == [Measure("link.rate", "rate"), Measure("link.rate", "free")]
    assert broken(outcome) == Measure("link.rate", "rate")


def test_the_legend_tells_the_ends_of_the_scale_and_who_breaks_the_limit() -> None:
    found = values({"a": 187.4, "b": 391.2, "c": 392.0})
    assert line_text(legend(BW, shading(found).scale, found["a"], LOOK, 120)) == (
        " rdma.write-bw write_bw  here 187.4 Gb/s  ▁ 187.4 Gb/s  █ 392 Gb/s  needs at least 370 Gb/s  1 of 3 break it"
    )
    assert (
        line_text(legend(BW, shading({}).scale, None, LOOK, 80))
        == " rdma.write-bw write_bw  nothing measured yet"
    )
    assert len(line_text(legend(BW, shading(found).scale, found["a"], LOOK, 40))) <= 40


def test_a_watched_measurement_is_kept_up_to_date(running: Any) -> None:
    view = read(running.folder)
    view.watch(BW)
    before = dict(view.values)
    assert before["gpu-009"].value == 187.4 and "gpu-045" not in before
    running.stage(Stage.RDMA)
    while view.drain(1.0):
        pass
    assert set(view.values) > set(before) or len(view.values) == 63
    again = read(running.folder)
    again.watch(BW)
    assert again.values == view.values, "followed or read anew, the values are the same"
    view.watch(None)
    assert view.values == {}


@SIZES
async def test_groups_and_meanings_of_the_floor(size: Any, finished: Any) -> None:
    app = app_on(finished)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot, app)
        page = page_of(app)
        assert isinstance(page, FloorPage)
        for group in ("row", "leaf", "unit", "profile", "rack"):
            await press(pilot, "g")
            assert page.group == group
            assert set(page.mover.floor.cells) == set(app.desk.view.state.nodes)
        await press(pilot, "m")
        assert page.lens is Stage.RDMA and any("stage rdma only" in line for line in screen_lines(app))
        assert page.mover.marks["gpu-009"] is Mark.DEFECT and page.mover.marks["gpu-021"] is Mark.PASS
        await press(pilot, "less_than_sign", "less_than_sign")
        assert page.lens is Stage.GPU
        assert page.mover.marks["gpu-009"] is Mark.PASS and page.mover.marks["gpu-021"] is Mark.DEFECT
        await press(pilot, "m")
        assert page.lens == BW, "the first measurement is one that made a defect"
        assert page.mover.marks["gpu-009"] == Shade(1, False) and page.mover.marks["gpu-021"] == Shade(
            5, True
        )
        assert any("needs at least 370" in line for line in screen_lines(app))
        await press(pilot, "greater_than_sign")
        assert isinstance(page.lens, Measure) and page.lens != BW
        await press(pilot, "m")
        assert page.lens is None and page.mover.marks["gpu-009"] is Mark.DEFECT
