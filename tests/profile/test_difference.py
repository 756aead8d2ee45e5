"""What two profiles do not have in common. All files are invented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bringup.profile import load
from bringup.profile.difference import Difference, Kind, Side, differences

Write = Callable[..., None]


def limit(name: str, value: str, why: str = "w", op: str = ">=", unit: str = "GB/s") -> str:
    return f'[limits."{name}"]\nop = "{op}"\nvalue = {value}\nunit = "{unit}"\nwhy = "{why}"\nsource = "s"\n'


def fact(name: str, value: str) -> str:
    return f'[facts."{name}"]\nvalue = {value}\nwhy = "w"\nsource = "s"\n'


def test_everything_that_differs_and_nothing_else(write: Write, tmp_path: Path) -> None:
    write("base", limit("same", "1") + limit("lost", "2") + limit("other", "3") + fact("list", '["a", "b"]'))
    write("old", limit("word", '"up"', op="==", unit=""), '["base"]')
    write(
        "new",
        limit("other", "4.5") + limit("same", "1") + limit("word", '"up"', "better", "==", "") + fact("flag", "true")
        + fact("list", '["a"]'),
    )  # fmt: skip
    found = differences(load("old", [tmp_path]), load("new", [tmp_path]))
    assert found == [
        Difference("fact", "flag", Kind.ADDED, None, Side("true", "w [s]", "new.toml:22")),
        Difference(
            "fact", "list", Kind.CHANGED, Side("[a, b]", "w [s]", "base.toml:22"), Side("[a]", "w [s]", "new.toml:26")
        ),
        Difference("limit", "lost", Kind.REMOVED, Side(">= 2 GB/s", "w [s]", "base.toml:10"), None),
        Difference(
            "limit", "other", Kind.CHANGED, Side(">= 3 GB/s", "w [s]", "base.toml:16"),
            Side(">= 4.5 GB/s", "w [s]", "new.toml:4"),
        ),
        Difference(
            "limit", "word", Kind.REWORDED, Side('== "up"', "w [s]", "old.toml:4"),
            Side('== "up"', "better [s]", "new.toml:16"),
        ),
    ]  # fmt: skip


def test_the_same_in_another_file_and_order_is_no_difference(write: Write, tmp_path: Path) -> None:
    write("a", limit("x", "1") + limit("y", "2"))
    write("b", limit("y", "2.0") + fact("f", "1") + limit("x", "1"))
    write("c", fact("f", "1"), '["a"]')
    assert differences(load("b", [tmp_path]), load("c", [tmp_path])) == []
