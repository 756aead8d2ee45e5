"""What a run must report for a seeded fault: data, written without a look at what the product finds today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bringup.defects import Who
from bringup.mock.faults.params import Scalar
from bringup.model import Node

HANDS_ON, CONFIGURATION, SOFTWARE, PLAN = Who.HANDS_ON, Who.CONFIGURATION, Who.SOFTWARE, Who.PLAN
UNJUDGED = Who.COULD_NOT_JUDGE


NODE_AT = "{node}"
GPU_AT = "{node}/gpu/{gpu}"
LINK_AT = "{node}/gpu/{gpu}/nvlink/{link}"
HCA_AT = "{node}/hca/{hca}"
PORT_AT = "{node}/hca/{hca}/port/1"
LEAF_AT = "{leaf}"
FLEET_AT = "fleet"


class Scope(StrEnum):
    """Where a fault is, and so how many defects it must give.

    node: one at each named node. pair: one at each of the two named nodes, or one for both where the component names
    both ({a} and {b}). leaf: one for the switch. fleet: one for all nodes. plan: the machines are well and the
    inventory or profile is wrong; one at each named node.
    """

    NODE = "node"
    PAIR = "pair"
    LEAF = "leaf"
    FLEET = "fleet"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Expected:
    """A defect. In a kind `component` is a template; `filled` puts node names and parameters in.

    A component of `fleet` is met by `fleet` and by `fleet/CODE`.
    """

    code: str
    component: str
    who: Who

    def filled(self, values: Mapping[str, Scalar]) -> Expected:
        """The same with the places of the template filled."""
        return replace(self, component=self.component.format_map(values))


def places(
    node: Node, named: Sequence[str], params: Mapping[str, Scalar], bdfs: Sequence[str]
) -> dict[str, Scalar]:
    """What the templates may name: node, a, b, the parameters, and from the plan the leaf of a named adapter.

    `bdfs` are the PCI addresses of the GPUs: a lost GPU has no index any more.
    """
    known: dict[str, Scalar] = {"node": node.name, "a": named[0], "b": named[-1], **params}
    for port in node.ports:
        if port.hca == params.get("hca"):
            known.setdefault("leaf", port.leaf)
    gpu = params.get("gpu")
    if isinstance(gpu, int) and 0 <= gpu < len(bdfs):
        known["bdf"] = f"0000{bdfs[gpu]}"
    return known
