"""Faults of leaf and spine switches: they are at no node, and everything that crosses them feels them."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.fabric import Fabric, Leaf
from bringup.mock.faults.expected import (
    HANDS_ON,
    LEAF_AT,
    Expected,
    Scope,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import FRACTION, LEAF, Kind, in_fabric, in_node
from bringup.mock.hardware import Hca, SimNode

_NEEDS = ("leaf",)
_SPINE = Param("spine", "count", default=1)


def _at_leaf(*codes: str) -> tuple[Expected, ...]:
    return tuple(Expected(code, LEAF_AT, HANDS_ON) for code in codes)


def _leaf(fabric: Fabric, given: Given) -> Leaf:
    return fabric.leaves[given.text("leaf")]


def _wired(node: SimNode, given: Given) -> list[Hca]:
    return [h for h in node.hcas if h.leaf == given.text("leaf")]


@in_fabric(
    Kind(
        "slow-leaf",
        "a leaf switch carries only a fraction at each of its ports; name nodes that are wired to it",
        (LEAF, FRACTION),
        _at_leaf("LEAF-SLOW"),
        ("RDMA-BW",),
        scope=Scope.LEAF,
        needs=_NEEDS,
    )
)
def _slow_leaf(fabric: Fabric, given: Given) -> None:
    _leaf(fabric, given).fraction *= given.number("fraction")


@in_fabric(
    Kind(
        "late-leaf",
        "a leaf switch adds so many microseconds to everything that crosses it",
        (LEAF, Param("us", "number", examples=(6, 15))),
        _at_leaf("LEAF-SLOW"),
        ("RDMA-LAT",),
        scope=Scope.LEAF,
        needs=_NEEDS,
    )
)
def _late_leaf(fabric: Fabric, given: Given) -> None:
    _leaf(fabric, given).extra_us += given.number("us")


@in_fabric(
    Kind(
        "slow-uplink",
        "the cables from a leaf to one spine carry only a fraction",
        (LEAF, _SPINE, FRACTION),
        _at_leaf("UPLINK-SLOW", "LEAF-SLOW"),
        ("PATH-UNSTABLE",),
        scope=Scope.LEAF,
        needs=_NEEDS,
    )
)
def _slow_uplink(fabric: Fabric, given: Given) -> None:
    uplinks = _leaf(fabric, given).uplinks
    if uplinks:
        uplinks[fabric.spines[(given.whole("spine") - 1) % len(fabric.spines)]].fraction *= given.number(
            "fraction"
        )


@in_fabric(
    Kind(
        "slow-spine",
        "a spine switch carries only a fraction of what every leaf sends through it",
        (_SPINE, FRACTION),
        (Expected("SPINE-SLOW", "spine-*", HANDS_ON), Expected("SPINE-SLOW", "fleet", HANDS_ON)),
        ("PATH-UNSTABLE",),
        scope=Scope.FLEET,
        needs=_NEEDS,
    )
)
def _slow_spine(fabric: Fabric, given: Given) -> None:
    if fabric.spines:
        spine = fabric.spines[(given.whole("spine") - 1) % len(fabric.spines)]
        for leaf in fabric.leaves.values():
            leaf.uplinks[spine].fraction *= given.number("fraction")


@in_fabric(
    Kind(
        "uplinks-missing",
        "a fraction of a leaf's uplinks is all that is there, so that full load does not fit",
        (LEAF, FRACTION),
        _at_leaf("UPLINK-MISSING"),
        scope=Scope.LEAF,
        needs=("leaf", "infiniband"),
    )
)
def _uplinks_missing(fabric: Fabric, given: Given) -> None:
    for uplinks in _leaf(fabric, given).uplinks.values():
        uplinks.count *= given.number("fraction")


@in_fabric(
    Kind(
        "leaf-down",
        "a leaf switch is off: no port that is wired to it has a link; name all nodes that are",
        (LEAF,),
        _at_leaf("LEAF-DOWN"),
        ("LINK-DOWN",),
        scope=Scope.LEAF,
        needs=_NEEDS,
    )
)
def _leaf_down(fabric: Fabric, given: Given) -> None:
    _leaf(fabric, given).off = True


@in_node(
    Kind(
        "leaf-flaps",
        "a leaf switch restarted so many times: all its ports lost their link and found it again; name all nodes",
        (LEAF, Param("count", "count", examples=(12, 25))),
        _at_leaf("LEAF-FLAPS", "LEAF-ERRORS"),
        ("LINK-ERRORS",),
        scope=Scope.LEAF,
        needs=_NEEDS,
    )
)
def _leaf_flaps(node: SimNode, given: Given) -> None:
    for hca in _wired(node, given):
        hca.count("link_downed", given.whole("count"))
        node.happened(kernel_log.link_down(hca), 300)
        node.happened(kernel_log.link_up(hca), 280)


@in_node(
    Kind(
        "leaf-errors",
        "a line card of a leaf switch damages packets: every port that is wired to it counts them; name all nodes",
        (LEAF, Param("count", "count", examples=(900, 7000))),
        _at_leaf("LEAF-ERRORS"),
        ("LINK-ERRORS",),
        scope=Scope.LEAF,
        needs=_NEEDS,
    )
)
def _leaf_errors(node: SimNode, given: Given) -> None:
    for hca in _wired(node, given):
        hca.count("symbol_error", given.whole("count"))
        hca.count("port_rcv_errors", given.whole("count"))
