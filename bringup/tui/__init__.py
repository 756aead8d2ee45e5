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
) -> None:
    """Show the run in this folder until the person leaves; a run that goes on goes on.

    The journal may not exist yet. Raises RunFolderError if the folder itself does not.
    """
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: no such run folder")
    if slow_link:  # read by Textual when it is imported
        os.environ.setdefault("TEXTUAL_FPS", "5")
        os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    from bringup.tui.app import BringupApp

    ascii_mode = ascii_mode or os.environ.get("TERM", "") in PLAIN_TERMINALS
    farewell = BringupApp(folder, ascii_mode=ascii_mode, slow_link=slow_link, clock=clock).run()
    if farewell:
        print(farewell)
