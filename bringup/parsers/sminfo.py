"""`sminfo`: the subnet manager that the local InfiniBand port knows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.ib_diags import is_warning
from bringup.parsers.reading import quoted

MANAGER = Command("sminfo", needs=("sminfo",), root=True)
"""Ends with 255 where no manager answers; `ib_trouble` tells that from a port that cannot be opened."""

_LINE = re.compile(
    r"sminfo: sm lid (?P<lid>[0-9]{1,6}) sm guid (?P<guid>0x[0-9a-fA-F]{1,16}), activity count (?P<activity>[0-9]{1,10})"
    r" priority (?P<priority>[0-9]{1,2}) state (?P<number>[0-9]) (?P<state>SMINFO_[A-Z]{1,16}|\?\?\?)"
)


@dataclass(frozen=True, slots=True)
class Manager:
    """One subnet manager. `state` is MASTER where it rules; the activity count rises while it lives."""

    lid: int
    guid: str
    activity: int
    priority: int
    state: str


def parse(text: str) -> Manager:
    """The manager. Raises ParseError where none answered."""
    lines = [line for line in text.splitlines() if line.strip() and not is_warning(line)]
    match = _LINE.fullmatch(lines[0].strip()) if len(lines) == 1 else None
    if match is None:
        raise ParseError(f"sminfo: {quoted(text)} names no subnet manager")
    return Manager(
        lid=int(match["lid"]),
        guid=f"{int(match['guid'], 16):#x}",
        activity=int(match["activity"]),
        priority=int(match["priority"]),
        state=match["state"].removeprefix("SMINFO_"),
    )
