"""How fast the processors of a node reach their memory: STREAM where the site has it, else bringup's own program.

Both count every byte read or written, in GB/s (10^9). STREAM prints MB/s (10^6), the best of its runs.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from bringup import programs
from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import inside
from bringup.parsers.inside import HERE, Place
from bringup.parsers.reading import number, quoted
from bringup.parsers.reading_json import count, figure, mapping

STREAM, OWN = "stream", "memory"
VERSION = 2
MOST_MIB = 4096
"""The largest buffer that the program takes."""
_KEY = "bringup_memory_load"
_END = "BRINGUP_END_OF_PROGRAM"
_ROW = re.compile(
    r"(?P<name>Copy|Scale|Add|Triad):\s+(?P<best>[0-9.]{1,15})\s+[0-9.]{1,15}\s+[0-9.]{1,15}\s+[0-9.]{1,15}"
)
_VALID = "Solution Validates"


def stream(binary: str, *, place: Place = HERE, env: tuple[tuple[str, str], ...] = ()) -> Command:
    """The site's own STREAM binary: array size and threads are what it was built and what the node is set up for."""
    return _command(place, env, inside.lookup(binary, inside.section(STREAM, shlex.quote(binary))), 10.0)


def own(
    seconds: float, *, buffer_mib: int = 64, python: str = "python3", place: Place = HERE,
    env: tuple[tuple[str, str], ...] = (),
) -> Command:  # fmt: skip
    """Copies on all processors at once for some seconds, in buffers of this size where the free memory allows it."""
    run = (
        f"{shlex.quote(python)} - bringup-memory-load --seconds {seconds:g} --buffer-mib {buffer_mib:d} <<'{_END}'\n"
        f"{programs.text(programs.MEMORY_LOAD)}{_END}\n"
    )
    return _command(place, env, inside.lookup(python, inside.section(OWN, run)), seconds + 1)


def _command(place: Place, env: tuple[tuple[str, str], ...], inner: str, seconds: float) -> Command:
    return Command(
        place.script(inner, env), timeout_s=120.0 + seconds, needs=place.needs, root=place.root, alone=True,
        estimate_s=seconds,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MemorySpeed:
    """`copy_gbs` and, where the program measures it, `triad_gbs`. `processors` None: the program does not tell.

    `wrong` are copies that differ from what was copied.
    """

    copy_gbs: float
    triad_gbs: float | None
    processors: int | None
    wrong: int = 0


def parse_stream(text: str) -> MemorySpeed:
    """A run of STREAM. Raises ParseError where its own check of the results did not pass, or is missing."""
    rows = {m["name"]: m["best"] for line in text.splitlines() if (m := _ROW.fullmatch(line.strip()))}
    if "Copy" not in rows or "Triad" not in rows:
        raise ParseError(f"STREAM printed no rates: {quoted(text)}")
    if _VALID not in text:
        raise ParseError("STREAM does not say that its results are right, or was cut off")
    copy, triad = (number(rows[name], f"STREAM {name}") / 1000 for name in ("Copy", "Triad"))
    return MemorySpeed(copy, triad, None)


def parse_own(text: str) -> MemorySpeed:
    """A run of bringup's program. Raises ParseError if a processor gave no result."""
    line = next((line for line in reversed(text.splitlines()) if line.startswith(f'{{"{_KEY}"')), None)
    if line is None:
        raise ParseError(
            f"bringup's memory load printed no report: {quoted(text) if text.strip() else 'nothing'}"
        )
    try:
        body = mapping(json.loads(line), _KEY)
    except (ValueError, RecursionError):
        raise ParseError(f"bringup's memory load: the report is cut off: {quoted(line)}") from None
    if body.get(_KEY) != VERSION:
        raise ParseError(f"bringup's memory load: version {quoted(str(body.get(_KEY)))} is not known")
    processors, silent = (count(body.get(name), f"{_KEY}: {name}") for name in ("processors", "silent"))
    if silent or processors == 0:
        raise ParseError(f"bringup's memory load: {silent} of {processors} processors gave no result")
    copied = figure(body.get("copy_gbs"), f"{_KEY}: copy_gbs")
    if copied <= 0:
        raise ParseError(f"bringup's memory load: {copied} GB/s")
    return MemorySpeed(copied, None, processors, count(body.get("wrong"), f"{_KEY}: wrong"))
