"""`mlxconfig query`: the firmware settings of network cards, now and after the next reset.

With `-e` there are three values: the default, the current one and the one of the next boot; a plain query prints
only the last. A setting whose next value differs waits for a reset. Values are words with their number,
`True(1)`, plain numbers, or the bounds of an array.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

_GAP = re.compile(r"\s{2,}|\t")
_DEVICE = re.compile(r"Device #(?P<number>[0-9]{1,3}):")
_ABOUT = re.compile(r"(?P<key>Device type|Name|Description|Device):\s*(?P<value>.*)")
_HEADER = re.compile(r"Configurations:(?P<columns>.*)")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,63}(?:\[[0-9.]{1,9}\])?")
_CODE = re.compile(r".*\((?P<code>[0-9]{1,10})\)|(?P<plain>[0-9]{1,10})")
_COLUMNS = {"Default": "default", "Current": "current", "Next Boot": "next_boot", "New": "next_boot"}


def query(device: str) -> Command:
    """Asks one card (RDMA device, PCI address or mst device) for its settings with all three values."""
    return Command(
        f"mlxconfig -d {shlex.quote(device)} -e query", needs=("mlxconfig",), root=True, timeout_s=60.0
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of one card. None: this query does not print that value. `device` is as the tool names it."""

    name: str
    next_boot: str
    current: str | None = None
    default: str | None = None
    device_type: str | None = None
    device: str | None = None

    @property
    def waits_for_reset(self) -> bool | None:
        """Whether the card still works with another value; None if only the next one is known."""
        return None if self.current is None else self.current != self.next_boot


def code(value: str) -> int | None:
    """The number of a value: 1 for `True(1)`, 16 for `16`; None for words and arrays."""
    match = _CODE.fullmatch(value)
    return int(match["code"] or match["plain"]) if match else None


def parse(text: str) -> tuple[Setting, ...]:
    """The settings in their order. Raises ParseError where there is none."""
    found: list[Setting] = []
    columns: tuple[str, ...] = ("next_boot",)
    about: dict[str, str] = {}
    for line in text.splitlines():
        words = line.strip()
        if not words or set(words) <= {"-", "="} or words.startswith("The '*' shows"):
            continue
        if _DEVICE.fullmatch(words):
            about = {}
        elif match := _HEADER.fullmatch(words):
            columns = _columns(match["columns"])
        elif match := _ABOUT.fullmatch(words):
            about[match["key"]] = match["value"].strip()
        else:
            found.append(_setting(words, columns, about))
    if not found:
        raise ParseError(f"mlxconfig: no setting in {quoted(text)}")
    return tuple(found)


def _columns(header: str) -> tuple[str, ...]:
    names = tuple(name for name in _GAP.split(header.strip()) if name)
    if not names or any(name not in _COLUMNS for name in names):
        raise ParseError(f"mlxconfig: columns {quoted(header)} are not known")
    return tuple(_COLUMNS[name] for name in names)


def _setting(line: str, columns: tuple[str, ...], about: dict[str, str]) -> Setting:
    cells = [cell for cell in _GAP.split(line.removeprefix("*").strip()) if cell]
    name, values = (cells or [""])[0], cells[1:]
    name = name.removeprefix("RO").strip() if not _NAME.fullmatch(name) else name
    if not _NAME.fullmatch(name) or len(values) != len(columns):
        raise ParseError(f"mlxconfig: {quoted(line)} is not a setting, or is cut off")
    own = dict(zip(columns, values, strict=True))
    if "next_boot" not in own:
        raise ParseError(f"mlxconfig: {quoted(line)} does not tell the value of the next boot")
    return Setting(
        name=name,
        next_boot=own["next_boot"],
        current=own.get("current"),
        default=own.get("default"),
        device_type=about.get("Device type"),
        device=about.get("Device"),
    )
