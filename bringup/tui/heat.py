"""The floor as data: one cell per node, rack by rack, placed for a given width. No widget, no terminal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.inventory.names import natural_key
from bringup.model import Node

CHUNK = 8
"""Cells of a rack stand in groups of eight, so that one can count."""
GAP = 3
MOST_PER_LINE = 64
LABEL_MOST = 10
_LAST_NUMBER = re.compile(r"[-_ ]*[0-9]+[^0-9]*$")


@dataclass(frozen=True, slots=True)
class Rack:
    """The nodes of one rack from the bottom up, or of another group in walking order."""

    name: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """Where every node's cell and every label stands: `cells` as (line, column), both counted from 0.

    `lines` are the nodes of each line with their columns, `labels` the racks, `order` the nodes as one walks.
    """

    cells: dict[str, tuple[int, int]] = field(default_factory=dict)
    lines: tuple[tuple[tuple[int, str], ...], ...] = ()
    labels: tuple[tuple[tuple[int, str], ...], ...] = ()
    label_width: int = 0
    order: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        return len(self.lines)


def row_of(node: Node) -> str:
    """The row in which a rack stands: its name without its last number (`A` of `A07`)."""
    return _LAST_NUMBER.sub("", node.rack) or node.rack


def leaf_of(node: Node) -> str:
    """The leaf of a node's first rail, and how many others it has: nodes that share all leaves stand together."""
    leaves = list(dict.fromkeys(port.leaf for port in node.ports if port.leaf))
    if len(leaves) < 2:
        return leaves[0] if leaves else ""
    more = f"+{len(leaves) - 1}"
    return leaves[0][: LABEL_MOST - len(more)] + more


GROUPINGS: Mapping[str, Callable[[Node], str]] = {
    "rack": lambda node: node.rack,
    "row": row_of,
    "leaf": leaf_of,
    "unit": lambda node: f"U{node.unit}" if node.unit else "",
    "profile": lambda node: node.profile,
}
"""By what the nodes of the floor may stand together."""


def walk(nodes: Iterable[Node]) -> list[Node]:
    """The nodes in the order in which one walks: rack by rack, those without a rack last, from the bottom up."""
    return sorted(nodes, key=_walk)


def racks(nodes: Iterable[Node], by: str = "rack") -> list[Rack]:
    """The racks (or other groups) in natural order, nodes without one last; in each as one walks."""
    return grouped(walk(nodes), by)


def grouped(walked: Iterable[Node], by: str) -> list[Rack]:
    """The groups of nodes that come in walking order already."""
    group = GROUPINGS[by]
    found: dict[str, list[str]] = {}
    for node in walked:
        found.setdefault(group(node), []).append(node.name)
    return [
        Rack(name, tuple(found[name]))
        for name in sorted(found, key=lambda name: (not name, natural_key(name)))
    ]


def _walk(node: Node) -> tuple[object, ...]:
    return (not node.rack, natural_key(node.rack), natural_key(node.unit), natural_key(node.name))


def place(rows: Sequence[Rack], width: int) -> Floor:
    """Racks in columns, read downwards as one walks; a rack too wide for the line takes several lines."""
    if not rows:
        return Floor()
    label = min(LABEL_MOST, max(len(_line_label(rack, 0)) for rack in rows))
    most = max(len(rack.nodes) for rack in rows)
    room = max(1, width - label - 3)
    per_line = most if _wide(most) <= room and most <= MOST_PER_LINE else _fitting(room)
    pieces = [
        (_line_label(rack, start), rack.nodes[start : start + per_line])
        for rack in rows
        for start in range(0, len(rack.nodes), per_line)
    ]
    block = label + 1 + _wide(min(per_line, most))
    wrapped = len(pieces) > len(rows)
    columns = 1 if wrapped else max(1, (width - 1 + GAP) // (block + GAP))
    high = -(-len(pieces) // columns)
    if not wrapped:
        columns = -(-len(pieces) // high)
    labels: list[list[tuple[int, str]]] = [[] for _ in range(high)]
    cells: dict[str, tuple[int, int]] = {}
    lines: list[list[tuple[int, str]]] = [[] for _ in range(high)]
    for index, (name, nodes) in enumerate(pieces):
        y, left = index % high, 1 + (index // high) * (block + GAP)
        if name:
            labels[y].append((left, name))
        for k, node in enumerate(nodes):
            x = left + label + 1 + k + k // CHUNK
            cells[node] = (y, x)
            lines[y].append((x, node))
    order = tuple(node for rack in rows for node in rack.nodes)
    return Floor(cells, tuple(map(tuple, lines)), tuple(map(tuple, labels)), label, order)


def _line_label(rack: Rack, start: int) -> str:
    """The rack on its first line; without a rack every line names its first node."""
    if rack.name:
        return rack.name if start == 0 else ""
    return rack.nodes[start][-LABEL_MOST:]


def _wide(cells: int) -> int:
    return cells + max(0, cells - 1) // CHUNK


def _fitting(room: int) -> int:
    """The largest multiple of eight cells (at least one chunk, at most 64) that fits."""
    chunks = max(1, (room + 1) // (CHUNK + 1))
    return min(MOST_PER_LINE, chunks * CHUNK)


def neighbour(floor: Floor, node: str, dx: int, dy: int) -> str:
    """The next cell in a direction: along the line, or in the nearest line the cell closest above or below."""
    if node not in floor.cells:
        return floor.order[0] if floor.order else ""
    y, x = floor.cells[node]
    if dx:
        line = floor.lines[y]
        index = [at for at, _ in line].index(x) + dx
        return line[min(max(index, 0), len(line) - 1)][1]
    step = 1 if dy > 0 else -1
    target = y
    for _ in range(abs(dy)):
        if 0 <= target + step < floor.height:
            target += step
    line = floor.lines[target]
    return min(line, key=lambda cell: abs(cell[0] - x))[1] if line else node


def following(order: Sequence[str], now: str, wanted: Sequence[str], step: int) -> str:
    """The next (step 1) or previous (step -1) of the wanted nodes in this order, going round at the end."""
    asked = set(wanted)
    chosen = [name for name in order if name in asked]
    if not chosen:
        return now
    places = {name: k for k, name in enumerate(order)}
    here = places.get(now, -1)
    ahead = (
        [n for n in chosen if places[n] > here] if step > 0 else [n for n in chosen if places[n] < here][::-1]
    )
    return (ahead or (chosen if step > 0 else chosen[::-1]))[0]
