"""The report's pictures: a grid of shaded cells, a rack, a histogram with its limits and its axis, a stacked bar.

Matplotlib draws them (`canvas` puts what it drew into the page): it has the histogram, the axis with round numbers and the
rest of a scientific plot, and it needs neither scripts nor a display. Colours are classes of the page's style sheet, and each
picture has words for who cannot see it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bringup.report.html.canvas import Canvas, Link, drawing
from bringup.report.html.markup import Markup

CELL = 13
GAP = 2
_CORNER = 2
_MOST_TITLED = 3_000
_CHAR = 6.1
"""Width of a character of the small type, in pixels."""
_BINS = 40
_TICKS = 5
_WIDTH, _PLOT = 300, 62
"""A histogram's bars, in pixels."""
_LETTERS = _WIDTH / _CHAR
"""So many letters stand below them."""
_OVER = 4 / _PLOT
"""How far its limits reach over them."""
_FURTHEST = 1e300
"""Beyond it the spread of two values is no number any more."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a grid: its shade (a class of the style sheet) and what it says when pointed at."""

    shade: str
    title: str
    glyph: str = ""
    link: str = ""


def shade(value: float, limit: float | None, low: float, high: float) -> str:
    """`bad0` (least of the limit) to `bad2`, `ok0` to `ok3` (best). Colours are those of the style sheet."""
    if limit is not None and value < limit:
        share = value / limit if limit > 0 else 0.0
        return "bad0" if share < 0.5 else "bad1" if share < 0.85 else "bad2"
    base = low if limit is None else limit
    step = (value - base) / (high - base) if high > base else 1.0
    return f"ok{max(0, min(3, int(step * 4)))}"


@drawing()
def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Mapping[tuple[int, int], Cell],
    *,
    label: str,
    cell: int = CELL,
    titled: bool = True,
    upright: bool = True,
    scale: float = 1.0,
) -> Markup:
    """Rows by columns; names may be left out where cells are too small for them.

    With `titled` false only cells that are out of order say anything, which keeps big pages small.
    """
    left = max((len(name) for name in rows), default=0) * _CHAR + 6
    longest = max((len(name) for name in columns), default=0)
    top = 14.0 if upright else longest * _CHAR * 0.75 + 10
    step = cell + GAP
    high = max((row for row, _ in cells), default=-1) + 1
    wide = max((column for _, column in cells), default=-1) + 1
    high, wide = max(high, len(rows)), max(wide, len(columns))
    width = left + wide * step + (0 if upright else longest * _CHAR * 0.7)
    canvas = Canvas(width, top + high * step)
    for index, name in enumerate(columns):
        x = left + index * step + cell / 2
        canvas.text(x, top - 4, name, align="center" if upright else "left", turn=0 if upright else 50)
    for index, name in enumerate(rows):
        canvas.text(left - 5, top + index * step + cell / 2 + 3.5, name, align="right")
    plain: dict[str, list[tuple[float, float]]] = {}
    for (row, column), one in cells.items():
        x, y = left + column * step, top + row * step
        if titled or one.link or not one.shade.startswith("ok"):
            _cell(canvas, one, x, y, cell)
        else:
            plain.setdefault(one.shade, []).append((x, y))
    for kind, corners in plain.items():
        canvas.boxes(corners, cell, kind)
    return canvas.svg(label, scale)


def few_enough(cells: int) -> bool:
    """Whether every cell of the page can carry its own words."""
    return cells <= _MOST_TITLED


def _cell(
    canvas: Canvas, one: Cell, x: float, y: float, size: int, width: float | None = None, text: str = ""
) -> None:
    link = Link(one.link) if one.link else None
    wide = size if width is None else width
    canvas.box(x, y, wide, size, one.shade, title=one.title, link=link, corner=_CORNER)
    base = y + size / 2 + 3.5
    if one.glyph:
        canvas.text(x + size / 2, base, one.glyph, "glyph", align="center", link=link)
    if text:
        canvas.text(x + size + 1, base, text, f"on-{one.shade}", link=link)


@cache
@drawing()
def swatch(kind: str, glyph: str = "") -> Markup:
    """One cell for a legend, whose words stand beside it."""
    canvas = Canvas(13, 13)
    canvas.box(1, 1, 12, 12, kind, corner=_CORNER)
    if glyph:
        canvas.text(7, 10.5, glyph, "glyph", align="center")
    return canvas.svg(None)


@drawing()
def column(
    title: str, rows: Sequence[tuple[str, str, Cell]], *, label: str, units: int, scale: float = 1.0
) -> Markup:
    """A rack as one stands before it: from the top (unit, name, cell), one row each."""
    names = max((len(name) for _, name, _ in rows), default=0)
    left = units * _CHAR + 6 if units else 2.0
    wide = 15 + names * _CHAR + 5
    canvas = Canvas(max(left + wide + 2, len(title) * 7.4), 20 + len(rows) * 17)
    canvas.text(2, 12, title, "rack")
    for index, (unit, name, cell) in enumerate(rows):
        y = 20 + index * 17
        if unit:
            canvas.text(left - 5, y + 11, unit, align="right")
        _cell(canvas, cell, left, y, 15, wide, name)
    return canvas.svg(label, scale)


