"""The text that nvbandwidth prints for people, in its versions since 0.2.

Only for output that somebody else took: `nvbandwidth.run` asks for JSON. A test that was begun and has no SUM was
cut off. Waived tests stand there without a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.errors import ParseError
from bringup.parsers.nvbandwidth import Report, Result, cell, unit_of
from bringup.parsers.reading import number, quoted

_ABOUT = re.compile(r"(?P<key>nvbandwidth Version|Driver Version): (?P<value>\S{1,40})")
_BEGIN = re.compile(r"Running (?P<name>\w{1,80})\.", re.ASCII)
_SUM = re.compile(r"SUM (?P<name>\w{1,80}) (?P<total>\S{1,24})", re.ASCII)
_WAIVED = re.compile(r"Waived:.*", re.IGNORECASE)
_ERROR = re.compile(r"(?:ERROR|Error|\[.{1,80}\]).*")


def parse(text: str) -> Report:
    """The run."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    about = {m["key"]: m["value"] for line in lines if (m := _ABOUT.fullmatch(line))}
    tests = tuple(_tests(lines))
    if "nvbandwidth Version" not in about or not tests:
        raise ParseError(f"nvbandwidth: no test in {quoted(text)}")
    return Report(
        version=about["nvbandwidth Version"],
        driver=about.get("Driver Version"),
        tests=tests,
        waived=sum(_WAIVED.fullmatch(line) is not None for line in lines),
    )


def _tests(lines: list[str]) -> Iterator[Result]:
    name = ""
    own: list[str] = []
    for line in lines:
        if begin := _BEGIN.fullmatch(line):
            _finished(name)
            name, own = begin["name"], []
        elif not name:
            continue
        elif total := _SUM.fullmatch(line):
            if total["name"] != name:
                raise ParseError(f"nvbandwidth: {name} ends with the sum of {total['name']}")
            yield _test(name, own, total["total"])
            name = ""
        elif _WAIVED.fullmatch(line):
            yield Result(name, "Waived")
            name = ""
        elif _ERROR.fullmatch(line):
            yield Result(name, "Error")
            name = ""
        else:
            own.append(line)
    _finished(name)


def _finished(name: str) -> None:
    if name:
        raise ParseError(f"nvbandwidth: {name} has no sum; the output is cut off")


def _test(name: str, lines: list[str], total: str) -> Result:
    """Description, column numbers and rows; each row begins with its number."""
    if len(lines) < 3:
        raise ParseError(f"nvbandwidth: {name} has no matrix")
    description, columns, *rows = lines
    width = len(columns.split())
    matrix = []
    for row in rows:
        label, *cells = row.split()
        if not label.isdigit() or len(cells) != width:
            raise ParseError(f"nvbandwidth: {name} has a row {quoted(row)}")
        matrix.append(tuple(cell(text, name) for text in cells))
    return Result(
        name, "Passed", unit_of(description), tuple(matrix), number(total, f"nvbandwidth: SUM {name}")
    )
