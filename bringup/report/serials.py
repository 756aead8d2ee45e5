"""The numbers by which the parts of a defect are known: what a technician reads on the label and a vendor asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bringup.defects import Defect
from bringup.life.parts import PLACEHOLDERS, belongs
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


@dataclass(frozen=True, slots=True)
class Serial:
    """One number: what it is, its value, and the component that bears it."""

    what: str
    value: str
    at: str


def serials(state: RunState, defect: Defect) -> tuple[Serial, ...]:
    """The numbers of the parts that a defect is about and of their nodes, as read in this run; none for many nodes."""
    nodes = [name for name in dict.fromkeys(defect.nodes) if name in state.nodes]
    if len(nodes) > MOST_NODES:
        return ()
    components = defect.components or (defect.component,)
    found: dict[tuple[str, str], Serial] = {}
    for name in nodes:
        for serial in _of_node(state, name):
            if serial.at == name or any(belongs(serial.at, component) for component in components):
                found.setdefault((serial.what, serial.value), serial)
    return tuple(found.values())[:_MOST]


def said(state: RunState, defect: Defect) -> str:
    """`GPU serial 165, GPU UUID GPU-9a, node serial S1`; with the node's name where there are several."""
    numbers = serials(state, defect)
    several = len({_node(n) for n in numbers}) > 1
    return ", ".join(f"{_node(n) + ' ' if several else ''}{n.what} {text.line(n.value, 80)}" for n in numbers)


def _node(serial: Serial) -> str:
    return text.line(serial.at.partition("/")[0], 60)


def _of_node(state: RunState, name: str) -> Iterator[Serial]:
    """The parts first, the node itself last; its number from the inventory where it does not tell one."""
    checks = {check for check, _ in NAMED}
    node: list[Serial] = []
    for outcome in state.by_node.get(name, ()):
        if outcome.check not in checks:
            continue
        for m in outcome.measurements:
            what = NAMED.get((outcome.check, m.name))
            if what is None or not isinstance(m.value, str) or m.at.partition("/")[0] != name:
                continue
            if m.value.strip().lower() in PLACEHOLDERS:
                continue
            serial = Serial(what, m.value.strip(), m.at)
            if m.at == name:
                node.append(serial)
            else:
                yield serial
    planned = state.nodes[name].serial
    if not node and planned:
        node.append(Serial("node serial", planned, name))
    yield from node
