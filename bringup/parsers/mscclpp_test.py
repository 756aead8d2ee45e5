"""mscclpp-test: its log, and the results that its option `-o` writes, one JSON object in each line.

Nothing in that file marks a failure or the end: what was wrong is in the log alone, which ends with a line of its own
(layout by test/mscclpp-test/common.cc; no log of a real machine was at hand).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted
from bringup.parsers.reading_json import count, document, figure, mapping, words, words_or_none


@dataclass(frozen=True, slots=True)
class Result:
    """One size of one kernel. Bandwidths in GB/s (10^9), size in bytes. `target`: latency or throughput."""

    name: str
    kernel: int
    ranks: int
    ranks_per_node: int
    size_bytes: int
    algbw_gbs: float
    busbw_gbs: float
    time_us: float
    target: str | None


@dataclass(frozen=True, slots=True)
class Log:
    """What a test printed. `wrong` is the number of wrong elements of all sizes, None where nothing was compared.

    `concluded`: the closing line is there; `bad_ranks` is the number that it gives.
    """

    ranks: int
    rows: int
    wrong: int | None
    concluded: bool
    bad_ranks: int = 0


TIMEOUT_S = 120.0
_FILE = "mscclpp-test.jsonl"
_BEGIN = re.compile(r"^# minBytes \d+ maxBytes \d+ step: .* kernel num: \d+[ \t]*$", re.M | re.ASCII)
_RANK = re.compile(
    r"^#\s{1,4}Rank\s{1,4}\d{1,6} Pid\s{1,8}\d{1,10} on\s{1,12}\S{1,255} device\s{1,4}\d{1,4} \[",
    re.M | re.ASCII,
)
_ROW = re.compile(
    r"^\s{1,20}\d{1,18}\s{1,20}\d{1,18}(?:\s{1,50}\d{1,12}(?:\.\d{1,4})?){3}(?:\s{1,12}(?P<wrong>\d{1,18}))?[ \t]*$",
    re.M | re.ASCII,
)
_END = re.compile(r"^# Out of bounds values : (?P<ranks>\d{1,9}) (?:OK|FAILED)[ \t]*$", re.M | re.ASCII)


def job(mpirun: str, binary: str, gpus: int, options: Sequence[str]) -> Command:
    """The program with a rank for each GPU of a node, its results checked; its file of results comes behind its log."""
    program = shlex.join((mpirun, "-np", str(gpus), binary, *options, "-c", "1", "-o", _FILE))
    return Command(
        f"rm -f {_FILE}\nOMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 {program}\nstatus=$?\n"
        f"cat {_FILE} 2>/dev/null\nrm -f {_FILE}\nexit $status\n",
        timeout_s=TIMEOUT_S,
        max_bytes=1 << 18,
        needs=(mpirun, binary),
        alone=True,
        estimate_s=20.0,
    )


def parse_log(text: str) -> Log | None:
    """The log of a test; None where none began."""
    begin = _BEGIN.search(text)
    if begin is None:
        return None
    rows = list(_ROW.finditer(text, begin.end()))
    wrong = [row["wrong"] for row in rows]
    end = _END.search(text, begin.end())
    return Log(
        len(_RANK.findall(text, begin.end())),
        len(rows),
        sum(int(number) for number in wrong if number) if rows and None not in wrong else None,
        end is not None,
        int(end["ranks"]) if end else 0,
    )


def results(text: str) -> tuple[Result, ...]:
    """The results among the lines of a log. Raises ParseError where there is none, or a line is cut off."""
    return parse("\n".join(line for line in text.splitlines() if line.startswith("{")))


def parse(text: str) -> tuple[Result, ...]:
    """The results in their order. Raises ParseError where there is none, or a line is cut off."""
    found = tuple(_result(line) for line in text.splitlines() if line.strip())
    if not found:
        raise ParseError("mscclpp-test wrote no result")
    return found


def _result(line: str) -> Result:
    entry = mapping(document(line, "mscclpp-test"), f"mscclpp-test: {quoted(line)}")
    return Result(
        name=words(entry.get("name"), "mscclpp-test: name"),
        kernel=count(entry.get("kernel"), "mscclpp-test: kernel"),
        ranks=count(entry.get("ranks"), "mscclpp-test: ranks"),
        ranks_per_node=count(entry.get("ranksPerNode"), "mscclpp-test: ranksPerNode"),
        size_bytes=count(entry.get("size"), "mscclpp-test: size"),
        algbw_gbs=figure(entry.get("algBw"), "mscclpp-test: algBw"),
        busbw_gbs=figure(entry.get("busBw"), "mscclpp-test: busBw"),
        time_us=figure(entry.get("time"), "mscclpp-test: time"),
        target=words_or_none(entry.get("target"), "mscclpp-test: target"),
    )
