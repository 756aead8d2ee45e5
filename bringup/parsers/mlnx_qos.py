"""`mlnx_qos -i DEVICE`: trust, priority flow control and traffic classes of a RoCE port.

Which priority carries RDMA is the site's choice, so nothing here is right or wrong by itself: all nodes and the
switches must agree.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted

PRIORITIES = 8

_WORD = re.compile(r"(?P<key>DCBX mode|Priority trust state|Cable len): *(?P<value>\S.{0,60})")
_DSCP = re.compile(r"prio:(?P<prio>[0-7]) dscp:(?P<dscp>[0-9, ]{1,400})")
_TABLE = re.compile(r"(?P<key>priority|enabled|buffer)(?P<cells>(?:\s+[0-9]{1,2}){8})")
_CLASS = re.compile(
    r"tc: (?P<tc>[0-7]) ratelimit: (?P<rate>.{1,30}?), tsa: (?P<tsa>\w{1,16})(?:, bw: (?P<bw>[0-9]{1,3})%)?",
    re.ASCII,
)
_MEMBER = re.compile(r"priority:\s*(?P<prio>[0-7])")


def qos(device: str) -> Command:
    """Asks for the quality-of-service settings of one network interface."""
    return Command(f"mlnx_qos -i {shlex.quote(device)}", needs=("mlnx_qos",), root=True)


@dataclass(frozen=True, slots=True)
class TrafficClass:
    """One traffic class: how it shares the link, its share in percent (None: strict), and its priorities."""

    number: int
    sharing: str
    percent: float | None
    priorities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Qos:
    """One port. None or empty: not printed. `flow_control` says for each of the 8 priorities whether it is on."""

    flow_control: tuple[bool, ...]
    trust: str | None
    dcbx: str | None
    priority_of_dscp: Mapping[int, int]
    classes: tuple[TrafficClass, ...]


def parse(text: str) -> Qos:
    """The settings. Lines of wrapping scripts are passed over; without the flow control table it is no answer."""
    own: dict[str, str] = {}
    dscp: dict[int, int] = {}
    enabled: tuple[bool, ...] | None = None
    classes: list[TrafficClass] = []
    for line in text.splitlines():
        words = line.strip()
        if match := _WORD.fullmatch(words):
            own[match["key"]] = match["value"]
        elif match := _DSCP.fullmatch(words):
            cells = [cell for cell in match["dscp"].replace(" ", "").split(",") if cell]
            dscp |= {_below(cell, 64, words): int(match["prio"]) for cell in cells}
        elif match := _TABLE.fullmatch(words):
            if match["key"] == "enabled":
                enabled = tuple(_below(cell, 2, words) == 1 for cell in match["cells"].split())
        elif match := _CLASS.fullmatch(words):
            share = number(match["bw"], "mlnx_qos bandwidth") if match["bw"] else None
            classes.append(TrafficClass(int(match["tc"]), match["tsa"], share, ()))
        elif (match := _MEMBER.fullmatch(words)) and classes:
            last = classes[-1]
            classes[-1] = TrafficClass(
                last.number, last.sharing, last.percent, (*last.priorities, int(match["prio"]))
            )
        elif words.startswith(("enabled", "prio:", "tc:")):
            raise ParseError(f"mlnx_qos: {quoted(line)} is cut off or not known")
    if enabled is None:
        raise ParseError(f"mlnx_qos: no flow control table in {quoted(text)}")
    return Qos(
        flow_control=enabled,
        trust=own.get("Priority trust state"),
        dcbx=own.get("DCBX mode"),
        priority_of_dscp=dscp,
        classes=tuple(classes),
    )


def _below(cell: str, end: int, line: str) -> int:
    if len(cell) > 3 or int(cell) >= end:
        raise ParseError(f"mlnx_qos: {quoted(line)} holds {cell[:10]}")
    return int(cell)
