"""The terminal UI. Importing this package does not load Textual; `watch` does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from bringup.errors import RunFolderError

PLAIN_TERMINALS = ("linux", "vt100", "vt102", "vt220", "ansi")
"""Consoles whose fonts lack the glyphs: they get ASCII without being asked."""


def watch(
    folder: Path,
    *,
    ascii_mode: bool = False,
    slow_link: bool = False,
    clock: Callable[[], float] = time.time,
    earlier: Path | None = None,
    start: str = "",
    speed: float | None = None,
    stepping: bool = False,
    read_only: bool = False,
    keys: Path | None = None,
) -> None:
    """Show the run in this folder until the person leaves; a run that goes on goes on.

    With `start` (a time), `speed` or `stepping` the run is played again. `earlier` is a run to compare with. The
    journal may not exist yet. `keys` is a file of keys. Raises RunFolderError if a folder itself does not exist,
    UsageError for a time that is none or keys that clash.
    """
    for path in (folder, *([earlier] if earlier else [])):
        if not path.is_dir():
            raise RunFolderError(f"{path}: no such run folder")
    if slow_link:  # read by Textual when it is imported
        os.environ.setdefault("TEXTUAL_FPS", "5")
        os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    from bringup.tui.app import BringupApp
    from bringup.tui.compared import Earlier
    from bringup.tui.keymap import load
    from bringup.tui.replay import Replay

    keymap = load(keys)
    replay = None
    if start or speed is not None or stepping:
        replay = Replay(folder / "journal.jsonl", start=start, speed=speed or 1.0, paused=stepping)
    farewell = BringupApp(
        folder,
        ascii_mode=ascii_mode or os.environ.get("TERM", "") in PLAIN_TERMINALS,
        slow_link=slow_link,
        clock=clock,
        replay=replay,
        earlier=Earlier(earlier) if earlier else None,
        read_only=read_only,
        keymap=keymap,
    ).run()
    if farewell:
        print(farewell)
