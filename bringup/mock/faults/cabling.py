"""Faults of cables: they end somewhere else than planned, and traffic takes the way that they really go.

Neighbours (LLDP, ibnetdiscover) show where a cable really ends; without such a look the link seems well.
"""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.faults.expected import HANDS_ON, PLAN, PORT_AT, Expected, Scope
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.port import take_down
from bringup.mock.faults.registry import (
    HCA,
    Kind,
    another_leaf,
    hca_of,
    in_node,
    same_rail,
    two_ports_of_one,
)
from bringup.mock.hardware import Logical, Physical, SimNode

_LEAF = ("leaf",)
_EXTRA_LIDS = 0x8000
"""Ports that the plan does not name get numbers after all others."""


@in_node(
    Kind(
        "cables-swapped",
        "two nodes have each other's cable at the same adapter",
        (HCA,),
        (
            Expected("CABLE-SWAP", "{a}/hca/{hca}/port/1 ~ {b}/hca/{hca}/port/1", HANDS_ON),
            Expected("CABLE-SWAP", "{b}/hca/{hca}/port/1 ~ {a}/hca/{hca}/port/1", HANDS_ON),
        ),
        scope=Scope.PAIR,
        needs=_LEAF,
        place=same_rail,
    )
)
def _cables_swapped(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    for port in given.other(node).ports:
        if port.hca == hca.name:
            hca.leaf, hca.leaf_port = port.leaf, port.leaf_port


@in_node(
    Kind(
        "rails-swapped",
        "two cables of one node are in each other's place, so that each ends at the other rail's leaf",
        (HCA, Param("other", "hca")),
        (
            Expected("CABLE-SWAP", "{node}/hca/{hca}/port/1 ~ {node}/hca/{other}/port/1", HANDS_ON),
            Expected("CABLE-SWAP", "{node}/hca/{other}/port/1 ~ {node}/hca/{hca}/port/1", HANDS_ON),
        ),
        needs=_LEAF,
        place=two_ports_of_one,
    )
)
def _rails_swapped(node: SimNode, given: Given) -> None:
    a = hca_of(node, given)
    b = next(h for h in node.hcas if h.name == given.text("other"))
    a.leaf, a.leaf_port, b.leaf, b.leaf_port = b.leaf, b.leaf_port, a.leaf, a.leaf_port


@in_node(
    Kind(
        "wrong-leaf",
        "a cable ends at another leaf than planned",
        (HCA, Param("to", "word"), Param("to_port", "word", default="64")),
        (Expected("CABLE-WRONG", PORT_AT, HANDS_ON),),
        needs=_LEAF,
        place=another_leaf,
    )
)
def _wrong_leaf(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.leaf, hca.leaf_port = given.text("to"), given.text("to_port")


@in_node(
    Kind(
        "wrong-leaf-port",
        "a cable ends at the planned leaf, at another port of it",
        (HCA, Param("to_port", "word", default="63")),
        (Expected("CABLE-WRONG", PORT_AT, HANDS_ON),),
        needs=_LEAF,
    )
)
def _wrong_leaf_port(node: SimNode, given: Given) -> None:
    hca_of(node, given).leaf_port = given.text("to_port")


@in_node(
    Kind(
        "cable-missing",
        "a planned cable is not there",
        (HCA,),
        (Expected("LINK-DOWN", PORT_AT, HANDS_ON), Expected("CABLE-MISSING", PORT_AT, HANDS_ON)),
        ("RDMA-CONNECT",),
    )
)
def _cable_missing(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.leaf = hca.leaf_port = ""
    take_down(hca, Physical.POLLING)


@in_node(
    Kind(
        "cable-unplugged-later",
        "a cable was there and was pulled before the run",
        (HCA,),
        (Expected("LINK-DOWN", PORT_AT, HANDS_ON),),
        ("RDMA-CONNECT", "LINK-ERRORS"),
    )
)
def _cable_unplugged_later(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.count("link_downed", 1)
    node.happened(kernel_log.link_down(hca), 600)
    take_down(hca, Physical.POLLING)


@in_node(
    Kind(
        "cable-extra",
        "a port that the plan does not name is wired to a leaf of the fabric",
        (Param("to", "word", default="leaf-01"), Param("to_port", "word", default="62")),
        (Expected("CABLE-EXTRA", "{node}/hca/*", PLAN),),
        needs=("leaf", "aux"),
    )
)
def _cable_extra(node: SimNode, given: Given) -> None:
    hca = next(h for h in node.hcas if not h.is_fabric)
    hca.leaf, hca.leaf_port = given.text("to"), given.text("to_port")
    hca.layer, hca.rate_gbps = node.shape.layer, node.shape.hca.rate_gbps
    hca.logical, hca.physical = Logical.ACTIVE, Physical.LINK_UP
    if hca.layer == "InfiniBand":
        hca.lid, hca.sm_lid = _EXTRA_LIDS + node.index, 1
