"""The table that `dcgmi diag` prints for people, in its versions 2 to 4.

Only for output that somebody else took: `dcgmi_diag.diag` asks for JSON. Cells are wrapped at a fixed width in the
middle of words, so the pieces are joined without a blank. A test may be called like the heading of the table. The
last rule ends the table; without it the run is not whole, and what it proves is only its failures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bringup.errors import ParseError
from bringup.parsers.dcgmi_diag import Diagnosis, DiagTest, Result, gpu_list, status
from bringup.parsers.reading import quoted

_WIDTH = 45
"""Characters of a piece of a wrapped cell."""

_ROW = re.compile(r"\|(?P<name>[^|]{20,40})\|(?P<cell>[^|]*)\|?\s*")
_BAR = re.compile(r"[|+]-{3,}\s+(?P<category>\S.{0,40}?)\s+-{3,}\+-{10,}[|+]")
_RULE = re.compile(r"\+[-=]{10,}\+[-=]{10,}\+")
_FACT = re.compile(r".*(?:Version|Versions|Detected)")
_MESSAGE = re.compile(r"(?:Error|Warning|Info)\b.*")
_STATUS_WORD = r"(?P<status>Pass|Fail|Warn|Skip|Skipped|Not Run)"
_RESULT = re.compile(rf"{_STATUS_WORD}(?: - (?:All|GPUs?: (?P<gpus>[0-9, ]{{1,400}})))?")
_OWN_RESULT = re.compile(rf"GPU ?(?P<gpu>[0-9]{{1,3}}): {_STATUS_WORD}")


@dataclass(slots=True)
class _Row:
    """One row with its continuation lines, before they are understood."""

    category: str | None
    name: str
    pieces: list[str]


@dataclass(slots=True)
class _Open:
    """A test that is still being read."""

    name: str
    category: str | None
    results: list[Result] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def parse(text: str) -> Diagnosis:
    """The run. Raises ParseError where there is no row of the table at all."""
    lines = [line for line in text.splitlines() if line.strip()]
    facts: dict[str, str] = {}
    tests: list[_Open] = []
    stray: list[str] = []
    for row in _rows(lines):
        if row.category == "Metadata" or _FACT.fullmatch(row.name):
            facts[row.name] = _joined(row.pieces)
        elif _MESSAGE.fullmatch(row.name):
            (tests[-1].messages if tests else stray).append(_joined(row.pieces))
        else:
            tests.append(_test(row))
    if not tests and not stray:
        raise ParseError(f"dcgmi diag: no test in {quoted(text)}")
    return Diagnosis(
        tests=tuple(DiagTest(t.name, t.category, tuple(t.results), tuple(t.messages)) for t in tests),
        facts=facts,
        whole=bool(_RULE.fullmatch(lines[-1].strip())) and "=" not in lines[-1],
        stray=tuple(stray),
    )


def _rows(lines: list[str]) -> Iterator[_Row]:
    category: str | None = None
    row: _Row | None = None
    for line in lines:
        if bar := _BAR.fullmatch(line.strip()):
            category = bar["category"]
        elif match := _ROW.fullmatch(line.strip()):
            name = match["name"].strip()
            if not name and row is not None:
                row.pieces.append(match["cell"])
                continue
            if row is not None:
                yield row
            row = (
                None
                if (name, match["cell"].strip()) == ("Diagnostic", "Result")
                else _Row(category, name, [match["cell"]])
            )
        elif (
            line.lstrip().startswith(("|", "+"))
            and not _RULE.fullmatch(line.strip())
            and line is not lines[-1]
        ):
            raise ParseError(f"dcgmi diag: {quoted(line)} is not a row, or is cut off")
    if row is not None:
        yield row


def _joined(pieces: list[str]) -> str:
    """A text of several pieces. Each but the last fills its width, with a blank at the wrap if there was one."""
    bare = [piece.removeprefix(" ").rstrip() for piece in pieces]
    return "".join([*(piece.ljust(_WIDTH) for piece in bare[:-1]), *bare[-1:]]).strip()


def _test(row: _Row) -> _Open:
    """Results come one in each line, `Fail - GPU: 0`; what is none is a message, wrapped or not."""
    test = _Open(row.name, row.category)
    said: list[str] = []
    for piece in row.pieces:
        words = piece.strip()
        own, result = _OWN_RESULT.fullmatch(words), _RESULT.fullmatch(words)
        if own:
            test.results.append(Result(status(own["status"], row.name), (int(own["gpu"]),)))
        elif result:
            gpus = gpu_list(result["gpus"].strip(), row.name) if result["gpus"] else None
            test.results.append(Result(status(result["status"], row.name), gpus))
        else:
            said.append(piece)
    if not test.results:
        raise ParseError(f"dcgmi diag: the result of {quoted(row.name)} is {quoted(row.pieces[0])}")
    if said:
        test.messages.append(_joined(said))
    return test
