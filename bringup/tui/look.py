"""What every state looks like: a glyph, a tone and a word, so that no meaning hangs on colour alone.

Screens are built as plain data (lines of spans) and painted at the very end; this module knows nothing of Textual.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size

from bringup.report import text as safe


class Tone(StrEnum):
    """The role of a piece of text; `paint` gives it a colour."""

    PLAIN = "plain"
    DIM = "dim"
    BOLD = "bold"
    TITLE = "title"
    GOOD = "good"
    DEFECT = "defect"
    CONFIG = "config"
    UNKNOWN = "unknown"
    RUNNING = "running"
    FIXED = "fixed"
    MATCH = "match"
    CURSOR = "cursor"
    TICKED = "ticked"
    CHANGED = "changed"


Span = tuple[str, Tone]
Line = tuple[Span, ...]


class Mark(StrEnum):
    """The state of a node, component or result, worst first."""

    DEFECT = "defect"
    CONFIG = "config"
    UNKNOWN = "unknown"
    RUNNING = "running"
    NOT_RUN = "not run"
    FIXED = "fixed"
    PASS = "pass"
    WAITING = "waiting"


MARKS: tuple[Mark, ...] = tuple(Mark)
TROUBLE: frozenset[Mark] = frozenset({Mark.DEFECT, Mark.CONFIG, Mark.UNKNOWN, Mark.NOT_RUN})


def worst(marks: list[Mark]) -> Mark:
    """The worst of these marks; WAITING if there is none."""
    return min(marks, key=MARKS.index, default=Mark.WAITING)


@dataclass(frozen=True, slots=True)
class Sign:
    """How a mark is drawn."""

    glyph: str
    ascii: str
    tone: Tone
    says: str


SIGNS: dict[Mark, Sign] = {
    Mark.WAITING: Sign(" ", " ", Tone.PLAIN, "nothing judged yet"),
    Mark.RUNNING: Sign("▸", ">", Tone.RUNNING, "a test runs now"),
    Mark.PASS: Sign("·", ".", Tone.DIM, "everything judged so far is right"),
    Mark.FIXED: Sign("○", "o", Tone.FIXED, "passed when it was tested again"),
    Mark.DEFECT: Sign("X", "X", Tone.DEFECT, "proven; somebody must go there"),
    Mark.CONFIG: Sign("C", "C", Tone.CONFIG, "proven; configuration, software or plan"),
    Mark.UNKNOWN: Sign("?", "?", Tone.UNKNOWN, "could not be judged"),
    Mark.NOT_RUN: Sign("-", "-", Tone.DIM, "blocked; the reason is on the node's page"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """Turns words into text that the terminal can show. In ASCII mode nothing above 0x7e leaves it."""

    ascii: bool = False

    def glyph(self, mark: Mark) -> str:
        sign = SIGNS[mark]
        return sign.ascii if self.ascii else sign.glyph

    def sign(self, mark: Mark) -> Span:
        """The glyph with its tone."""
        return self.glyph(mark), SIGNS[mark].tone

    def named(self, mark: Mark) -> Span:
        """Glyph and word with their tone."""
        return f"{self.glyph(mark)} {mark.value}", SIGNS[mark].tone

    @property
    def dot(self) -> str:
        """What separates two facts on one line."""
        return " - " if self.ascii else " · "

    @property
    def cut(self) -> str:
        """What stands where a text was cut."""
        return "~" if self.ascii else "…"

    @property
    def dash(self) -> str:
        return "-" if self.ascii else "─"

    @property
    def bar(self) -> tuple[str, str, str]:
        """Filled, empty and limit mark of a bar."""
        return ("#", ".", "|") if self.ascii else ("█", "░", "┃")

    def shade(self, step: int) -> str:
        """A value's place among all: 1 is the lowest, 5 the highest."""
        return str(step) if self.ascii else "▁▂▄▆█"[step - 1]

    def text(self, raw: str, most: int = 300) -> str:
        """Text of unknown origin on one line: no control characters; in ASCII mode only ASCII."""
        return self.folded(safe.line(raw, most))

    def folded(self, text: str) -> str:
        """Text of ours for this terminal."""
        if not self.ascii:
            return text
        return safe.for_encoding(text.translate(_TO_ASCII), "ascii")

    def fit(self, text: str, width: int, *, right: bool = False) -> str:
        """Exactly `width` cells of the text: padded, or cut with a sign that it was cut."""
        if width <= 0:
            return ""
        size = cell_len(text)
        if size <= width:
            gap = " " * (width - size)
            return gap + text if right else text + gap
        return set_cell_size(text, width - 1) + self.cut


_TO_ASCII = str.maketrans({"·": ".", "–": "-", "—": "-", "µ": "u"})


def line_text(line: Line) -> str:
    """The characters of a line without their tones."""
    return "".join(text for text, _ in line)


def spaced(parts: list[Span], gap: str = "  ") -> Line:
    """Spans with a gap between them; empty ones fall out."""
    kept = [part for part in parts if part[0]]
    line: list[Span] = []
    for part in kept:
        if line:
            line.append((gap, Tone.PLAIN))
        line.append(part)
    return tuple(line)


def wrapped(text: str, width: int, *, indent: str = "") -> list[str]:
    """The text broken at spaces into lines of at most `width` cells; a longer word is broken hard."""
    lines: list[str] = []
    line = ""
    room = max(width - len(indent), 8)
    for word in text.split():
        while cell_len(word) > room:
            head = set_cell_size(word, room).rstrip()
            if line:
                lines.append(line)
                line = ""
            lines.append(head)
            word = word[len(head) :]
        if line and cell_len(line) + 1 + cell_len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        lines.append(line)
    return [indent + part for part in lines]
