"""Where nodes hang in the fabric, as far as the plan says: leaf, unit, NVLink domain; and groups of the same place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from bringup.model import Node

N = TypeVar("N")

DOMAIN_LEAST = 8
"""Nodes that share a rack are an NVLink domain only where there are many of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node hangs. Equal words mean the same part; empty text means that the plan does not say.

    `leaf` is the leaf of a node, or the set of leaves that its rails go to. `unit` is what the spines of one level
    join (a scalable unit, a pod), `domain` what shares one NVLink fabric.
    """

    leaf: str = ""
    unit: str = ""
    domain: str = ""


class Reach(IntEnum):
    """What two nodes must cross to meet."""

    LEAF = 0
    UNIT = 1
    FAR = 2


def reach(a: Place, b: Place) -> Reach:
    """Inside one leaf, across leaves of one unit, or across units."""
    if a.unit != b.unit:
        return Reach.FAR
    return Reach.LEAF if a.leaf == b.leaf else Reach.UNIT


def place(node: Node) -> Place:
    """The place that the plan gives a node: leaves from its cables; tags `unit.NAME` and `domain.NAME`, else its rack."""
    leaves = [port.leaf for port in sorted(node.ports, key=lambda p: p.rail)]
    return Place(
        leaf="+".join(dict.fromkeys(leaves)) if any(leaves) else "",
        unit=_tagged(node, "unit"),
        domain=_tagged(node, "domain") or node.rack,
    )


def _tagged(node: Node, kind: str) -> str:
    return next((tag.partition(".")[2] for tag in node.tags if tag.startswith(f"{kind}.")), "")


def groups(nodes: Iterable[N], key: Callable[[N], str]) -> dict[str, tuple[N, ...]]:
    """The nodes of each leaf, unit or domain, in their order; whose key is not known is in none."""
    found: dict[str, list[N]] = defaultdict(list)
    for node in nodes:
        if name := key(node):
            found[name].append(node)
    return {name: tuple(mine) for name, mine in found.items()}
