"""`ibqueryerrors`: every port of an InfiniBand fabric that has counted errors.

The counters count since somebody cleared them, so an old fabric shows old errors, and waiting (PortXmitWait) is no
error at all. The tool ends with 1 where it found errors, and with 0 and nothing printed where the local port knows no
subnet manager: an answer without its summary is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.ib_diags import is_warning
from bringup.parsers.reading import quoted

ERRORS = Command(
    "ibqueryerrors -s PortXmitWait", needs=("ibqueryerrors",), root=True, timeout_s=120.0, max_bytes=32 << 20
)

_GUID = r"0x[0-9a-fA-F]{1,16}"
_NODE = re.compile(rf"Errors for (?:(?P<guid>{_GUID}) )?\"(?P<name>.{{0,120}})\"")
_CELL = re.compile(
    r"\[(?P<name>[A-Za-z]\w{1,60}) == (?P<value>[0-9]{1,20})(?: \([0-9.]{1,12}[KMGTPE]?B?\))?\]", re.ASCII
)
_PORT = re.compile(
    rf"\s+GUID (?P<guid>{_GUID}) port (?P<port>ALL|[0-9]{{1,3}}):(?P<cells>(?: \[[^\[\]]{{1,120}}\]){{1,60}})"
)
_ASIDE = re.compile(r"\s+Link info: .{1,400}|Failed to reset .{1,200}")
"""Of -r and of -k."""
_SUMMARY = re.compile(r"## Summary: (?P<nodes>[0-9]{1,9}) nodes checked, (?P<bad>[0-9]{1,9}) bad nodes found")
_PORTS = re.compile(
    r"##\s+(?P<ports>[0-9]{1,9}) ports checked, (?P<bad>[0-9]{1,9}) ports have errors beyond threshold"
)
_FAILURES = re.compile(r"##\s+(?P<count>[0-9]{1,9}) PMA query failures")
_SUPPRESSED = re.compile(r"## Suppressed:(?P<names>(?: \w{1,60}){0,60})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PortErrors:
    """What one port has counted. `port` is None for a switch's sum of all its ports. GUIDs have no leading zeros."""

    name: str
    is_switch: bool
    guid: str
    port: int | None
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer. `unanswered` are queries for counters that failed; `suppressed` counters were left out."""

    ports: tuple[PortErrors, ...]
    nodes_checked: int
    bad_nodes: int
    ports_checked: int
    bad_ports: int
    suppressed: tuple[str, ...]
    unanswered: int = 0


def parse(text: str) -> Report:
    """The report. Raises ParseError for anything unknown, without the summary, and where ports are missing."""
    rows: list[PortErrors] = []
    node: re.Match[str] | None = None
    found: dict[str, re.Match[str]] = {}
    for line in text.splitlines():
        if not line.strip() or is_warning(line) or _ASIDE.fullmatch(line):
            continue
        if line.startswith("##"):
            found |= _ending(line)
        elif match := _NODE.fullmatch(line):
            node = match
        elif (match := _PORT.fullmatch(line)) and node is not None:
            rows.append(_row(node, match))
        else:
            raise ParseError(f"ibqueryerrors: {quoted(line)} is not known")
    missing = [name for name in ("summary", "ports", "suppressed") if name not in found]
    if missing:
        raise ParseError(f"ibqueryerrors: the summary is missing: {quoted(text)}")
    report = Report(
        ports=tuple(rows),
        nodes_checked=int(found["summary"]["nodes"]),
        bad_nodes=int(found["summary"]["bad"]),
        ports_checked=int(found["ports"]["ports"]),
        bad_ports=int(found["ports"]["bad"]),
        suppressed=tuple(found["suppressed"]["names"].split()),
        unanswered=int(found["failures"]["count"]) if "failures" in found else 0,
    )
    shown = sum(row.port is not None for row in rows)
    if shown != report.bad_ports:
        raise ParseError(
            f"ibqueryerrors: {shown} ports of {report.bad_ports} are there; the output is cut off"
        )
    return report


def _ending(line: str) -> dict[str, re.Match[str]]:
    patterns = {"summary": _SUMMARY, "ports": _PORTS, "failures": _FAILURES, "suppressed": _SUPPRESSED}
    return {name: match for name, pattern in patterns.items() if (match := pattern.fullmatch(line))}


def _row(node: re.Match[str], match: re.Match[str]) -> PortErrors:
    where = f"ibqueryerrors: {node['name']} port {match['port']}"
    counters: dict[str, int] = {}
    for cell in match["cells"].strip().split("] "):
        one = _CELL.fullmatch(cell.removesuffix("]") + "]")
        if one is None:
            raise ParseError(f"{where}: {quoted(cell)} is not a counter")
        counters[one["name"]] = int(one["value"])
    return PortErrors(
        name=node["name"].strip(),
        is_switch=node["guid"] is not None,
        guid=f"{int(match['guid'], 16):#x}",
        port=None if match["port"] == "ALL" else int(match["port"]),
        counters=counters,
    )
