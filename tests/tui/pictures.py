"""The pictures of the manual: scenes of an invented run, drawn by the real app. A test compares their words.

PYTHONPATH=tests python tests/tui/pictures.py docs/pictures
"""

from __future__ import annotations

import asyncio
import html
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui.story import Story

from bringup.model import Stage
from bringup.tui.app import BringupApp

NARROW, WIDE = (80, 24), (120, 34)


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture: what is pressed, on a terminal of which size, while the run goes on or after it."""

    name: str
    keys: str
    size: tuple[int, int] = NARROW
    running: bool = False


SCENES = (
    Scene("floor", "n"),
    Scene("floor-running", "", WIDE, running=True),
    Scene("floor-shades", "m m n"),
    Scene("stages", "2", WIDE),
    Scene("results", "2 end enter"),
    Scene("defects", "3", WIDE),
    Scene("defect", "3 enter"),
    Scene("node", "n n enter", WIDE),
    Scene("evidence", "n n enter n n e"),
    Scene("cables", "5"),
    Scene("repair", "3 space space 6"),
    Scene("list", "3 space space p"),
    Scene("leaving", "q", running=True),
)


def story(folder: Path, *, running: bool) -> Story:
    """A run of 64 nodes, in the middle of its last stage or over."""
    told = Story(folder)
    if not running:
        told.whole()
        return told
    told.begin()
    for stage in (Stage.REACH, Stage.HOST, Stage.GPU, Stage.LINK):
        told.stage(stage)
    told.stage(Stage.RDMA, part=0.61)
    told.journal.close()
    return told


async def draw(scene: Scene, told: Story) -> str:
    """The scene as SVG."""
    now = told.clock.now
    app = BringupApp(told.folder, clock=lambda: now)
    async with app.run_test(size=scene.size) as pilot:
        await _until(lambda: not app.desk.view.behind and bool(app.desk.view.marks))
        await pilot.pause(0.2)
        for key in scene.keys.split():
            await pilot.press(key)
            await pilot.pause(0.05)
        await pilot.pause(0.3)
        return app.export_screenshot(title=f"bringup watch: {scene.name}", simplify=True)


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the run was never read")


def words(svg: str) -> str:
    """The text of a picture line by line: what stays the same when the drawing of pictures changes."""
    lines: dict[int, str] = {}
    for number, text in re.findall(r'<text[^>]*clip-path="url\(#[^"]*line-(\d+)\)"[^>]*>(.*?)</text>', svg):
        lines[int(number)] = lines.get(int(number), "") + " " + html.unescape(text).replace("\xa0", " ")
    return "\n".join(" ".join(lines[k].split()) for k in sorted(lines))


def main(folder: Path) -> None:
    """Draw all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        stories = {
            running: story(Path(scratch) / f"{running}" / "0821-1002", running=running)
            for running in (False, True)
        }
        for scene in SCENES:
            svg = asyncio.run(draw(scene, stories[scene.running]))
            (folder / f"tui-{scene.name}.svg").write_text(svg, encoding="utf-8")
            print(words(svg), end="\n\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
