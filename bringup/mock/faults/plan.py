"""Mistakes in the plan: the machines are well, and the inventory or the profile says something else.

They are simulated from the other side: the machines differ from the plan in a way that no machine fails in.
"""

from __future__ import annotations

from bringup.mock.faults.expected import (
    CONFIGURATION,
    FLEET_AT,
    HCA_AT,
    NODE_AT,
    PLAN,
    Expected,
    Scope,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import HCA, Kind, hca_of, in_node
from bringup.mock.hardware import Gpu, SimNode

_MODEL = Param("name", "word", default="NVIDIA H200 NVL")


@in_node(
    Kind(
        "plan-wrong-adapter",
        "the plan names an adapter that the node calls otherwise; the adapter itself is well",
        (HCA, Param("name", "word", default="mlx5_20")),
        (Expected("PLAN-ADAPTER", HCA_AT, PLAN),),
        scope=Scope.PLAN,
    )
)
def _plan_wrong_adapter(node: SimNode, given: Given) -> None:
    hca_of(node, given).name = given.text("name")


@in_node(
    Kind(
        "plan-wrong-serial",
        "the serial number in the inventory has a digit too many",
        expected=(Expected("NODE-IDENTITY", NODE_AT, PLAN),),
        scope=Scope.PLAN,
        needs=("serial",),
    )
)
def _plan_wrong_serial(node: SimNode, given: Given) -> None:
    node.serial = node.serial[:-1]


def _becomes(gpu: Gpu, name: str) -> None:
    gpu.name = name


@in_node(
    Kind(
        "plan-wrong-profile",
        "a node has other GPUs than its profile says",
        (_MODEL,),
        (Expected("GPU-MODEL", NODE_AT, PLAN), Expected("GPU-MODEL", "{node}/gpu/*", PLAN)),
        scope=Scope.PLAN,
        needs=("nvidia",),
    )
)
def _plan_wrong_profile(node: SimNode, given: Given) -> None:
    for gpu in node.gpus:
        _becomes(gpu, given.text("name"))


@in_node(
    Kind(
        "fleet-wrong-profile",
        "all nodes have other GPUs than their profile says",
        (_MODEL,),
        (Expected("GPU-MODEL", FLEET_AT, PLAN), Expected("GPU-MODEL", FLEET_AT, CONFIGURATION)),
        scope=Scope.FLEET,
        needs=("nvidia",),
    )
)
def _fleet_wrong_profile(node: SimNode, given: Given) -> None:
    for gpu in node.gpus:
        _becomes(gpu, given.text("name"))


@in_node(
    Kind(
        "plan-wrong-map",
        "the cable plan of all nodes is shifted by one rail",
        expected=(Expected("CABLE-PLAN", FLEET_AT, PLAN),),
        scope=Scope.FLEET,
        needs=("leaf",),
    )
)
def _plan_wrong_map(node: SimNode, given: Given) -> None:
    fabric = node.fabric_hcas
    ends = [(h.leaf, h.leaf_port) for h in fabric]
    for hca, end in zip(fabric, [*ends[1:], ends[0]], strict=True):
        hca.leaf, hca.leaf_port = end
