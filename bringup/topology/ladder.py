"""Sizes of jobs that grow step by step: the first size that fails says how far to look, and within what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bringup.topology.places import Place, groups

N = TypeVar("N")

ALIKE = 1.5
"""A power of two that differs less than this from the size of a leaf, domain or unit is not a step of its own."""


@dataclass(frozen=True, slots=True)
class Rung(Generic[N]):
    """One step: jobs of `size` nodes (the largest, where parts differ). Every node is in at least one job.

    The jobs of a wave share no node and run at once. A second wave holds one job, where the nodes do not divide: it
    takes some of the first nodes in again to be as large as the others.
    """

    name: str
    size: int
    waves: tuple[tuple[tuple[N, ...], ...], ...]


def ladder(nodes: Sequence[N], where: Callable[[N], Place] | None = None) -> list[Rung[N]]:
    """1, 2, 4, ... and, where the plan names them, each domain, leaf and unit as a whole, up to all nodes.

    Jobs stay inside a leaf as long as their size allows it.
    """
    places = [where(node) if where is not None else Place() for node in nodes]
    seen: dict[tuple[str, ...], int] = {}
    for p in places:
        seen.setdefault((p.unit,), len(seen))
        seen.setdefault((p.unit, p.leaf), len(seen))
    order = sorted(
        range(len(nodes)),
        key=lambda k: (seen[(places[k].unit,)], seen[places[k].unit, places[k].leaf], k),
    )
    parts: dict[str, list[Sequence[int]]] = {
        name: list(groups(order, key).values())
        for name, key in _parts(places).items()
        if all(key(k) for k in order)
    }
    whole = [
        Rung(name, max(map(len, mine)), (tuple(tuple(nodes[k] for k in part) for part in mine),))
        for name, mine in parts.items()
        if len(mine) > 1 and max(map(len, mine)) > 1
    ]
    steps = [2**power for power in range(len(nodes).bit_length()) if 2**power < len(nodes)]
    named = [rung.size for rung in whole] + [len(nodes)]
    steps = [s for s in steps if all(not n / ALIKE < s < n * ALIKE for n in named)]
    leaves = parts.get("leaf", [order])
    rungs = whole + [_step(size, order, leaves, nodes) for size in steps]
    if nodes:
        rungs.append(Rung("all", len(nodes), ((tuple(nodes[k] for k in order),),)))
    return sorted(_distinct(rungs), key=lambda rung: (rung.size, rung.name == "all"))


def _parts(places: Sequence[Place]) -> dict[str, Callable[[int], str]]:
    return {
        "leaf": lambda k: places[k].leaf and f"{places[k].unit}\0{places[k].leaf}",
        "domain": lambda k: places[k].domain,
        "unit": lambda k: places[k].unit,
    }


def _step(size: int, order: Sequence[int], leaves: Sequence[Sequence[int]], nodes: Sequence[N]) -> Rung[N]:
    """Jobs of exactly this size: first inside leaves, then from what remains of several."""
    jobs: list[list[int]] = []
    rest: list[int] = []
    for leaf in leaves:
        whole = len(leaf) // size * size
        jobs += [list(leaf[low : low + size]) for low in range(0, whole, size)]
        rest += leaf[whole:]
    whole = len(rest) // size * size
    jobs += [rest[low : low + size] for low in range(0, whole, size)]
    last = rest[whole:]
    waves = [jobs]
    if last:
        again = [k for k in order if k not in last]
        waves.append([[*last, *again[: size - len(last)]]])
    named = tuple(tuple(tuple(nodes[k] for k in job) for job in wave) for wave in waves)
    return Rung(f"{size} node{'s' if size > 1 else ''}", size, named)


def _distinct(rungs: Sequence[Rung[N]]) -> list[Rung[N]]:
    """Each set of jobs once: where a domain is a leaf, the first name stays."""
    found: dict[tuple[frozenset[N], ...], Rung[N]] = {}
    for rung in rungs:
        jobs = sorted(
            (frozenset(job) for wave in rung.waves for job in wave),
            key=lambda job: str(sorted(map(str, job))),
        )
        found.setdefault(tuple(jobs), rung)
    return list(found.values())
