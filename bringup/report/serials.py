"""The numbers by which the parts of a defect are known: what a technician reads on the label and a vendor asks for."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.defects import Defect
from bringup.life.parts import Part, belongs, numbers
from bringup.report import text
from bringup.run import RunState

NAMED = {
    ("gpu.model", "serial"): "GPU serial",
    ("gpu.model", "uuid"): "GPU UUID",
    ("gpu.amd-model", "serial"): "GPU serial",
    ("gpu.amd-model", "uuid"): "GPU UUID",
    ("link.optics-identity", "link.optic.part"): "optic part number",
    ("link.optics-identity", "link.optic.serial"): "optic serial",
    ("link.identity", "guid"): "adapter GUID",
    ("host.identities", "GUID"): "adapter GUID",
    ("host.identities", "serial number"): "node serial",
}
"""Readings that name a part, by check and name."""
MOST_NODES = 4
"""A defect of more nodes is no part that anybody replaces."""
_MOST = 12


def serials(state: RunState, defect: Defect) -> tuple[Part, ...]:
    """The numbers of the parts that a defect is about and of their nodes, as read in this run; none for many nodes."""
    nodes = [name for name in dict.fromkeys(defect.nodes) if name in state.nodes]
    if len(nodes) > MOST_NODES:
        return ()
    components = defect.components or (defect.component,)
    found: dict[str, Part] = {}
    for name in nodes:
        for part in _of_node(state, name):
            if part.at == name or any(belongs(part.at, component) for component in components):
                found.setdefault(part.name, part)
    return tuple(found.values())[:_MOST]


def said(state: RunState, defect: Defect) -> str:
    """`GPU serial 165, GPU UUID GPU-9a, node serial S1`; with the node's name where there are several."""
    known = serials(state, defect)
    several = len({_node(part) for part in known}) > 1
    return ", ".join(
        f"{_node(part) + ' ' if several else ''}{part.kind} {text.line(part.serial, 80)}" for part in known
    )


def _node(part: Part) -> str:
    return text.line(part.at.partition("/")[0], 60)


def _of_node(state: RunState, name: str) -> Iterator[Part]:
    """The parts first, the node itself last; its number from the inventory where it does not tell one."""
    mine = [p for p in numbers(state.by_node.get(name, ()), NAMED) if p.at.partition("/")[0] == name]
    planned = state.nodes[name].serial
    yield from (part for part in mine if part.at != name)
    node = [part for part in mine if part.at == name]
    yield from node or ([Part("node serial", planned, name)] if planned else [])
