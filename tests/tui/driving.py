"""Driving the app in tests: keys, waiting, and reading what stands on the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from bringup.tui.app import BringupApp
from bringup.tui.screens.page import Page

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])


def app_on(story: Any, **more: Any) -> BringupApp:
    return BringupApp(story.folder, clock=lambda: story.clock.now, **more)


def page_of(app: BringupApp) -> Page:
    page = app.page
    assert page is not None
    return page


def screen_lines(app: BringupApp) -> list[str]:
    """What stands on the terminal."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    lines = ["".join(segment.text for segment in strip) for strip in strips]
    assert len(lines) == height
    assert all(len(line) >= width - 1 for line in lines if line.isascii())
    return [line.rstrip() for line in lines]


def text(app: BringupApp) -> str:
    return "\n".join(screen_lines(app))


async def press(pilot: Pilot[str], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def until(pilot: Pilot[str], holds: Callable[[], bool]) -> None:
    """Wait for something that a timer of the app brings about."""
    for _ in range(200):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.05)
    raise AssertionError("it never came about")


async def read_all(pilot: Pilot[str], app: BringupApp) -> None:
    """Wait until the app has read the whole journal of a finished run."""
    await until(pilot, lambda: app.desk.view.over and page_of(app)._drawn == app.desk.view.version)
