"""Collects every mistake of one inventory, so that a person mends the file once and not line by line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from bringup.errors import InventoryError, Problem

MOST_SHOWN = 100
_MOST_KEPT = 10_000
_MOST_COMPARED = 2_000
_MOST_WORD = 300


class Problems:
    """The mistakes of one file. `once` keeps a mistake that many nodes share from being told many times."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: dict[tuple[str, int | None, str], Problem] = {}
        self._topics: set[tuple[int | None, str]] = set()

    def of(self, file: str) -> Problems:
        """Where the mistakes of another file go that this one names; all are raised together."""
        other = Problems(file)
        other._found = self._found
        return other

    @property
    def file(self) -> str:
        return self._file

    def add(self, line: int | None, what: str) -> None:
        if len(self._found) < _MOST_KEPT:
            self._found.setdefault((self._file, line, what), Problem(self._file, line, what))

    def once(self, line: int | None, topic: str, what: str) -> None:
        """Only the first problem of this topic at this line."""
        if (line, topic) not in self._topics:
            self._topics.add((line, topic))
            self.add(line, what)

    def __len__(self) -> int:
        return len(self._found)

    def raise_any(self) -> None:
        """Raises InventoryError with all problems in the order of the file, if there are any."""
        if not self._found:
            return
        ordered = sorted(self._found.values(), key=lambda p: (p.file != self._file, p.line or 0))
        shown, more = ordered[:MOST_SHOWN], len(ordered) - MOST_SHOWN
        if more > 0:
            shown.append(Problem(self._file, shown[-1].line, f"... and {more} more problems after this one"))
        raise InventoryError(shown)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """`; did you mean X?` for the nearest known word, or nothing. Another padding, case or dash is nearest."""
    same = next((k for k in known if _bare(k) == _bare(word)), None) if len(word) < _MOST_WORD else None
    near = [k for k in known if abs(len(k) - len(word)) <= 3][:_MOST_COMPARED]
    lower = {k.lower(): k for k in reversed(near)}
    matches = [same] if same else [lower[m] for m in difflib.get_close_matches(word.lower(), list(lower), 1)]
    return f"; did you mean {matches[0]}?" if matches else ""


def _bare(word: str) -> str:
    """A word without what people get wrong in node names: gpu-001, GPU1 and gpu_01 are the same."""
    parts: list[str] = re.findall(r"[0-9]+|[a-z]+", word.lower())
    return " ".join(part.lstrip("0") if part.isdecimal() else part for part in parts)


def quoted(text: str, most: int = 80) -> str:
    """What a person wrote, in quotes on one line and not too long."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[: most + 1])
    return f'"{shown[:most]}..."' if len(text) > most or len(shown) > most else f'"{shown}"'
