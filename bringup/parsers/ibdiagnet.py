"""`ibdiagnet`: the table of its stages, and how many nodes it found.

Warnings are common on healthy fabrics; the errors count. Its csv files hold the details.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

SUMMARY = Command(
    'ibdiagnet -o "$TMP"/ibdiagnet',
    needs=("ibdiagnet",),
    root=True,
    timeout_s=600.0,
    max_bytes=8 << 20,
    estimate_s=60.0,
)

_HEAD = re.compile(r"-I- Stage\s+Warnings\s+Errors\s+Comment")
_STAGE = re.compile(
    r"-[IWE]- (?P<name>\S.{0,60}?)\s{2,}(?P<warnings>[0-9]{1,9}|N/?A)\s+(?P<errors>[0-9]{1,9}|N/?A)(?:\s+(?P<comment>\S.*))?"
)
_NODES = re.compile(r"(?P<key>Total Nodes|IB [A-Z][A-Za-z ]{2,40}?)\s*:\s*(?P<count>[0-9]{1,7})")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. None: it was not run."""

    name: str
    warnings: int | None
    errors: int | None
    comment: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The end of a run. `nodes` counts by kind as the tool names them; empty where it does not print that."""

    stages: tuple[Stage, ...]
    nodes: Mapping[str, int]


def parse(text: str) -> Summary:
    """The summary at the end of the output. Without its table the run did not finish."""
    lines = [line.strip() for line in text.splitlines()]
    head = next((i for i, line in enumerate(lines) if _HEAD.fullmatch(line)), None)
    if head is None:
        raise ParseError(f"ibdiagnet: no summary; it did not finish: {quoted(text[-80:])}")
    stages: list[Stage] = []
    for line in lines[head + 1 :]:
        match = _STAGE.fullmatch(line)
        if match is None:
            if line.startswith("-I- ") and not re.fullmatch(r"-I- \S.*[.:].*", line):
                raise ParseError(f"ibdiagnet: {quoted(line)} is not a stage, or is cut off")
            break
        stages.append(
            Stage(match["name"], _count(match["warnings"]), _count(match["errors"]), match["comment"] or "")
        )
    if not stages:
        raise ParseError("ibdiagnet: the summary has no stage; the output is cut off")
    return Summary(
        tuple(stages), {m["key"]: int(m["count"]) for line in lines[:head] if (m := _NODES.fullmatch(line))}
    )


def _count(text: str) -> int | None:
    return None if text.startswith("N") else whole(text, "ibdiagnet")
