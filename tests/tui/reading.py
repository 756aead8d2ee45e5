"""Rows and lines of the screens as text, for tests that compare them word by word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bringup.tui.feed import RunView
from bringup.tui.look import Line, Look, line_text
from bringup.tui.table import Column, Rows, header, layout

LOOK = Look()


def read(folder: Path) -> RunView:
    found = RunView(folder)
    while found.drain(1.0):
        pass
    return found


def lines(found: Sequence[Line]) -> str:
    return "\n".join(line_text(line).rstrip() for line in found)


def table(columns: Sequence[Column], rows: Rows, width: int = 80, look: Look = LOOK) -> str:
    painted = [header(columns, width, look)] + [
        layout(columns, rows.make(k), width, look) for k in range(len(rows))
    ]
    return lines(painted)
