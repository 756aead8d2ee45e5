"""The pictures of the manual show what the screens show, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui.pictures import SCENES, Scene, draw, story, words

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
async def test_the_picture_of_the_manual_is_the_screen(scene: Scene, tmp_path: Path) -> None:
    told = story(tmp_path / "0821-1002", running=scene.running)
    now = words(await draw(scene, told))
    kept = words((PICTURES / f"tui-{scene.name}.svg").read_text(encoding="utf-8"))
    assert now == kept, "draw them again: PYTHONPATH=tests python tests/tui/pictures.py docs/pictures"
    assert len(now.split("\n")) > 5


def test_the_manual_shows_every_picture() -> None:
    manual = (PICTURES.parent / "tui.md").read_text(encoding="utf-8")
    assert [s.name for s in SCENES if f"pictures/tui-{s.name}.svg" not in manual] == []
    assert sorted(p.name for p in PICTURES.glob("tui-*.svg")) == sorted(f"tui-{s.name}.svg" for s in SCENES)
