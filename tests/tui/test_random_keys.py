"""Whatever is pressed, no screen fails and the run is only read."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tui.driving import app_on, page_of, until

from bringup.tui.actions import ACTIONS
from bringup.tui.replay import Replay

KEYS = sorted(
    {key for action in ACTIONS for key in action.keys if action.id not in ("quit", "detach", "stop", "kill")}
)
TYPED = [*"gpu-0[1]:*!,", "enter", "tab", "backspace", "f7"]


@pytest.mark.parametrize("seed", [2])
async def test_five_hundred_random_keys_on_a_replay(seed: int, finished: Any, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file()}
    chance = random.Random(seed)
    replay = Replay(finished.folder / "journal.jsonl", start="+3m", speed=50.0)
    app = app_on(finished, replay=replay)
    app.desk.scratch = tmp_path / "written"
    app.desk.scratch.mkdir()
    async with app.run_test(size=chance.choice([(80, 24), (160, 48)])) as pilot:
        await until(pilot, lambda: len(app.desk.view.marks) == 64)
        for number in range(500):
            await pilot.press(chance.choice(KEYS if chance.random() < 0.85 else TYPED))
            if number % 100 == 50:
                await pilot.resize_terminal(*chance.choice([(80, 24), (160, 48), (30, 8)]))
        await pilot.pause()
        assert page_of(app).ready and app.return_code is None
    after = {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file()}
    assert after == before, "the run folder is only read"
