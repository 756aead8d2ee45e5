"""Faults that come and go: what fails only sometimes."""

from __future__ import annotations

from bringup.mock.faults.expected import (
    HANDS_ON,
    NODE_AT,
    PORT_AT,
    UNJUDGED,
    Expected,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import HCA, Kind, hca_of, in_node
from bringup.mock.hardware import SimNode

_EVERY = Param("every", "count", default=3)
_SMI = Param("tool", "tool", default="nvidia-smi")


@in_node(
    Kind(
        "port-flaps",
        "a port's link goes down and comes back in one of so many transfers",
        (HCA, _EVERY),
        (Expected("LINK-ERRORS", PORT_AT, HANDS_ON),),
    )
)
def _port_flaps(node: SimNode, given: Given) -> None:
    hca_of(node, given).flaps_every = given.whole("every")


@in_node(
    Kind(
        "rdma-fails-sometimes",
        "one of so many transfers of a port breaks off",
        (HCA, _EVERY),
        (Expected("RDMA-CONNECT", PORT_AT, HANDS_ON), Expected("RDMA-FLAKY", PORT_AT, HANDS_ON)),
    )
)
def _rdma_fails_sometimes(node: SimNode, given: Given) -> None:
    hca_of(node, given).fails_every = given.whole("every")


@in_node(
    Kind(
        "tool-hangs-sometimes",
        "one of so many calls of a program never ends",
        (_SMI, _EVERY),
        (Expected("COMMAND-HANGS", NODE_AT, UNJUDGED),),
        needs=("nvidia",),
    )
)
def _tool_hangs_sometimes(node: SimNode, given: Given) -> None:
    node.hangs_every[given.text("tool")] = given.whole("every")


@in_node(
    Kind(
        "tool-fails-sometimes",
        "one of so many calls of a program fails",
        (_SMI, _EVERY),
        (
            Expected("OUTPUT-UNKNOWN", NODE_AT, UNJUDGED),
            Expected("NOT-JUDGED", NODE_AT, UNJUDGED),
        ),
        needs=("nvidia",),
    )
)
def _tool_fails_sometimes(node: SimNode, given: Given) -> None:
    node.fails_every[given.text("tool")] = given.whole("every")
