"""Jobs of many nodes: inside each part of the fabric, across the leaves, and all; as many waves for any fleet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bringup.topology.places import DOMAIN_LEAST, Place, groups

N = TypeVar("N")

LEAST = 3
"""Jobs of fewer nodes are tests of pairs, which come before."""


@dataclass(frozen=True, slots=True)
class Wave(Generic[N]):
    """Jobs that share no node and run at once."""

    name: str
    jobs: tuple[tuple[N, ...], ...]


def waves(nodes: Sequence[N], where: Callable[[N], Place]) -> list[Wave[N]]:
    """What stays inside a leaf, an NVLink domain, a unit; what crosses leaves and meets nobody of its own; then all.

    Each node is in at most one job of a wave. Without such parts in the plan, or with one of a kind, there is only the
    last wave; what is the same as an earlier wave is left out.
    """
    leaves = list(groups(nodes, lambda n: where(n).leaf and f"{where(n).unit}\0{where(n).leaf}").values())
    domains = list(groups(nodes, lambda n: where(n).domain).values())
    units = list(groups(nodes, lambda n: where(n).unit).values())
    if max(map(len, domains), default=0) < DOMAIN_LEAST:
        domains = []
    rows = max(map(len, leaves), default=0)
    across = [tuple(leaf[row] for leaf in leaves if row < len(leaf)) for row in range(rows)]
    found: list[Wave[N]] = []
    for name, parts in (
        ("leaf", leaves),
        ("domain", domains),
        ("unit", units),
        ("cross-leaf", across if len(leaves) > 1 else []),
    ):
        jobs = tuple(tuple(part) for part in parts if len(part) >= LEAST)
        if len(parts) > 1 and jobs and all(wave.jobs != jobs for wave in found):
            found.append(Wave(name, jobs))
    if len(nodes) >= LEAST:
        found.append(Wave("all", (tuple(nodes),)))
    return found
