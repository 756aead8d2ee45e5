"""`lspci` in the forms that people keep: `-vvv` blocks, `-nn` lists, and bare link lines cut out with grep.

The words (ok), (downgraded) and (strange) exist in newer versions only and are no verdict: an empty slot
and an idle GPU read as downgraded too. Without root's rights the capabilities are hidden, and a missing ACS
line then says nothing; `hidden` tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bringup.errors import ParseError
from bringup.parsers import bdf


@dataclass(frozen=True, slots=True)
class Link:
    """Speed in GT/s and width; the remarks are lspci's own words, empty where it prints none."""

    speed_gts: float
    width: int
    speed_remark: str = ""
    width_remark: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """One device. None: not printed. `address` is None for link lines without the device's own line.

    `ids` is vendor and device number where lspci was asked for numbers. `acs` are the names of the access
    control functions that are switched on; an empty set means all off.
    """

    address: str | None
    kind: str | None
    class_code: int | None
    name: str | None
    ids: tuple[int, int] | None
    capability: Link | None
    state: Link | None
    acs: frozenset[str] | None
    hidden: bool


@dataclass(slots=True)
class _Block:
    head: re.Match[str] | None
    lines: list[str] = field(default_factory=list)


_HEAD = re.compile(
    rf"(?P<bdf>{bdf.PATTERN}) (?P<kind>[A-Za-z0-9][^:\[\]]{{1,60}}?)(?: \[(?P<class>[0-9a-f]{{4}})\])?: (?P<name>.{{1,200}})"
)
_IDS = re.compile(r"\[([0-9a-f]{4}):([0-9a-f]{4})\]")
_SPEED_WIDTH = re.compile(
    r"Speed (?P<speed>[0-9]{1,3}(?:\.[0-9])?)GT/s(?: \((?P<sr>\w+)\))?, Width x(?P<width>[0-9]{1,2})(?: \((?P<wr>\w+)\))?"
)
_ACS = re.compile(r"(\w{1,20})([+-])")


def parse(text: str) -> tuple[Device, ...]:
    """The devices in the text. Raises ParseError if there is none."""
    blocks: list[_Block] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        head = _HEAD.fullmatch(line.rstrip())
        if head is not None:
            blocks.append(_Block(head))
        elif blocks and (line[0] in " \t" or blocks[-1].head is None):
            blocks[-1].lines.append(line.strip())
        elif line.strip().startswith(("LnkCap:", "LnkSta:")):
            blocks.append(_Block(None, [line.strip()]))
        else:
            raise ParseError(f"lspci printed {line.strip()[:80]!r}")
    if not blocks:
        raise ParseError("lspci printed nothing")
    return tuple(_device(block) for block in blocks)


def _device(block: _Block) -> Device:
    head = block.head
    ids = None
    if head is not None:
        numbers = _IDS.findall(head["name"])
        ids = (int(numbers[-1][0], 16), int(numbers[-1][1], 16)) if numbers else None
    return Device(
        address=bdf.normalise(head["bdf"]) if head else None,
        kind=head["kind"] if head else None,
        class_code=int(head["class"], 16) if head and head["class"] else None,
        name=head["name"].strip() if head else None,
        ids=ids,
        capability=_link(block.lines, "LnkCap:"),
        state=_link(block.lines, "LnkSta:"),
        acs=_acs(block.lines),
        hidden=any("<access denied>" in line for line in block.lines),
    )


def _link(lines: list[str], key: str) -> Link | None:
    line = next((line for line in lines if line.startswith(key)), None)
    if line is None:
        return None
    match = _SPEED_WIDTH.search(line)
    if match is None:
        # Devices inside the processor print "Speed unknown, Width x0".
        if "unknown" in line.lower():
            return None
        raise ParseError(f"lspci printed {line[:80]!r}")
    return Link(float(match["speed"]), int(match["width"]), match["sr"] or "", match["wr"] or "")


def _acs(lines: list[str]) -> frozenset[str] | None:
    line = next((line for line in lines if line.startswith("ACSCtl:")), None)
    if line is None:
        return None
    return frozenset(name for name, sign in _ACS.findall(line) if sign == "+")
