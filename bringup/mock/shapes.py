"""The kinds of node that can be simulated, by name. A new kind is a new entry of a `shapes_*` module."""

from __future__ import annotations

from bringup.mock import shapes_amd, shapes_cards, shapes_cpu, shapes_nvidia
from bringup.mock.shapes_types import LINK_GENERATIONS, GpuKind, HcaKind, NicKind, Shape

__all__ = ["LINK_GENERATIONS", "SHAPES", "GpuKind", "HcaKind", "NicKind", "Shape"]

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (*shapes_nvidia.SHAPES, *shapes_cards.SHAPES, *shapes_amd.SHAPES, *shapes_cpu.SHAPES)
}
