"""Jobs of many nodes: inside each leaf, across the leaves, and all nodes, so many one after the other for any fleet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bringup.topology.places import Place, groups

N = TypeVar("N")

LEAST = 3
"""Jobs of fewer nodes are tests of pairs, which come before."""


@dataclass(frozen=True, slots=True)
class Wave(Generic[N]):
    """Jobs that share no node and run at once."""

    name: str
    jobs: tuple[tuple[N, ...], ...]


def waves(nodes: Sequence[N], where: Callable[[N], Place]) -> list[Wave[N]]:
    """What stays inside a leaf first, then what crosses leaves and meets nobody of its own, then all together.

    Each node is in at most one job of a wave. Without leaves in the plan, or with one, there is only the last wave.
    """
    leaves = list(groups(nodes, lambda n: where(n).leaf and f"{where(n).unit}\0{where(n).leaf}").values())
    found: list[Wave[N]] = []
    if len(leaves) > 1:
        across = [
            tuple(leaf[row] for leaf in leaves if row < len(leaf)) for row in range(max(map(len, leaves)))
        ]
        for name, parts in (("leaf", leaves), ("cross-leaf", across)):
            jobs = tuple(tuple(part) for part in parts if len(part) >= LEAST)
            if jobs:
                found.append(Wave(name, jobs))
    if len(nodes) >= LEAST:
        found.append(Wave("all", (tuple(nodes),)))
    return found
