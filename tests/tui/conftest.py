"""Invented runs as fixtures; what happens in them is in story.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tui.hall import STAGES
from tui.story import Story

from bringup.model import Stage


@pytest.fixture
def make_story(tmp_path: Path) -> Callable[..., Story]:
    """A maker of invented runs in a temporary folder."""

    def make(name: str = "0821-1002", **more: object) -> Story:
        return Story(tmp_path / name, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def finished(make_story: Callable[..., Story]) -> Story:
    """An invented run of 64 nodes that has ended."""
    story = make_story()
    story.whole()
    return story


@pytest.fixture
def running(make_story: Callable[..., Story]) -> Iterator[Story]:
    """An invented run of 64 nodes in the middle of its last stage; the journal is still open."""
    story = make_story("running")
    story.begin()
    for stage in STAGES[:-1]:
        story.stage(stage)
    story.stage(Stage.RDMA, part=0.61)
    yield story
    story.journal.close()


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the screens write, they write where they were started."""
    monkeypatch.chdir(tmp_path)
