"""From a drawn fault of the simulator to what a run must report about it, with all names filled in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bringup.campaign.types import Place, Planted, Wanted
from bringup.inventory import FaultSpec
from bringup.mock.faults.expected import Expected, Scope, places
from bringup.mock.faults.registry import Kind
from bringup.mock.shapes import SHAPES
from bringup.model import Node

_SPECIAL = re.compile(r"[*?\[]")


def plant(kind: Kind, spec: FaultSpec, nodes: Sequence[Node], shape: str) -> Planted:
    """The fault with every place where it is, and the defects that are right there."""
    by_name = {n.name: n for n in nodes}
    where = _places(kind, spec, [by_name[name] for name in spec.nodes], shape)
    return Planted(kind.id, spec.nodes, where, dict(spec.params), "" if kind.oddity else kind.closes)


def _places(kind: Kind, spec: FaultSpec, named: Sequence[Node], shape: str) -> tuple[Place, ...]:
    if kind.oddity or not kind.expected:
        return ()
    if kind.scope in (Scope.LEAF, Scope.FLEET):
        return (Place(spec.nodes, _wanted(kind.expected, spec, named[0], shape)),)
    return tuple(Place((n.name,), _wanted(kind.expected, spec, n, shape)) for n in named)


def _wanted(expected: Sequence[Expected], spec: FaultSpec, node: Node, shape: str) -> tuple[Wanted, ...]:
    """The alternatives at this node; node names and parameters are text, only the template itself is a pattern."""
    known = places(node, spec.nodes, spec.params, SHAPES[shape].gpu_bdfs)
    literal = {name: _SPECIAL.sub(r"[\g<0>]", str(value)) for name, value in known.items()}
    filled = [e.filled(literal) for e in expected]
    return tuple(Wanted(e.code, e.component, e.who.value) for e in filled)
