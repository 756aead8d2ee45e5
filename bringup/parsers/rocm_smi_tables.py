"""The tables of rocm-smi for people: the overview without options, and the matrices of `--showtopo`.

The overview may take two lines for each GPU, the second with its name; the matrices have a title in a line of equal
signs. Both end with "End of ROCm SMI Log".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

OVERVIEW = Command("rocm-smi", needs=("rocm-smi",), timeout_s=60.0)
TOPOLOGY = Command("rocm-smi --showtopo", needs=("rocm-smi",), timeout_s=60.0)

_GAP = re.compile(r"\s{2,}")
_TITLE = re.compile(r"=+ (?P<title>\S.{0,60}?) =+")
_RULE = re.compile(r"={10,}")
_END = "End of ROCm SMI Log"
_GPU = re.compile(r"GPU(?P<index>[0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Row:
    """One GPU of the overview: heading -> what stands there, with its unit. `name` where it has its own line."""

    gpu: int
    cells: Mapping[str, str]
    name: str | None = None


def parse_overview(text: str) -> tuple[Row, ...]:
    """The GPUs of OVERVIEW."""
    lines = _body(text)
    head = next((i for i, line in enumerate(lines) if re.match(r"(?:Device|GPU)\s", line)), None)
    if head is None:
        raise ParseError(f"rocm-smi: no heading in {quoted(text)}")
    columns = _GAP.split(lines[head].strip())[1:]
    rows: list[Row] = []
    for line in lines[head + 1 :]:
        first, *cells = _GAP.split(line.strip())
        if not line.startswith(" "):
            if len(cells) != len(columns):
                raise ParseError(f"rocm-smi: {quoted(line)} has {len(cells)} cells, not {len(columns)}")
            rows.append(Row(whole(first, "rocm-smi: device"), dict(zip(columns, cells, strict=True))))
        elif rows and rows[-1].name is None:
            rows[-1] = Row(rows[-1].gpu, rows[-1].cells, line.strip())
        elif rows:
            raise ParseError(f"rocm-smi: {quoted(line)} is not known")
    if not rows:
        raise ParseError("rocm-smi lists no GPU")
    return tuple(rows)


def parse_topology(text: str) -> Mapping[str, Mapping[tuple[int, int], str]]:
    """Each matrix by its title (`Link Type between two GPUs`): the words between two GPUs."""
    tables: dict[str, dict[tuple[int, int], str]] = {}
    title = ""
    columns: list[int] = []
    rows = 0
    for line in _body(text, titles=True):
        words = line.split()
        if match := _TITLE.fullmatch(line.strip()):
            _whole_table(title, columns, rows)
            title, columns, rows = match["title"], [], 0
        elif not columns and all(_GPU.fullmatch(word) for word in words):
            columns = [_index(word) for word in words]
            tables[title] = {}
        elif columns and _GPU.fullmatch(words[0]) and len(words) == len(columns) + 1:
            tables[title] |= {
                (_index(words[0]), to): word for to, word in zip(columns, words[1:], strict=True)
            }
            rows += 1
        elif columns or not words[0].startswith("GPU["):
            raise ParseError(f"rocm-smi: {quoted(line)} is not part of a matrix")
    _whole_table(title, columns, rows)
    if not tables:
        raise ParseError(f"rocm-smi: no matrix in {quoted(text)}")
    return tables


def _body(text: str, *, titles: bool = False) -> list[str]:
    """The lines without rules (and titles). Raises ParseError where the end is missing."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    ends = [i for i, line in enumerate(lines) if (m := _TITLE.fullmatch(line.strip())) and m["title"] == _END]
    if not ends:
        raise ParseError(f"rocm-smi: {quoted(text)} has no end; it is cut off, or not its output")
    kept = [line for line in lines[: ends[0]] if not _RULE.fullmatch(line.strip())]
    return kept if titles else [line for line in kept if not _TITLE.fullmatch(line.strip())]


def _whole_table(title: str, columns: list[int], rows: int) -> None:
    if columns and rows != len(columns):
        raise ParseError(f"rocm-smi: {title} has {rows} rows and {len(columns)} columns")


def _index(word: str) -> int:
    return int(word.removeprefix("GPU"))
