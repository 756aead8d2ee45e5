"""nvbandwidth: copies between host and GPUs and between GPUs, from its JSON (`-j`).

The cells of a matrix are strings, N/A where a device would meet itself. "Waived" means that a test does not apply to
this machine; it is no failure and has no matrix. The sum is over all pairs. Warnings with braces may stand before and
after the document. The text for people is read in `nvbandwidth_text`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted
from bringup.parsers.reading_json import document_among_lines, figure, items, mapping, words, words_or_none

HOST_TO_DEVICE = "host_to_device_memcpy_ce"
DEVICE_TO_HOST = "device_to_host_memcpy_ce"
DEVICE_TO_DEVICE_WRITE = "device_to_device_memcpy_write_ce"

Matrix = tuple[tuple[float | None, ...], ...]


def run(tests: Sequence[str], binary: str = "nvbandwidth") -> Command:
    """Runs some tests by name."""
    return Command(
        f"{shlex.quote(binary)} -j -t {' '.join(shlex.quote(test) for test in tests)}",
        needs=(binary,),
        timeout_s=600.0,
        alone=True,
        estimate_s=20.0,
    )


@dataclass(frozen=True, slots=True)
class Result:
    """One test. `status` is the tool's word; only `Passed` has a matrix. `unit` is GB/s (10^9) or ns.

    `matrix[row][column]` by the numbers that CUDA gives to the devices; None: no such pair.
    """

    name: str
    status: str
    unit: str | None = None
    matrix: Matrix = ()
    total: float | None = None

    @property
    def cells(self) -> tuple[float, ...]:
        """All figures, without the pairs that do not exist."""
        return tuple(cell for row in self.matrix for cell in row if cell is not None)


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `waived` counts tests that the text form leaves without a name."""

    version: str | None
    driver: str | None
    tests: tuple[Result, ...]
    waived: int = 0


def parse(text: str) -> Report:
    """The run of a JSON report. Raises ParseError where it is cut off, or reports an error instead of tests."""
    root = mapping(document_among_lines(text, "nvbandwidth"), "nvbandwidth: the document")
    body = mapping(root.get("nvbandwidth"), "nvbandwidth: its report")
    if "testcases" not in body:
        raise ParseError(f"nvbandwidth ran no test: {quoted(str(body.get('error', 'no reason given')))}")
    tests = tuple(
        _test(mapping(e, "nvbandwidth: a test")) for e in items(body["testcases"], "nvbandwidth: testcases")
    )
    if not tests:
        raise ParseError("nvbandwidth ran no test")
    return Report(
        version=words_or_none(body.get("version"), "nvbandwidth: version"),
        driver=words_or_none(body.get("Driver Version"), "nvbandwidth: Driver Version"),
        tests=tests,
        waived=sum(test.status == "Waived" for test in tests),
    )


def _test(entry: dict[str, object]) -> Result:
    name = words(entry.get("name"), "nvbandwidth: name of a test")
    status = words(entry.get("status"), f"nvbandwidth {name}: status")
    if status != "Passed":
        return Result(name, status)
    rows = items(entry.get("bandwidth_matrix"), f"nvbandwidth {name}: matrix")
    matrix = tuple(tuple(_cell(c, name) for c in items(row, f"nvbandwidth {name}: row")) for row in rows)
    if not any(cell is not None for row in matrix for cell in row):
        raise ParseError(f"nvbandwidth {name}: the matrix has no figure")
    return Result(
        name=name,
        status=status,
        unit=unit_of(words(entry.get("bandwidth_description"), f"nvbandwidth {name}: description")),
        matrix=matrix,
        total=figure(entry.get("sum"), f"nvbandwidth {name}: sum"),
    )


def _cell(value: object, name: str) -> float | None:
    if isinstance(value, int | float):
        return figure(value, f"nvbandwidth {name}: cell")
    return cell(words(value, f"nvbandwidth {name}: cell"), name)


def cell(text: str, name: str) -> float | None:
    """A figure of a matrix; None where there is no such pair."""
    return None if text == "N/A" else number(text, f"nvbandwidth {name}: cell")


def unit_of(description: str) -> str:
    """The unit in the brackets at the end of a description."""
    for unit in ("GB/s", "ns"):
        if description.strip().endswith(f"({unit})"):
            return unit
    raise ParseError(f"nvbandwidth: {quoted(description)} names no known unit")
