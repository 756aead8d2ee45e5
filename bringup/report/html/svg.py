"""The report's pictures: a grid of shaded cells, a histogram with its limits, a stacked bar. Rectangles only.

Hand-written on purpose: matplotlib with numpy is far larger than all of bringup, svgwrite is no longer maintained, and
pygal draws no grid of cells and ships scripts. What is drawn here is a few rectangles, which a function of thirty lines does,
without a dependency, with the page's own colours in light, dark and print, and with words for who cannot see them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.report.html.markup import Markup, joined, tag

CELL = 13
GAP = 2
_MOST_TITLED = 3_000
_BINS = 40
_CHAR = 6.1
"""Width of a character of the small type, in pixels."""


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
    parts: list[Markup] = []
    for index, name in enumerate(columns):
        x = left + index * step + cell / 2
        turn = None if upright else f"rotate(-50 {x:g} {top - 5:g})"
        anchor = "middle" if upright else "start"
        parts.append(tag("text", name, x=x, y=top - 4, text_anchor=anchor, transform=turn))
    parts += [
        tag("text", name, x=left - 5, y=top + i * step + cell / 2 + 3.5, text_anchor="end")
        for i, name in enumerate(rows)
    ]
    plain: dict[str, list[str]] = {}
    for (row, column), one in cells.items():
        x, y = left + column * step, top + row * step
        if titled or one.link or not one.shade.startswith("ok"):
            parts.append(_cell(one, x, y, cell))
        else:
            plain.setdefault(one.shade, []).append(f"M{x:g} {y:g}h{cell}v{cell}h-{cell}z")
    parts += [tag("path", class_=name, d="".join(paths)) for name, paths in plain.items()]
    width = left + wide * step + (0 if upright else longest * _CHAR * 0.7)
    return picture(parts, width, top + high * step, label, scale)


def few_enough(cells: int) -> bool:
    """Whether every cell of the page can carry its own words."""
    return cells <= _MOST_TITLED


def _cell(one: Cell, x: float, y: float, size: int, width: float | None = None, text: str = "") -> Markup:
    wide = size if width is None else width
    box = tag("rect", tag("title", one.title), class_=one.shade, x=x, y=y, width=wide, height=size, rx=2)
    drawn = [box]
    if one.glyph:
        drawn.append(
            tag("text", one.glyph, class_="glyph", x=x + size / 2, y=y + size / 2 + 3.5, text_anchor="middle")
        )
    if text:
        drawn.append(tag("text", text, class_=f"on-{one.shade}", x=x + size + 1, y=y + size / 2 + 3.5))
    return tag("a", *drawn, href=one.link) if one.link else joined(drawn)


def column(
    title: str, rows: Sequence[tuple[str, str, Cell]], *, label: str, units: int, scale: float = 1.0
) -> Markup:
    """A rack as one stands before it: from the top (unit, name, cell), one row each."""
    names = max((len(name) for _, name, _ in rows), default=0)
    left = units * _CHAR + 6 if units else 2.0
    wide = 15 + names * _CHAR + 5
    width = max(left + wide + 2, len(title) * 7.4)
    parts = [tag("text", title, class_="rack", x=2, y=12)]
    for index, (unit, name, cell) in enumerate(rows):
        y = 20 + index * 17
        if unit:
            parts.append(tag("text", unit, x=left - 5, y=y + 11, text_anchor="end"))
        parts.append(_cell(cell, left, y, 15, wide, name))
    return picture(parts, width, 20 + len(rows) * 17, label, scale)


def histogram(
    values: Sequence[float], limits: Sequence[tuple[str, float]], *, label: str, width: int = 300
) -> Markup:
    """How often which value, with the limits as lines; bins beyond a limit have the colour of what is out of order."""
    low, high = min(values), max(values)
    spread = high - low
    near = [bound for _, bound in limits if low - 3 * spread <= bound <= high + 3 * spread]
    near = [min(near), max(near)] if near else []
    low, high = min(low, *near) if near else low, max(high, *near) if near else high
    step = (high - low) / _BINS or 1.0
    counts = [0] * _BINS
    for value in values:
        counts[min(_BINS - 1, int((value - low) / step))] += 1
    height, each, most = 62, width / _BINS, max(counts)
    parts = []
    for index, count in enumerate(counts):
        if not count:
            continue
        tall = max(3.0, count / most * height)
        middle = low + (index + 0.5) * step
        kind = "bad1" if _beyond(middle, limits, step / 2) else "ok2"
        title = f"{low + index * step:.6g} to {low + (index + 1) * step:.6g}: {count:,}"
        parts.append(
            tag("rect", tag("title", title), class_=kind, x=round(index * each, 1), y=round(height - tall + 4, 1),
                width=round(each - 1, 1), height=round(tall, 1))
        )  # fmt: skip
    parts.append(tag("path", class_="axis", d=f"M0 {height + 4.5}H{width}"))
    for bound in dict.fromkeys(near):
        x = round((bound - low) / (high - low) * width, 1) if high > low else 0
        parts.append(tag("path", class_="limit", d=f"M{x:g} 0V{height + 8}"))
    parts.append(tag("text", f"{low:.5g}", x=0, y=height + 17))
    parts.append(tag("text", f"{high:.5g}", x=width, y=height + 17, text_anchor="end"))
    return picture(parts, width, height + 20, label)


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


def bar(parts: Sequence[tuple[str, int]], *, label: str, width: int = 360, height: int = 14) -> Markup:
    """A stacked bar of (class, count); whatever is there can be seen, however little it is."""
    total = sum(count for _, count in parts) or 1
    shown = [(kind, count, max(3.0, count / total * width)) for kind, count in parts if count]
    scale = width / (sum(wide for _, _, wide in shown) or 1)
    drawn, x = [], 0.0
    for kind, count, wide in shown:
        drawn.append(
            tag("rect", tag("title", f"{kind}: {count:,}"), class_=f"v-{kind}", x=round(x, 1), y=0,
                width=round(wide * scale, 1), height=height)
        )  # fmt: skip
        x += wide * scale
    return picture(drawn, width, height, label)


def picture(parts: Sequence[Markup], width: float, height: float, label: str, scale: float = 1.0) -> Markup:
    """An SVG of this size; `label` is read aloud instead of it."""
    w, h = round(width + 1), round(height + 1)
    size = {"width": round(w * scale), "height": round(h * scale)}
    return tag("svg", *parts, role="img", aria_label=label, viewBox=f"0 0 {w} {h}", **size)
