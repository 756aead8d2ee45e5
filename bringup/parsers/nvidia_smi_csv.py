"""`nvidia-smi --query-…=… --format=csv`: few fields of many GPUs, read by the header and never by position.

Cells may repeat the unit of the header, `[N/A]` and `N/A` occur in one row, a cell may be empty, and words
such as "None" or "In Progress" are real values. Which fields exist depends on the driver, and one unknown
field fails the whole call.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.nvidia_smi_errors import is_complaint

COMPUTE_APPS = Command(
    "nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv,noheader,nounits",
    timeout_s=20.0,
    needs=("nvidia-smi",),
    estimate_s=1.0,
)

_NOT_REPORTED = frozenset(
    {"", "n/a", "not supported", "unknown error", "gpu is lost", "insufficient permissions",
     "requested functionality has been deprecated"}
)  # fmt: skip
_HEADER = re.compile(r"[A-Za-z][\w.\-]*(?: \[[^\]]{1,20}\])?")
_MOST_ROWS = 100_000
_WARNING = re.compile(r"\s*WARNING: infoROM is corrupted at gpu ", re.IGNORECASE)
"""What nvidia-smi prints below any answer; other checks judge it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name as the header writes it and its unit (empty if there is none)."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class App:
    """A process that uses a GPU. `memory_mib` is None where the driver does not tell (MIG, containers)."""

    pid: int
    name: str
    memory_mib: int | None


Row = Mapping[str, str | None]


def fields(text: str) -> tuple[Field, ...]:
    """The columns of a csv answer with header."""
    return _header(_records(text)[0])


def parse(text: str) -> tuple[Row, ...]:
    """The rows of a csv answer with header: column name -> text, None for a cell that holds no value.

    Units are taken off where the header names them. Raises ParseError for a text without header, and for a
    row that has more or fewer cells than the header.
    """
    head, *body = _records(text)
    columns = _header(head)
    rows: list[Row] = []
    for cells in body:
        if len(cells) != len(columns):
            raise ParseError(
                f"csv row has {len(cells)} cells, its header has {len(columns)}: {cells[0][:40]!r}"
            )
        rows.append({c.name: _cell(cell, c.unit) for c, cell in zip(columns, cells, strict=True)})
    return tuple(rows)


def apps(text: str) -> tuple[App, ...]:
    """The processes in an answer of COMPUTE_APPS; empty where no process uses a GPU."""
    found: list[App] = []
    for line in text.splitlines():
        if not line.strip() or "No running processes found" in line or _WARNING.match(line):
            continue
        # A process name may hold commas: the first and the last cell are the numbers.
        first, _, rest = line.partition(",")
        name, comma, last = rest.rpartition(",")
        memory = _cell(last, "")
        if not comma or not first.strip().isdecimal() or not (memory is None or memory.isdecimal()):
            raise ParseError(f"nvidia-smi lists a process as {line.strip()[:80]!r}")
        if max(len(first.strip()), len(memory or "")) > 12:
            raise ParseError(f"nvidia-smi lists a process as {line.strip()[:80]!r}")
        found.append(App(int(first), name.strip(), None if memory is None else int(memory)))
    return tuple(found)


def _records(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip() and not is_complaint(line)]
    if not lines:
        raise ParseError("nvidia-smi printed no csv")
    if len(lines) > _MOST_ROWS:
        raise ParseError(f"nvidia-smi printed {len(lines)} rows")
    try:
        return [[cell.strip() for cell in record] for record in csv.reader(lines, skipinitialspace=True)]
    except csv.Error as error:
        raise ParseError(f"nvidia-smi printed what is no csv: {error}") from None


def _header(cells: list[str]) -> tuple[Field, ...]:
    columns: list[Field] = []
    for cell in cells:
        if not _HEADER.fullmatch(cell):
            raise ParseError(f"csv header cell {cell[:40]!r} is no column name")
        name, _, unit = cell.partition(" [")
        columns.append(Field(name, unit.rstrip("]")))
    if len({c.name for c in columns}) != len(columns):
        raise ParseError("csv header names a column twice")
    return tuple(columns)


def _cell(cell: str, unit: str) -> str | None:
    text = cell.strip()
    if text.strip("[]").lower() in _NOT_REPORTED:
        return None
    return text.removesuffix(f" {unit}") if unit else text
