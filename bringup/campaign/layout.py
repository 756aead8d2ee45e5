"""Writes the inventory of a simulated cluster: any number of nodes of a shape, its racks, cables and faults.

The text is all that a scenario is: it is parsed like a file that people wrote, and can be given to `bringup run -i`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bringup.inventory import FaultSpec
from bringup.mock.shapes import SHAPES, Shape

NODES_PER_LEAF = 16
LEAST_PER_LEAF = 4
SPEED = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """How nodes of one shape are planned: profile, name, ports in rail order, nodes to a rack, height of one."""

    profile: str
    rails: tuple[str, ...]
    prefix: str = "gpu"
    per_rack: int = 4
    units: int = 8


_GAPS = ("mlx5_0", "mlx5_3", "mlx5_4", "mlx5_5", "mlx5_6", "mlx5_9", "mlx5_10", "mlx5_11")
"""Training ports of a node with eight: as on real ones, the numbers between belong to other networks."""


def plans(profiles: Collection[str]) -> dict[str, Plan]:
    """How clusters of every shape are planned that has a profile of its name."""
    return {name: _plan(shape) for name, shape in SHAPES.items() if name in profiles}


def _plan(shape: Shape) -> Plan:
    count = len(shape.hca_bdfs)
    rails = _GAPS if count == len(_GAPS) else tuple(f"mlx5_{k}" for k in range(count))
    if shape.domain > 1:
        return Plan(shape.name, rails, "tray", per_rack=shape.domain, units=1)
    if not shape.gpu_bdfs:
        return Plan(shape.name, rails, "node", per_rack=20, units=2)
    return Plan(shape.name, rails)


@dataclass(frozen=True, slots=True)
class Part:
    """So many nodes of one shape, with so many to a leaf (0: what suits the number)."""

    plan: Plan
    shape: str
    count: int
    per_leaf: int = 0


def names(plan: Plan, count: int) -> tuple[str, ...]:
    """The names of all nodes, their numbers padded to one width."""
    width = _width(count)
    return tuple(f"{plan.prefix}-{number:0{width}}" for number in range(1, count + 1))


def _width(count: int) -> int:
    return max(3, len(str(count)))


def _range(plan: Plan, low: int, high: int, count: int) -> str:
    width = _width(count)
    return f"{plan.prefix}-[{low:0{width}}-{high:0{width}}]"


def inventory_text(
    plan: Plan, shape: str, count: int, seed: int, faults: Sequence[FaultSpec] = (), *, name: str, note: str = "",
    per_leaf: int = 0,
) -> str:  # fmt: skip
    """The inventory of a cluster of one shape as YAML."""
    return mixed_text((Part(plan, shape, count, per_leaf),), seed, faults, name=name, note=note)


def mixed_text(
    parts: Sequence[Part], seed: int, faults: Sequence[FaultSpec] = (), *, name: str, note: str = ""
) -> str:
    """The inventory of a cluster of several shapes, each with racks, serial numbers and leaves of its own."""
    nodes: list[str] = []
    cables: list[str] = []
    before, racks, leaves = 0, 0, 0
    for part in parts:
        plan = part.plan
        nodes += [
            f'  - names: "{_range(plan, 1, part.count, part.count)}"',
            f"    profile: {plan.profile}",
            f"    rack: R{{i//{plan.per_rack}+{racks + 1}:02}}",
            f'    unit: "{{i%{plan.per_rack}*{plan.units}+1}}"',
            f"    serial: SIM{{n{f'+{before}' if before else ''}:05}}",
        ]
        if plan.rails:
            nodes.append(f"    rails: [{', '.join(plan.rails)}]")
            lines = _cables(plan, part.count, part.per_leaf or nodes_per_leaf(part.count), leaves)
            cables += lines
            leaves += len(lines)
        before += part.count
        racks += -(-part.count // plan.per_rack)
    lines = [f"# {note}"] if note else []
    lines += [f"name: {name}", "defaults: {user: root}", "nodes:", *nodes]
    lines += ["cables:", *cables] if cables else []
    lines.append(f"simulate: {{{_shapes(parts)}, seed: {seed}, speed: {SPEED}}}")
    if faults:
        lines.append("faults:")
        lines += [f"  - {_flow(fault)}" for fault in faults]
    return "\n".join(lines) + "\n"


def _shapes(parts: Sequence[Part]) -> str:
    first, *others = parts
    rest = ", ".join(f'{p.shape}: "{_range(p.plan, 1, p.count, p.count)}"' for p in others)
    return f"shape: {first.shape}" + (f", shapes: {{{rest}}}" if rest else "")


def nodes_per_leaf(count: int) -> int:
    """At least two leaves to a rail, so that a slow leaf differs from a slow rail."""
    return min(NODES_PER_LEAF, max(LEAST_PER_LEAF, count // 2))


def _cables(plan: Plan, count: int, per_leaf: int, before: int) -> list[str]:
    """Rail by rail, so many nodes to a leaf: a line for each leaf. `before` are the leaves of other parts."""
    lines: list[str] = []
    for low in range(1, count + 1, per_leaf):
        high = min(count, low + per_leaf - 1)
        for hca in plan.rails:
            leaf = before + len(lines) + 1
            lines.append(
                f'  - {{a: "{_range(plan, low, high, count)}:{hca}", b: "leaf-{leaf:02}:{{i+1}}", '
                f'label: "L{leaf:02}-{{i+1:02}}"}}'
            )
    return lines


def _flow(fault: FaultSpec) -> str:
    """One fault on one line; JSON is YAML."""
    return json.dumps({"kind": fault.kind, "nodes": list(fault.nodes), **dict(fault.params)})
