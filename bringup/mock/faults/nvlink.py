"""Faults of the NVLink fabric inside a node and of the collectives that use it."""

from __future__ import annotations

from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import COUNT, GPU, LINK, fault, gpu_of
from bringup.mock.hardware import SimNode


@fault("nvlink-down", "an NVLink of a GPU is inactive", GPU, LINK, codes=("NVLINK-DOWN", "COLL-BUSBW"))
def _nvlink_down(node: SimNode, given: Given) -> None:
    gpu_of(node, given).down_links.add(given.whole("link"))


@fault(
    "nvlink-slow",
    "an NVLink runs at a lower speed, in GB/s",
    GPU,
    LINK,
    Param("gbs", "number"),
    codes=("NVLINK-SPEED", "COLL-BUSBW"),
)
def _nvlink_slow(node: SimNode, given: Given) -> None:
    gpu_of(node, given).slow_links[given.whole("link")] = given.number("gbs")


@fault("nvlink-errors", "an NVLink counts replay errors", GPU, LINK, COUNT, codes=("NVLINK-ERRORS",))
def _nvlink_errors(node: SimNode, given: Given) -> None:
    gpu_of(node, given).link_errors[given.whole("link")] = given.whole("count")


@fault(
    "fabric-manager-down",
    "the fabric manager has failed: at boot (the GPUs never join the fabric and CUDA does not start) or later",
    Param("since", "word", default="boot", choices=("boot", "later")),
    codes=("FM-DOWN", "NVLINK-FABRIC", "COLL-FAILED"),
)
def _fabric_manager_down(node: SimNode, given: Given) -> None:
    node.fabric_manager = "failed"
    if given.text("since") == "boot":
        for gpu in node.gpus:
            gpu.fabric_state, gpu.fabric_status = "In Progress", "N/A"


@fault(
    "fabric-state",
    "a GPU has not joined the NVLink fabric",
    GPU,
    Param("state", "word", default="In Progress", choices=("In Progress", "Not Started", "Completed")),
    Param("status", "word", default="N/A"),
    codes=("NVLINK-FABRIC", "COLL-FAILED"),
)
def _fabric_state(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.fabric_state, gpu.fabric_status = given.text("state"), given.text("status")


@fault("nvls-off", "collectives do not use the switches' own reduction", codes=("COLL-BUSBW",))
def _nvls_off(node: SimNode, given: Given) -> None:
    node.nvls = False


@fault("wrong-results", "collectives compute wrong values on a GPU", GPU, COUNT, codes=("COLL-WRONG",))
def _wrong_results(node: SimNode, given: Given) -> None:
    gpu_of(node, given).wrong_results = given.whole("count")
