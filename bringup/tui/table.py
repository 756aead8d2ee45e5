"""A table as data: columns, rows with a key that never changes, and their layout for a width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bringup.tui.look import Line, Look, Span, Tone

NARROW = 80


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `from_width` hides it on narrower terminals; `right` aligns numbers."""

    title: str
    width: int
    right: bool = False
    from_width: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One line. If there are fewer cells than columns, the last cell takes the rest of the line."""

    key: str
    cells: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Any number of rows: all keys at once, each row made only when it is drawn."""

    keys: Sequence[str] = ()
    make: Callable[[int], Row] = lambda index: Row("", ())

    def __len__(self) -> int:
        return len(self.keys)


def ready(rows: Sequence[Row]) -> Rows:
    """Rows that exist already."""
    return Rows([row.key for row in rows], rows.__getitem__)


def shown(columns: Sequence[Column], width: int) -> list[int]:
    """The indexes of the columns that this width has room for."""
    return [k for k, column in enumerate(columns) if column.from_width <= width]


def header(columns: Sequence[Column], width: int, look: Look) -> Line:
    """The titles above the columns."""
    return layout(columns, Row("", tuple((c.title, Tone.DIM) for c in columns)), width, look)


def layout(columns: Sequence[Column], row: Row, width: int, look: Look) -> Line:
    """One row as a line of exactly `width` cells; the last column gets what is left."""
    visible = [k for k in shown(columns, width) if k < len(row.cells)]
    line: list[Span] = [(" ", Tone.PLAIN)]
    used = 1
    for place, k in enumerate(visible):
        last = place == len(visible) - 1
        size = width - used if last else columns[k].width
        text, tone = row.cells[k]
        line.append(
            (
                look.fit(
                    text, max(0, size), right=columns[k].right and not (last and _spans(k, columns, row))
                ),
                tone,
            )
        )
        used += size
        if not last:
            line.append((" ", Tone.PLAIN))
            used += 1
    return tuple(line)


def _spans(k: int, columns: Sequence[Column], row: Row) -> bool:
    return k == len(row.cells) - 1 and k < len(columns) - 1
