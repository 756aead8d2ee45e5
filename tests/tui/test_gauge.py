"""The bar: it reaches the limit's mark exactly when the limit is kept. Values are invented."""

from __future__ import annotations

import pytest

from bringup.model import Limit, Measurement
from bringup.tui.gauge import gauge
from bringup.tui.look import Look

LOOK = Look(ascii=True)


def bar(value: float | str, op: str, bound: float | str | bool, width: int = 12) -> str:
    return gauge(Measurement("m", value, "", "n", Limit("l", op, bound)), width, LOOK)


@pytest.mark.parametrize(
    ("value", "op", "bound", "shown"),
    [
        (187.4, ">=", 370.0, "[####...|..]"),
        (369.9, ">=", 370.0, "[######.|..]"),
        (370.0, ">=", 370.0, "[#######|..]"),
        (7.0, "==", 8.0, "[######.|..]"),
        (9.0, "==", 8.0, "[######|#..]"),
        (0.0, "<=", 0.0, "[|.........]"),
        (3.0, "<=", 0.0, "[|#######..]"),
        (0.2, "<=", 5.0, "[........|.]"),
        (10.0, "<=", 5.0, "[####|###..]"),
        ("active", "==", "active", ""),
        (1.0, "==", True, ""),
        (1.0, "!=", 2.0, ""),
        (1.0, "~", 2.0, ""),
        (-4.0, "<=", 5.0, ""),
        (float("inf"), "<=", 5.0, ""),
        (float("nan"), ">=", 5.0, ""),
        (1.7e308, ">=", 1.0, ""),
    ],
)
def test_bars(value: float | str, op: str, bound: float | str | bool, shown: str) -> None:
    assert bar(value, op, bound) == shown


@pytest.mark.parametrize("op", [">=", ">", "<=", "<", "=="])
@pytest.mark.parametrize("value", [0.0, 0.001, 1.0, 99.0, 100.0, 101.0, 1e9])
def test_the_mark_is_covered_by_the_bar_only_as_the_limit_says(op: str, value: float) -> None:
    shown = bar(value, op, 100.0, 14)
    assert len(shown) == 14
    mark = shown.index("|")
    keeps = Limit("l", op, 100.0).holds(value)
    if op in ("<=", "<"):
        assert ("#" in shown[mark:]) is not keeps
    else:
        assert (shown[1:mark].strip("#") == "") is (keeps or value > 100.0)
    if op == "==":
        assert ("#" in shown[mark:]) is (value > 100.0)


def test_without_a_limit_there_is_no_bar() -> None:
    assert gauge(Measurement("m", 5.0, "", "n"), 12, LOOK) == ""
    assert bar(5.0, ">=", 1.0, width=5) == ""
