"""mscclpp-test: the results that its option `-o` writes, one JSON object in each line.

Nothing in the file marks a failure or the end, so the exit status and the number of lines count as well.
"""

from __future__ import annotations

from dataclasses import dataclass

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
