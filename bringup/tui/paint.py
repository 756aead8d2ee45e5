"""Colours: from tones to styles, chosen so that orange and blue carry the meaning and 16 colours are enough.

The numbers are of the terminal's 256 colours; a terminal with 16 gets the nearest of them. Without colour the glyphs
and words say the same.
"""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from bringup.tui.look import Line, Tone


def _style(color: int, *, bold: bool | None = None, underline: bool | None = None) -> Style:
    return Style(color=Color.from_ansi(color), bold=bold, underline=underline)


DARK: dict[Tone, Style] = {
    Tone.PLAIN: Style(),
    Tone.DIM: _style(245),
    Tone.BOLD: Style(bold=True),
    Tone.TITLE: Style(bold=True, underline=True),
    Tone.GOOD: _style(40, bold=True),
    Tone.DEFECT: _style(202, bold=True),
    Tone.CONFIG: _style(214),
    Tone.UNKNOWN: _style(227, underline=True),
    Tone.RUNNING: _style(51),
    Tone.FIXED: _style(75),
    Tone.MATCH: Style(bold=True, reverse=True),
    Tone.CURSOR: Style(reverse=True),
    Tone.CHANGED: Style(bold=True, underline=True, color=Color.from_ansi(201)),
    Tone.TICKED: Style(bold=True, underline=True, reverse=True, color=Color.from_ansi(75)),
}
LIGHT: dict[Tone, Style] = {
    **DARK,
    Tone.DIM: _style(243),
    Tone.GOOD: _style(28, bold=True),
    Tone.DEFECT: _style(160, bold=True),
    Tone.CONFIG: _style(130),
    Tone.UNKNOWN: _style(94, underline=True),
    Tone.RUNNING: _style(25),
    Tone.FIXED: _style(20),
}


def strip(line: Line, width: int, base: Style, *, light: bool = False, cursor: bool = False) -> Strip:
    """One painted line of exactly this width. The line under the cursor is reversed as a whole."""
    tones = LIGHT if light else DARK
    if cursor:
        reverse = base + tones[Tone.CURSOR]
        segments = [Segment(text, reverse + Style(bold=tones[tone].bold)) for text, tone in line]
        return Strip(segments).adjust_cell_length(width, reverse)
    return Strip([Segment(text, base + tones[tone]) for text, tone in line]).adjust_cell_length(width, base)
