"""A cable plan as people keep it in a spreadsheet: one row for each cable, both ends, label, length, part number.

The columns are found by their headings, in any order; others are passed over. A cell is text and nothing else.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from bringup.inventory import names
from bringup.inventory.problems import Problems, did_you_mean, quoted
from bringup.inventory.types import Cable

MOST_BYTES = 64 << 20
_MOST_ROWS = 2_000_000
_MOST_CELL = 200
_COLUMNS: dict[str, tuple[str, ...]] = {
    "a_node": ("ahost", "anode", "aname", "adevice", "host", "node", "sourcehost", "source", "fromhost", "from"),
    "a_port": ("aport", "hostport", "nodeport", "sourceport", "fromport", "hca"),
    "b_node": ("bswitch", "bhost", "bnode", "bname", "bdevice", "switch", "leaf", "destination", "tohost", "to"),
    "b_port": ("bport", "switchport", "leafport", "destinationport", "toport"),
    "label": ("label", "cablelabel", "cable", "cableid"),
    "length": ("length", "lengthm", "cablelength"),
    "part": ("part", "partnumber", "pn", "cablepn", "cablepart", "cablepartnumber"),
}  # fmt: skip
_NEEDED = {"a_node": "A host", "a_port": "A port", "b_node": "B switch", "b_port": "B port"}
_LENGTH = re.compile(r"(?P<number>[0-9]{1,5}(?:[.,][0-9]{1,3})?) ?(?:m|meters?|metres?)?", re.IGNORECASE)


class BadFile(Exception):
    """The file cannot be read at all."""


def read(path: Path, nodes: Collection[str], problems: Problems, *, others: bool) -> list[Cable]:
    """The cables of a file that join one of these nodes, in the order of its rows; `line` is the row's.

    A row whose ends are both no node is a mistake, unless `others` says that the file tells of other machines too. An
    end of a row may stand on either side. Raises BadFile.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise BadFile(f"cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        raise BadFile(f"is no UTF-8 text (byte {error.start})") from None
    if len(data) > MOST_BYTES:
        raise BadFile(f"is larger than {MOST_BYTES >> 20} MiB")
    rows = _rows(text, problems)
    line, heading = next(rows, (1, []))
    columns = _columns(heading)
    missing = [said for key, said in _NEEDED.items() if key not in columns]
    if missing:
        wanted = ", ".join(missing)
        problems.add(
            line,
            f"the first row has no column {wanted}; it names the columns: A host, A port, B switch, B port",
        )
        return []
    found: list[Cable] = []
    for line, row in rows:
        cell = {key: row[index].strip() if index < len(row) else "" for key, index in columns.items()}
        if cable := _cable(line, cell, nodes, problems, others=others):
            found.append(cable)
    return found


def _rows(text: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Every row that holds anything, with its line. Comments begin with #."""
    first = text.lstrip().split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    before = 0
    try:
        for count, row in enumerate(reader):
            line, before = before + 1, reader.line_num
            if count > _MOST_ROWS:
                problems.add(line, f"has more than {_MOST_ROWS:,} rows")
                return
            if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                yield line, row
    except csv.Error as error:
        problems.add(reader.line_num, f"is no CSV from here on: {error}")


def _columns(heading: Sequence[str]) -> dict[str, int]:
    """The place of each known column; the first of several counts."""
    bare = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in heading]
    found: dict[str, int] = {}
    for key, known in _COLUMNS.items():
        index = next((bare.index(name) for name in known if name in bare), None)
        if index is not None:
            found[key] = index
    return found


def _cable(
    line: int, cell: dict[str, str], nodes: Collection[str], problems: Problems, *, others: bool
) -> Cable | None:
    empty = [said for key, said in _NEEDED.items() if not cell[key]]
    if empty:
        problems.add(line, f"has no {' and no '.join(empty)}")
        return None
    bad = next((text for text in cell.values() if len(text) > _MOST_CELL or not text.isprintable()), None)
    if bad is not None:
        problems.add(line, f"{quoted(bad, 40)} is too long or has a control character")
        return None
    a, b = (cell["a_node"], cell["a_port"]), (cell["b_node"], cell["b_port"])
    if a[0] not in nodes and b[0] in nodes:
        a, b = b, a
    if a[0] not in nodes:
        if not others:
            problems.once(
                line,
                "node",
                f"no node {quoted(a[0])}{did_you_mean(a[0], nodes)}; rows of other machines need others: ignore",
            )
        return None
    if not names.is_name(b[0]):
        problems.add(line, names.bad_name(b[0]))
        return None
    spaced = next((port for port in (a[1], b[1]) if any(c.isspace() for c in port)), None)
    if spaced is not None:
        problems.add(line, f"port {quoted(spaced)} has a blank in it")
        return None
    length = _length(cell.get("length", ""))
    if length is not None and math.isnan(length):
        problems.add(line, f"length {quoted(cell['length'])} is no number of metres")
        return None
    return Cable(*a, *b, cell.get("label", ""), length, line, cell.get("part", ""))


def _length(text: str) -> float | None:
    """Metres; None where nothing is said, NaN for what is no length."""
    if not text:
        return None
    match = _LENGTH.fullmatch(text)
    value = float(match["number"].replace(",", ".")) if match else math.nan
    return value if value > 0 else math.nan
