"""The `simulate:` and `faults:` parts: that the cluster is a simulated one, and what is broken in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bringup.inventory import names, shape
from bringup.inventory.nodes import listed
from bringup.inventory.problems import Problems, quoted
from bringup.inventory.tree import Value
from bringup.inventory.types import FaultSpec, Params, Scalar, ShapeSpec, Simulate

_MOST_SEED = 2**31 - 1


def read(
    value: Value | None,
    faults: Value | None,
    there: Mapping[str, object],
    groups: Mapping[str, Sequence[str]],
    problems: Problems,
) -> Simulate | None:
    """What is simulated, or None for a real cluster."""
    found = _faults(faults, there, groups, problems) if faults is not None else ()
    if value is None:
        if found and faults is not None:
            problems.add(
                faults.line,
                "faults: only a simulated cluster has faults on order; add simulate: or remove them",
            )
        return None
    keys = shape.table(value, "simulate", ("shape", "shapes", "seed", "speed"), problems)
    usual = Simulate()
    model = shape.text(keys["shape"], "simulate.shape", problems) if "shape" in keys else usual.shape
    seed = (
        shape.whole(keys["seed"], "simulate.seed", problems, 0, _MOST_SEED) if "seed" in keys else usual.seed
    )
    speed = (
        shape.number(keys["speed"], "simulate.speed", problems, 10_000) if "speed" in keys else usual.speed
    )
    others = _shapes(keys["shapes"], there, groups, problems) if "shapes" in keys else ()
    if model is None or seed is None or speed is None:
        return usual
    return Simulate(model, seed, speed, found, value.line, others)


def _shapes(
    value: Value, there: Mapping[str, object], groups: Mapping[str, Sequence[str]], problems: Problems
) -> tuple[ShapeSpec, ...]:
    """Shape by shape the nodes that are of it. What shapes there are is the simulator's to say."""
    found: list[ShapeSpec] = []
    taken: dict[str, str] = {}
    for key, item in shape.keys(value, "simulate.shapes", problems):
        nodes = listed(item, f"simulate.shapes.{key.text[:80]}", there, groups, problems)
        twice = [name for name in nodes if name in taken]
        if twice:
            what = f"simulate.shapes: {names.folded(twice)} cannot be {quoted(key.text)} and {quoted(taken[twice[0]])}"
            problems.add(item.line, what)
        taken |= dict.fromkeys(nodes, key.text)
        found.append(ShapeSpec(key.text, nodes, key.line))
    return tuple(found)


def _faults(
    value: Value, there: Mapping[str, object], groups: Mapping[str, Sequence[str]], problems: Problems
) -> tuple[FaultSpec, ...]:
    found: list[FaultSpec] = []
    for entry in shape.items(value, "faults", problems):
        keys = {key.text: item for key, item in shape.keys(entry, "faults", problems)}
        kind = shape.text(keys.pop("kind"), "faults.kind", problems) if "kind" in keys else ""
        if kind == "":
            problems.add(entry.line, "faults: this entry has no kind")
        if "node" in keys and "nodes" in keys:
            problems.add(entry.line, "faults: this entry has node and nodes; use one of them")
        where = keys.pop("nodes", None) or keys.pop("node", None)
        if where is None:
            problems.add(entry.line, "faults: this entry has no node")
        nodes = listed(where, "faults.node", there, groups, problems)
        params: dict[str, Scalar] = {}
        for key, item in keys.items():
            if not names.is_name(key):
                problems.add(item.line, f"faults: {names.bad_name(key)}")
            said = shape.scalar(item, f"faults.{key[:80]}", problems)
            if said is not None:
                params[key] = said
        found.append(FaultSpec(kind or "", nodes, Params(params), entry.line))
    return tuple(found)
