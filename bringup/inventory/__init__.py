"""Inventories: the files in which people say which nodes there are, how to reach them and how they are cabled."""

from bringup.inventory.adhoc import from_names
from bringup.inventory.loading import load, parse
from bringup.inventory.names import folded
from bringup.inventory.selection import select, select_names
from bringup.inventory.types import Cable, FaultSpec, Inventory, Params, ShapeSpec, Simulate

__all__ = [
    "Cable",
    "FaultSpec",
    "Inventory",
    "Params",
    "ShapeSpec",
    "Simulate",
    "folded",
    "from_names",
    "load",
    "parse",
    "select",
    "select_names",
]
