"""Output of `rdma link` and `rdma statistic`: JSON where the tool has it, else one of three text layouts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

LINK = Command("rdma -j link show", needs=("rdma",), timeout_s=30.0)
STATISTIC = Command("rdma -j statistic show", needs=("rdma",), timeout_s=30.0)

_HEAD = re.compile(
    r"(?:link |\d{1,4}/\d{1,3}: )(?P<dev>[\w.-]{1,64})/(?P<port>\d{1,3}):? (?P<rest>.*)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Link:
    """One RDMA port. None: not printed (`netdev` is missing on InfiniBand)."""

    device: str
    port: int
    state: str
    phys_state: str | None = None
    netdev: str | None = None


@dataclass(frozen=True, slots=True)
class Statistic:
    """The counters of one RDMA port under the names of its driver; a name that is absent is not zero."""

    device: str
    port: int
    counters: Mapping[str, int]


def parse_links(text: str) -> tuple[Link, ...]:
    """The ports of `rdma link`; none only for the empty JSON list, which says that there is none."""
    return tuple(
        Link(device, port, _word(own, "state", device), own.get("physical_state"), own.get("netdev"))
        for device, port, own in _rows(text)
    )


def parse_statistics(text: str) -> tuple[Statistic, ...]:
    """The counters of `rdma statistic`, port by port."""
    rows: list[Statistic] = []
    for device, port, own in _rows(text):
        counters = {name: whole(value, f"{device} port {port} {name}") for name, value in own.items()}
        if not counters:
            raise ParseError(f"rdma: {device} port {port} has no counters; the output is cut off")
        rows.append(Statistic(device, port, counters))
    return tuple(rows)


def _word(own: Mapping[str, str], key: str, device: str) -> str:
    if key not in own:
        raise ParseError(f"rdma: {device} has no {key}; the output is cut off")
    return own[key]


def _rows(text: str) -> list[tuple[str, int, dict[str, str]]]:
    """Device, port and the remaining keys of every row, all values as text."""
    if text.lstrip().startswith("["):
        return [_from_json(entry) for entry in _loaded(text)]
    rows = [_from_line(line.strip()) for line in text.splitlines() if line.strip()]
    if not rows:
        raise ParseError("rdma: no link in the output")
    return rows


def _loaded(text: str) -> list[object]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"rdma: the JSON is broken: {error}") from None
    if not isinstance(entries, list):
        raise ParseError(f"rdma: {quoted(text)} is not a list of links")
    return entries


def _from_json(entry: object) -> tuple[str, int, dict[str, str]]:
    match entry:
        case {"ifname": str(device), "port": int(port), **rest} if not isinstance(port, bool):
            own = {str(k): str(v) for k, v in rest.items() if isinstance(v, str | int)}
            return device, port, {k: v for k, v in own.items() if k not in ("ifindex", "netdev_index")}
    raise ParseError(f"rdma: {quoted(str(entry))} is not a link")


def _from_line(line: str) -> tuple[str, int, dict[str, str]]:
    head = _HEAD.fullmatch(line)
    words = head["rest"].split() if head else []
    if head is None or len(words) % 2:
        raise ParseError(f"rdma: {quoted(line)} is not a link")
    return head["dev"], int(head["port"]), dict(zip(words[::2], words[1::2], strict=True))