@drawing()
def histogram(values: Sequence[float], limits: Sequence[tuple[str, float]], *, label: str) -> Markup:
    """How often which value, with the limits as lines; bins beyond a limit have the colour of what is out of order."""
    values = [max(-_FURTHEST, min(_FURTHEST, value)) for value in values]
    low, high = min(values), max(values)
    spread = high - low
    near = [bound for _, bound in limits if low - 3 * spread <= bound <= high + 3 * spread]
    near = [min(near), max(near)] if near else []
    low, high = min(low, *near, high), max(high, *near, low)
    alike = max(abs(low), abs(high)) * 1e-9 or 1.0
    if high - low < alike:  # too near to each other for forty bins
        low, high = low - alike, high + alike
    step = (high - low) / _BINS
    counts = Counter(min(_BINS - 1, int((value - low) / step)) for value in values)
    most = max(counts.values())
    canvas, axes = _axes((low, high), most)
    found = sorted(counts.items())
    heights = [max(count, most * 3 / _PLOT) for _, count in found]  # what is there can be seen
    bars = axes.bar([low + index * step for index, _ in found], heights, step * 0.87, align="edge")
    for (index, count), drawn in zip(found, bars.patches, strict=True):
        start, end = low + index * step, low + (index + 1) * step
        kind = "bad1" if _beyond((start + end) / 2, limits, step / 2) else "ok2"
        canvas.name(drawn, kind, title=f"{start:.6g} to {end:.6g}: {count:,}")
    for bound in dict.fromkeys(near):
        canvas.name(axes.axvline(bound, -_OVER, 1 + _OVER, clip_on=False), "limit")
    _value_axis(canvas, axes, (low, high), all(value == round(value) for value in values))
    return canvas.svg(label)


def _axes(span: tuple[float, float], most: int) -> tuple[Canvas, Axes]:
    """Axes for bars of which only the line of values is seen."""
    canvas = Canvas(_WIDTH, _PLOT + 20)
    bottom = 1 - (_PLOT + 4) / canvas.height
    axes = canvas.figure.add_axes(
        (0, bottom, _WIDTH / canvas.width, _PLOT / canvas.height), xlim=span, ylim=(0, most)
    )
    axes.set_autoscale_on(False)
    axes.patch.set_visible(False)
    axes.yaxis.set_visible(False)
    axes.spines[["left", "right", "top"]].set_visible(False)
    canvas.name(axes.spines.bottom, "axis")
    return canvas, axes


def _value_axis(canvas: Canvas, axes: Axes, span: tuple[float, float], whole: bool) -> None:
    """Round numbers below the bars; those at the ends stay within the picture."""
    low, high = span
    wide = high - low
    places = MaxNLocator(_TICKS, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    ticks = [float(place) for place in places if low - wide * 1e-6 <= place <= high + wide * 1e-6]
    digits = max(6, math.ceil(math.log10(max(abs(low), abs(high)) / wide)) + 3)
    if sum(len(f"{tick:.{digits}g}") + 1 for tick in ticks) > _LETTERS:
        ticks = [ticks[0], ticks[-1]]
    axes.set_xticks(ticks, [f"{tick:.{digits}g}" for tick in ticks], parse_math=False)
    axes.tick_params(length=0, pad=5.5)
    marks = axes.vlines(ticks, -_OVER, 0, transform=axes.get_xaxis_transform(), clip_on=False)
    canvas.name(marks, "axis")
    for tick, written in zip(ticks, axes.get_xticklabels(), strict=True):
        words = written.get_text()
        at, half = (tick - low) / wide, len(words) / 2 / _LETTERS
        written.set_horizontalalignment("left" if at < half else "right" if at > 1 - half else "center")
        canvas.name(written, None, words=words)


def _beyond(value: float, limits: Sequence[tuple[str, float]], half: float) -> bool:
    """Whether a bin is out of every limit; a bin that touches a limit counts as kept."""
    out = {
        ">=": lambda bound: value + half <= bound,
        ">": lambda bound: value + half <= bound,
        "<=": lambda bound: value - half >= bound,
        "<": lambda bound: value - half >= bound,
        "==": lambda bound: abs(value - bound) > half * 1.01,
        "!=": lambda bound: abs(value - bound) <= half * 1.01,
    }
    return bool(limits) and all(op in out and out[op](bound) for op, bound in limits)


@drawing()
def bar(parts: Sequence[tuple[str, int]], *, label: str, width: int = 360, height: int = 14) -> Markup:
    """A stacked bar of (class, count); whatever is there can be seen, however little it is."""
    total = sum(count for _, count in parts) or 1
    shown = [(kind, count, max(3.0, count / total * width)) for kind, count in parts if count]
    scale = width / (sum(wide for _, _, wide in shown) or 1)
    canvas, x = Canvas(width, height), 0.0
    for kind, count, wide in shown:
        canvas.box(x, 0, wide * scale, height, f"v-{kind}", title=f"{kind}: {count:,}")
        x += wide * scale
    return canvas.svg(label)
