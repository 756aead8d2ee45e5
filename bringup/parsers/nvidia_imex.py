"""`nvidia-imex-ctl -N`: the nodes of one NVLink domain of several machines, and who is connected to whom.

A domain is fine when its state is UP, every node is READY and every connection is C. The legend above the table
explains all other states in words, so searching the text for them finds them always.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import siblings
from bringup.parsers.reading import quoted

NODES = Command("nvidia-imex-ctl -N", needs=("nvidia-imex-ctl",), root=True, timeout_s=60.0)

CONNECTED = "C"
READY = "READY"
MOST_NODES = 1024
"""No NVLink domain comes near it (72 GPUs on 18 nodes, announced ones some hundreds): more is no such table."""

_NODE = re.compile(
    r"Node #(?P<index>[0-9]{1,4})[ *-]+(?P<address>[\w.:-]{1,64})[ *]*- (?P<state>[A-Z][A-Z_ ]{1,40}?)\s*"
    r"(?:- Version: (?P<version>\S{1,20}))?"
)
_COLUMNS = re.compile(r"Nodes From\\To(?P<columns>(?:\s+[0-9]{1,4})+)")
_CELL = re.compile(r"![A-Z]!|[A-Z]")
_ROW = re.compile(rf"(?P<row>[0-9]{{1,4}})\s+(?P<cells>(?:(?:{_CELL.pattern})\s*)+)")
"""Columns are four wide, or three where there are few: a code of three letters may touch its neighbour."""
_STATE = re.compile(r"Domain State: (?P<state>[A-Z][A-Z_ ]{1,30})")


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the domain. `version` None: this release does not print it."""

    index: int
    address: str
    state: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain as the asked node sees it. `connections[from, to]` are the codes of the table's legend."""

    state: str
    nodes: tuple[Node, ...]
    connections: Mapping[tuple[int, int], str]

    @property
    def broken(self) -> tuple[tuple[int, int, str], ...]:
        """Connections that are not established: from, to, code."""
        return tuple((a, b, code) for (a, b), code in self.connections.items() if code != CONNECTED)

    @property
    def trouble(self) -> Mapping[str, str]:
        """What is wrong with which node: its address -> its state, or the codes of its connections if it is ready.

        A connection has two ends. Those between ready nodes are said of the fewest nodes that have part in all of them;
        of two that are bad with nobody else it is said of both.
        """
        found = {node.address: node.state for node in self.nodes if node.state != READY}
        ready = {node.index: node.address for node in self.nodes if node.state == READY}
        among = [(a, b, code) for a, b, code in self.broken if a in ready and b in ready]
        pairs = {(min(a, b), max(a, b)) for a, b, _ in among}
        lonely = siblings.lonely(pairs)
        mates = dict(lonely) | {b: a for a, b in lonely}
        codes: dict[int, set[str]] = defaultdict(set)
        for a, b, code in among:
            codes[a].add(code)
            codes[b].add(code)
        for index in sorted(siblings.blamed(pairs) | mates.keys()):
            mate = f" with {ready[mates[index]]}" if index in mates else ""
            found[ready[index]] = f"{READY} {' '.join(sorted(codes[index]))}{mate}"
        return found


def parse(text: str) -> Domain:
    """The domain. Its state ends the output; the table must have a cell for each two nodes."""
    nodes: list[Node] = []
    columns: tuple[int, ...] = ()
    connections: dict[tuple[int, int], str] = {}
    state = ""
    for line in (raw.strip() for raw in text.splitlines()):
        if state:
            break
        if match := _NODE.fullmatch(line):
            nodes.append(Node(int(match["index"]), match["address"], match["state"], match["version"]))
        elif match := _COLUMNS.fullmatch(line):
            columns = tuple(int(cell) for cell in match["columns"].split())
        elif (match := _ROW.fullmatch(line)) and columns:
            cells = _CELL.findall(match["cells"])
            if len(cells) != len(columns):
                raise ParseError(
                    f"nvidia-imex-ctl: the row {quoted(line)} has {len(cells)} cells, not {len(columns)}"
                )
            connections |= {(int(match["row"]), to): cell for to, cell in zip(columns, cells, strict=True)}
        elif match := _STATE.fullmatch(line):
            state = match["state"].strip()
        elif line.startswith("Node #") or (columns and line):
            raise ParseError(f"nvidia-imex-ctl: {quoted(line)} is not known")
    if not state:
        raise ParseError(f"nvidia-imex-ctl: no state of the domain in {quoted(text)}; cut off?")
    known = {node.index for node in nodes}
    if len(nodes) > MOST_NODES:
        raise ParseError(f"nvidia-imex-ctl: {len(nodes)} nodes in one domain, more than {MOST_NODES}")
    whole = len(connections) == len(known) ** 2 and all(a in known and b in known for a, b in connections)
    if not nodes or not whole:
        raise ParseError(f"nvidia-imex-ctl: {len(connections)} connections do not fit {len(nodes)} nodes")
    return Domain(state, tuple(nodes), connections)
