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


def names(plan: Plan, count: int) -> tuple[str, ...]:
    """The names of all nodes."""
    return tuple(f"{plan.prefix}-{number:03}" for number in range(1, count + 1))


def inventory_text(
    plan: Plan, shape: str, count: int, seed: int, faults: Sequence[FaultSpec] = (), *, name: str, note: str = "",
    per_leaf: int = 0,
) -> str:  # fmt: skip
    """The inventory as YAML, with so many nodes to a leaf (0: what suits the size)."""
    lines = [f"# {note}"] if note else []
    lines += [
        f"name: {name}",
        f"defaults: {{user: root, profile: {plan.profile}}}",
        "nodes:",
        f'  - names: "{plan.prefix}-[001-{count:03}]"',
        f"    rack: R{{i//{plan.per_rack}+1:02}}",
        f'    unit: "{{i%{plan.per_rack}*{plan.units}+1}}"',
        "    serial: SIM{n:05}",
    ]
    if plan.rails:
        lines += [f"    rails: [{', '.join(plan.rails)}]", "cables:"]
        lines += _cables(plan, count, per_leaf or nodes_per_leaf(count))
    lines.append(f"simulate: {{shape: {shape}, seed: {seed}, speed: {SPEED}}}")
    if faults:
        lines.append("faults:")
        lines += [f"  - {_flow(fault)}" for fault in faults]
    return "\n".join(lines) + "\n"


def nodes_per_leaf(count: int) -> int:
    """At least two leaves to a rail, so that a slow leaf differs from a slow rail."""
    return min(NODES_PER_LEAF, max(LEAST_PER_LEAF, count // 2))


def _cables(plan: Plan, count: int, per_leaf: int) -> list[str]:
    """Rail by rail, so many nodes to a leaf."""
    lines: list[str] = []
    for low in range(1, count + 1, per_leaf):
        high = min(count, low + per_leaf - 1)
        unit = (low - 1) // per_leaf
        for rail, hca in enumerate(plan.rails):
            leaf = unit * len(plan.rails) + rail + 1
            lines.append(
                f'  - {{a: "{plan.prefix}-[{low:03}-{high:03}]:{hca}", b: "leaf-{leaf:02}:{{i+1}}", '
                f'label: "L{leaf:02}-{{i+1:02}}"}}'
            )
    return lines


def _flow(fault: FaultSpec) -> str:
    """One fault on one line; JSON is YAML."""
    return json.dumps({"kind": fault.kind, "nodes": list(fault.nodes), **dict(fault.params)})
