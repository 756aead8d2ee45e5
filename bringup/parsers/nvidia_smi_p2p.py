"""`nvidia-smi topo -p2p r`: which GPUs may read each other's memory directly.

OK is the only good word; the others name what does not support it: CNS the chipset, GNS the GPU, TNS the topology,
NS not supported, U unknown. The legend below the table holds all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted
from bringup.parsers.remembered import remembered

READ = Command("nvidia-smi topo -p2p r", timeout_s=30.0, needs=("nvidia-smi",), estimate_s=1.0)

_ANSI = re.compile(r"\x1b\[[0-9;]{0,10}[A-Za-z]")
_GPU = re.compile(r"GPU([0-9]{1,3})")
_WORD = re.compile(r"X|OK|CNS|GNS|TNS|NS|U|DR")


@remembered
def parse(text: str) -> Mapping[tuple[int, int], str]:
    """The word of each two different GPUs, from the one that reads to the one that is read."""
    lines = [_ANSI.sub("", line).split() for line in text.splitlines()]
    start = next((n for n, w in enumerate(lines) if w and all(_GPU.fullmatch(x) for x in w)), None)
    if start is None:
        raise ParseError(f"nvidia-smi topo -p2p printed no table: {quoted(text)}")
    columns = [_number(word) for word in lines[start]]
    found: dict[tuple[int, int], str] = {}
    rows: list[int] = []
    for words in lines[start + 1 :]:
        if not words or not _GPU.fullmatch(words[0]):
            break
        row, cells = _number(words[0]), words[1:]
        if len(cells) != len(columns) or not all(_WORD.fullmatch(cell) for cell in cells):
            raise ParseError(f"nvidia-smi topo -p2p: {quoted(' '.join(words))} is not known or cut off")
        rows.append(row)
        found |= {(row, to): cell for to, cell in zip(columns, cells, strict=True) if to != row}
    if rows != columns or len(set(columns)) != len(columns):
        raise ParseError("nvidia-smi topo -p2p was cut off: its rows are not its columns")
    return found


def _number(word: str) -> int:
    return int(word.removeprefix("GPU"))
