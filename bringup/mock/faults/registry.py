"""The registry of fault kinds: what every kind is, and how the modules beside this one add theirs.

A fault is a small change to the parts of one node; everything that the node's tools print and its tests measure
follows from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bringup.mock.faults.params import Given, Param
from bringup.mock.hardware import Door, Gpu, Hca, SimNode

Change = Callable[[SimNode, Given], None]
DoorChange = Callable[[Door, Given], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `codes` is what a run should report, the cause first. One of the two changes is set."""

    id: str
    does: str
    params: tuple[Param, ...]
    codes: tuple[str, ...]
    change: Change | None = None
    door: DoorChange | None = None


KINDS: dict[str, Kind] = {}

GPU = Param("gpu", "gpu")
HCA = Param("hca", "hca")
LINK = Param("link", "link")
AGE = Param("age_s", "seconds", default=0)
COUNT = Param("count", "count")
TOOL = Param("tool", "tool")


def fault(kind: str, does: str, *params: Param, codes: tuple[str, ...]) -> Callable[[Change], Change]:
    """Register a change to a node's parts under the name of a kind."""

    def register(change: Change) -> Change:
        KINDS[kind] = Kind(kind, does, params, codes, change=change)
        return change

    return register


def door(kind: str, does: str, *params: Param, codes: tuple[str, ...]) -> Callable[[DoorChange], DoorChange]:
    """Register a change to what a stranger meets at a node's SSH port."""

    def register(change: DoorChange) -> DoorChange:
        KINDS[kind] = Kind(kind, does, params, codes, door=change)
        return change

    return register


def gpu_of(node: SimNode, given: Given) -> Gpu:
    """The GPU that the fault names."""
    return node.gpus[given.whole("gpu")]


def hca_of(node: SimNode, given: Given) -> Hca:
    """The adapter that the fault names."""
    return next(h for h in node.hcas if h.name == given.text("hca"))
