"""Which shape every node of a simulated cluster has, and its place among the nodes of that shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bringup.mock.shapes import SHAPES, Shape


class ShapeSpec(Protocol):
    """Nodes that are of another shape than the rest."""

    @property
    def shape(self) -> str: ...
    @property
    def nodes(self) -> tuple[str, ...]: ...
    @property
    def line(self) -> int: ...


class Shaped(Protocol):
    """The part of a `simulate` section that says what the nodes are."""

    @property
    def shape(self) -> str: ...
    @property
    def shapes(self) -> Sequence[ShapeSpec]: ...


@dataclass(frozen=True, slots=True)
class Seat:
    """What a node is; `order` counts from 0 within its shape."""

    shape: Shape
    order: int


def shape_names(simulate: Shaped, nodes: Iterable[str]) -> dict[str, str]:
    """The name of the shape of every node."""
    others = {name: spec.shape for spec in simulate.shapes for name in spec.nodes}
    return {name: others.get(name, simulate.shape) for name in nodes}


def seats(simulate: Shaped, nodes: Iterable[str]) -> tuple[Seat, ...]:
    """The seat of every node, in their order."""
    so_far: Counter[str] = Counter()
    found: list[Seat] = []
    for name in shape_names(simulate, nodes).values():
        found.append(Seat(SHAPES[name], so_far[name]))
        so_far[name] += 1
    return tuple(found)
