"""Faults that most nodes share, and two that meet: one cause, or two that hide each other."""

from __future__ import annotations

from dataclasses import replace

from bringup.defects import Who
from bringup.mock.faults.expected import (
    CONFIGURATION,
    FLEET_AT,
    HANDS_ON,
    NODE_AT,
    PORT_AT,
    SOFTWARE,
    UNJUDGED,
    Expected,
    Scope,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import FRACTION, HCA, Kind, half, hca_of, in_node
from bringup.mock.hardware import Logical, SimNode


def _everywhere(code: str, who: Who = CONFIGURATION) -> tuple[Expected, ...]:
    """One defect for all; the cause may be anybody's who looks after all nodes."""
    return tuple(Expected(code, FLEET_AT, w) for w in dict.fromkeys((CONFIGURATION, who)))


@in_node(
    Kind(
        "subnet-manager-down",
        "no subnet manager runs: no port of any node is set up",
        expected=_everywhere("LINK-INIT", SOFTWARE),
        follows=("RDMA-CONNECT",),
        scope=Scope.FLEET,
        needs=("infiniband",),
    )
)
def _subnet_manager_down(node: SimNode, given: Given) -> None:
    for hca in node.fabric_hcas:
        hca.logical, hca.sm_lid = Logical.INIT, 0


@in_node(
    Kind(
        "fleet-memlock",
        "the image of all nodes has a low limit on locked memory",
        expected=_everywhere("MEMLOCK-LIMIT"),
        follows=("RDMA-CONNECT", "RDMA-SETUP"),
        scope=Scope.FLEET,
        needs=("hca",),
    )
)
def _fleet_memlock(node: SimNode, given: Given) -> None:
    node.memlock_kib = 64


@in_node(
    Kind(
        "fleet-unsynced",
        "no node has a source for its clock",
        expected=_everywhere("CLOCK-UNSYNCED"),
        scope=Scope.FLEET,
    )
)
def _fleet_unsynced(node: SimNode, given: Given) -> None:
    node.clock_synced = False


@in_node(
    Kind(
        "fleet-persistence-off",
        "the image of all nodes does not switch persistence on",
        expected=_everywhere("GPU-MODE"),
        scope=Scope.FLEET,
        needs=("nvidia",),
    )
)
def _fleet_persistence_off(node: SimNode, given: Given) -> None:
    for gpu in node.gpus:
        gpu.persistence = "Disabled"


@in_node(
    Kind(
        "fleet-tool-missing",
        "the image of all nodes lacks a program of the battery",
        (Param("tool", "program", default="ib_write_bw"),),
        (Expected("TOOL-MISSING", FLEET_AT, UNJUDGED), Expected("TOOL-MISSING", "*", UNJUDGED)),
        scope=Scope.FLEET,
        needs=("nvidia", "hca"),
    )
)
def _fleet_tool_missing(node: SimNode, given: Given) -> None:
    node.missing.add(given.text("tool"))


@in_node(
    Kind(
        "fleet-driver-split",
        "half of the nodes run another GPU driver, so that there is no majority",
        (Param("version", "word", default="570.86.15"),),
        (Expected("VERSION-MINORITY", FLEET_AT, SOFTWARE),),
        scope=Scope.FLEET,
        needs=("nvidia",),
        place=half,
    )
)
def _fleet_driver_split(node: SimNode, given: Given) -> None:
    node.driver = given.text("version")


@in_node(
    Kind(
        "fleet-driver-old",
        "all nodes run the same driver, which their profile (as example-site does) has not approved",
        (Param("version", "word", default="535.54.03"),),
        _everywhere("GPU-DRIVER-VERSION", SOFTWARE),
        scope=Scope.FLEET,
        needs=("hgx-h100",),
        profile="example-site",
    )
)
def _fleet_driver_old(node: SimNode, given: Given) -> None:
    node.driver = given.text("version")


@in_node(
    Kind(
        "fleet-firmware-old",
        "all adapters run the same firmware, which their profile (as example-site does) has not approved",
        (Param("version", "word", default="28.36.1010"),),
        _everywhere("HCA-FIRMWARE", SOFTWARE),
        scope=Scope.FLEET,
        needs=("hgx-h100",),
        profile="example-site",
    )
)
def _fleet_firmware_old(node: SimNode, given: Given) -> None:
    for hca in node.hcas:
        hca.firmware = given.text("version")


@in_node(
    Kind(
        "fleet-nvls-off",
        "no node's collectives use the switches' own reduction",
        expected=_everywhere("COLL-TRANSPORT", SOFTWARE),
        scope=Scope.FLEET,
        needs=("nvswitch", "fabric-reported"),
    )
)
def _fleet_nvls_off(node: SimNode, given: Given) -> None:
    node.nvls = False


@in_node(
    Kind(
        "fleet-fabric-manager-down",
        "the fabric manager of the image does not fit its driver: it starts on no node",
        expected=_everywhere("FM-DOWN", SOFTWARE),
        follows=("NVLINK-FABRIC", "COLL-FAILED"),
        scope=Scope.FLEET,
        needs=("fabric-manager",),
    )
)
def _fleet_fabric_manager_down(node: SimNode, given: Given) -> None:
    node.fabric_manager = "failed"
    for gpu in node.gpus:
        gpu.fabric_state, gpu.fabric_status = "In Progress", "N/A"


@in_node(
    Kind(
        "fleet-kernel-drift",
        "a quarter of the nodes missed the last image: another kernel",
        (Param("version", "word", default="5.15.0-91-generic"),),
        (Expected("VERSION-MINORITY", NODE_AT, SOFTWARE),),
        scope=Scope.NODE,
        place=lambda rng, nodes: (
            tuple(sorted(n.name for n in rng.sample(list(nodes), max(1, len(nodes) // 4)))),
            {},
        ),
    )
)
def _fleet_kernel_drift(node: SimNode, given: Given) -> None:
    node.shape = replace(node.shape, kernel=given.text("version"))


# ------------------------------------------------------------------------------------------ two that meet


@in_node(
    Kind(
        "bad-pair",
        "two ports of one rail are slow, on two nodes that the first round of tests puts together",
        (HCA, FRACTION),
        (Expected("RDMA-BW", PORT_AT, HANDS_ON),),
        scope=Scope.PAIR,
    )
)
def _bad_pair(node: SimNode, given: Given) -> None:
    hca_of(node, given).fraction *= given.number("fraction")


@in_node(
    Kind(
        "bad-pair-of-nodes",
        "two nodes are slow on all rails, and the first round of tests puts them together",
        (FRACTION,),
        (Expected("NODE-SLOW", NODE_AT, HANDS_ON),),
        ("RDMA-BW",),
        scope=Scope.PAIR,
        needs=("hca",),
    )
)
def _bad_pair_of_nodes(node: SimNode, given: Given) -> None:
    node.fraction *= given.number("fraction")


@in_node(
    Kind(
        "pair-only-path",
        "two adapters are each a little late; only where they meet is it too much",
        (HCA, Param("us", "number", default=2.2)),
        (Expected("PATH-UNSTABLE", PORT_AT, HANDS_ON), Expected("RDMA-LAT", PORT_AT, HANDS_ON)),
        scope=Scope.PAIR,
    )
)
def _pair_only_path(node: SimNode, given: Given) -> None:
    hca_of(node, given).extra_us += given.number("us")
