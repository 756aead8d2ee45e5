"""Keys of one's own: read from a file, shown everywhere, and refused where they clash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tui.driving import app_on, page_of, press, read_all, screen_lines, text

from bringup.errors import UsageError
from bringup.tui.actions import ACTIONS, Place
from bringup.tui.keymap import Keymap, load, usual_place


def written(folder: Path, text_: str) -> Path:
    path = folder / "keys.toml"
    path.write_text(text_, encoding="utf-8")
    return path


def test_without_a_file_the_keys_are_those_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert usual_place() == tmp_path / "bringup" / "keys.toml"
    assert load() == Keymap()
    assert all(load().of(action) == action.keys for action in ACTIONS)
    usual_place().parent.mkdir()
    usual_place().write_text('[keys]\nhelp = "f1"\n')
    assert load().by_id("help") == "f1"


@pytest.mark.parametrize(
    ("text_", "said"),
    [
        ("[keys]\nfilterr = 'f'", "no action 'filterr'; did you mean filter?"),
        ("[keys]\nfilter = 7", "filter: needs a key"),
        ("[keys]\nfilter = []", "filter: needs a key"),
        ("[keys]\nfilter = ' '", "filter: needs a key"),
        ("[keys]\nfilter = 'a b'", "filter: needs a key"),
        ("[keys]\nfilter = 'ctrl+c'", "filter: ctrl+c belongs to the terminal"),
        ("[keys]\nfilter = 'z'", "z does both faults and filter (floor)"),
        ("[keys]\nhelp = 'q'", "q does both help and quit (floor)"),
        ("keys = 3", "needs one table [keys]"),
        ("[other]\na = 1", "needs one table [keys]"),
        ("[keys", "is no TOML"),
        ("[keys]\nx1 = 'a'\nx2 = 'b'", "no action 'x1'; no action 'x2'"),
    ],
)  # fmt: skip
def test_mistakes_are_said_all_at_once(text_: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        load(written(tmp_path, text_))
    assert said in str(error.value).replace("; did you mean x2?", "") or said in str(error.value)


def test_a_named_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.toml")


async def test_chosen_keys_work_and_are_shown(finished: Any, tmp_path: Path) -> None:
    keymap = load(written(tmp_path, '[keys]\nfaults = ["f2", "Z"]\ndefects = "D"\nfilter = ";"\n'))
    app = app_on(finished, keymap=keymap)
    async with app.run_test(size=(80, 24)) as pilot:
        await read_all(pilot, app)
        await press(pilot, "z")
        assert "faults only  " not in screen_lines(app)[2], "the old key does nothing any more"
        assert "f2 faults only" in screen_lines(app)[-1] and "D Defects" in screen_lines(app)[2]
        await press(pilot, "f2")
        assert screen_lines(app)[2].endswith("faults only")
        await press(pilot, "question_mark")
        assert "   f2 Z " in text(app)
        await press(pilot, "D")
        assert page_of(app).place is Place.DEFECTS
        await press(pilot, "3", "1")
        assert page_of(app).place is Place.FLOOR
        await press(pilot, "semicolon", *"gpu-009", "enter")
        assert "/gpu-009" in screen_lines(app)[2]
