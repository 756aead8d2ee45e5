"""Faults that can be seeded into the simulated cluster: their check, and their way into a node.

Faults happen when a node's first session begins. Each module beside this one registers its kinds; `KINDS` has all.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from bringup.mock.fabric import Fabric
from bringup.mock.faults import (
    cabling,
    counters,
    fleet,
    gpu,
    host,
    intermittent,
    memory,
    nvlink,
    oddity,
    plan,
    port,
    reach,
    settings,
    slot,
    software,
    switch,
    tenant,
)
from bringup.mock.faults.expected import Expected, Scope
from bringup.mock.faults.params import Given, Scalar
from bringup.mock.faults.registry import KINDS, Kind, healthy
from bringup.mock.hardware import Door, SimNode
from bringup.mock.seats import ShapeSpec, shape_names
from bringup.mock.shapes import SHAPES
from bringup.model import Node

__all__ = [
    "KINDS",
    "Expected",
    "FaultSpec",
    "Kind",
    "Mistake",
    "Scope",
    "apply",
    "change_fabric",
    "check_faults",
    "door_of",
]

_REGISTERED = (
    reach, host, settings, software, tenant, gpu, slot, memory, nvlink, port, counters, intermittent, cabling, switch, fleet,
    plan, oddity,
)  # fmt: skip


class FaultSpec(Protocol):
    """A fault as the inventory gives it."""

    @property
    def kind(self) -> str: ...
    @property
    def nodes(self) -> tuple[str, ...]: ...
    @property
    def params(self) -> Mapping[str, Scalar]: ...
    @property
    def line(self) -> int: ...


class Simulated(Protocol):
    """The inventory's `simulate` section."""

    @property
    def shape(self) -> str: ...
    @property
    def shapes(self) -> Sequence[ShapeSpec]: ...
    @property
    def seed(self) -> int: ...
    @property
    def speed(self) -> float: ...
    @property
    def faults(self) -> Sequence[FaultSpec]: ...


class Mistake(NamedTuple):
    """Something wrong in a `simulate` section: the line of the inventory (0: unknown) and what it is."""

    line: int
    text: str


def check_faults(simulate: Simulated, nodes: Sequence[Node]) -> list[Mistake]:
    """All mistakes of a `simulate` section at once; empty if it can be served."""
    named = [(simulate.shape, getattr(simulate, "line", 0)), *((s.shape, s.line) for s in simulate.shapes)]
    mistakes = [
        Mistake(line, f"shape: no shape {shape!r}{_guess(shape, SHAPES)}")
        for shape, line in named
        if shape not in SHAPES
    ]
    if mistakes:
        return mistakes
    if not simulate.speed > 0:
        mistakes.append(
            Mistake(getattr(simulate, "line", 0), f"speed: needs a number above 0, got {simulate.speed!r}")
        )
    shapes = shape_names(simulate, (n.name for n in nodes))
    lines = {name: spec.line for spec in simulate.shapes for name in spec.nodes}
    for node in nodes:
        shape = SHAPES[shapes[node.name]]
        if len(node.ports) > (most := len(shape.hca_bdfs)):
            text = f"node {node.name} has {len(node.ports)} ports, the shape {shape.name} only {most}"
            mistakes.append(Mistake(lines.get(node.name, 0), text))
    by_name = {n.name: n for n in nodes}
    for spec in simulate.faults:
        mistakes += [Mistake(spec.line, text) for text in _mistakes(spec, by_name, shapes)]
    return mistakes


def _mistakes(spec: FaultSpec, nodes: Mapping[str, Node], shapes: Mapping[str, str]) -> Iterable[str]:
    kind = KINDS.get(spec.kind)
    if kind is None:
        yield f"faults: no kind {spec.kind!r}{_guess(spec.kind, KINDS)}"
        return
    known = {p.name: p for p in kind.params}
    for name in spec.params:
        if name not in known:
            has = ", ".join(known) or "none"
            yield f"fault {kind.id}: no parameter {name!r}{_guess(name, known)} (parameters: {has})"
    for name, param in known.items():
        if name not in spec.params and param.default is None:
            yield f"fault {kind.id}: parameter {name} is missing"
    if not spec.nodes:
        yield f"fault {kind.id}: no node is named"
    for name in spec.nodes:
        if name not in nodes:
            yield f"fault {kind.id}: no node {name!r}{_guess(name, nodes)}"
    seen: set[str] = set()
    for node_name in spec.nodes:
        if node_name not in nodes:
            continue
        part = healthy(nodes[node_name], shapes[node_name])
        for name, value in spec.params.items():
            text = known[name].problem(value, part) if name in known else ""
            if text and text not in seen:
                seen.add(text)
                yield f"fault {kind.id}: {name} {text}"
        if not seen and (lacks := kind.lacks(nodes[node_name], shapes[node_name])):
            yield f"fault {kind.id}: needs {', '.join(lacks)}; {node_name} of shape {shapes[node_name]} has none"


def _guess(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(words), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def door_of(name: str, specs: Iterable[FaultSpec]) -> Door:
    """What a stranger meets at the SSH port of the node `name`."""
    door = Door()
    for spec in specs:
        kind = KINDS[spec.kind]
        if kind.door is not None and name in spec.nodes:
            kind.door(door, Given(kind.params, spec.params))
    return door


def apply(node: SimNode, specs: Iterable[FaultSpec], plans: Mapping[str, Node] | None = None) -> None:
    """Make the faults of this node happen. `plans` are all nodes by name, for faults that lie between two of them."""
    for spec in specs:
        kind = KINDS[spec.kind]
        if kind.change is not None and node.name in spec.nodes:
            kind.change(node, _given(kind, spec, plans or {}))


def change_fabric(fabric: Fabric, specs: Iterable[FaultSpec], plans: Mapping[str, Node]) -> None:
    """Make the faults of switches happen."""
    for spec in specs:
        kind = KINDS[spec.kind]
        if kind.fabric is not None:
            kind.fabric(fabric, _given(kind, spec, plans))


def _given(kind: Kind, spec: FaultSpec, plans: Mapping[str, Node]) -> Given:
    return Given(kind.params, spec.params, [plans[name] for name in spec.nodes if name in plans])
