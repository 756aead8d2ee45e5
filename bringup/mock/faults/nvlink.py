"""Faults of the NVLink fabric inside a node and of the collectives that use it."""

from __future__ import annotations

from collections.abc import Callable

from bringup.mock import kernel_log
from bringup.mock.faults.expected import (
    GPU_AT,
    HANDS_ON,
    LINK_AT,
    NODE_AT,
    SOFTWARE,
    Expected,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import AGE, COUNT, FRACTION, GPU, LINK, Kind, gpu_of, in_node
from bringup.mock.hardware import Gpu, SimNode

_NVLINK = ("nvlink",)


def _at_link(code: str) -> tuple[Expected, ...]:
    return (Expected(code, LINK_AT, HANDS_ON), Expected(code, GPU_AT, HANDS_ON))


@in_node(
    Kind(
        "nvlink-down",
        "an NVLink of a GPU is inactive",
        (GPU, LINK),
        _at_link("NVLINK-DOWN"),
        ("COLL-BUSBW",),
        needs=_NVLINK,
    )
)
def _nvlink_down(node: SimNode, given: Given) -> None:
    gpu_of(node, given).down_links.add(given.whole("link"))


@in_node(
    Kind(
        "nvlink-all-down",
        "all NVLinks of a GPU are inactive",
        (GPU,),
        (Expected("NVLINK-DOWN", GPU_AT, HANDS_ON),),
        ("COLL-BUSBW", "COLL-FAILED"),
        needs=_NVLINK,
    )
)
def _nvlink_all_down(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.down_links.update(gpu.kind.links)


@in_node(
    Kind(
        "nvlink-slow",
        "an NVLink runs at a lower speed, in GB/s",
        (GPU, LINK, Param("gbs", "number", examples=(13.281, 6.64))),
        _at_link("NVLINK-SPEED"),
        ("COLL-BUSBW",),
        needs=_NVLINK,
    )
)
def _nvlink_slow(node: SimNode, given: Given) -> None:
    gpu_of(node, given).slow_links[given.whole("link")] = given.number("gbs")


def _counted(kind: str, does: str, counter: Callable[[Gpu], dict[int, int]], count: Param = COUNT) -> None:
    """A kind of fault that is nothing but a counter of one link."""

    @in_node(Kind(kind, does, (GPU, LINK, count), _at_link("NVLINK-ERRORS"), needs=_NVLINK))
    def change(node: SimNode, given: Given) -> None:
        counter(gpu_of(node, given))[given.whole("link")] = given.whole("count")


_counted("nvlink-errors", "an NVLink counts replay errors", lambda gpu: gpu.link_errors)
_counted("nvlink-recoveries", "an NVLink had to be trained again", lambda gpu: gpu.link_recoveries)
_counted("nvlink-crc-errors", "an NVLink counts checksum errors", lambda gpu: gpu.link_crc_errors)
_counted(
    "nvlink-errors-under-load",
    "an NVLink counts replay errors only while it is used: so many in every collective",
    lambda gpu: gpu.link_errors_under_load,
    Param("count", "count", examples=(40, 2_000)),
)


@in_node(
    Kind(
        "nvlink-xid",
        "the driver reports a fatal error of an NVLink: Xid 74, and the link is down",
        (GPU, LINK, AGE),
        (Expected("GPU-XID", GPU_AT, HANDS_ON), *_at_link("NVLINK-DOWN")),
        ("NVLINK-DOWN", "COLL-BUSBW"),
        needs=_NVLINK,
    )
)
def _nvlink_xid(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.down_links.add(given.whole("link"))
    node.happened(kernel_log.xid(gpu, 74), given.number("age_s"))


@in_node(
    Kind(
        "nvswitch-error",
        "an NVSwitch reports a fatal error, and one link of every GPU goes down with it",
        (Param("switch", "word", choices=(0, 1, 2, 3), examples=(0, 1)), AGE),
        (Expected("NVSWITCH-ERROR", NODE_AT, HANDS_ON), Expected("GPU-XID", NODE_AT, HANDS_ON)),
        ("NVLINK-DOWN", "COLL-BUSBW"),
        needs=("nvlink", "nvswitch"),
    )
)
def _nvswitch_error(node: SimNode, given: Given) -> None:
    switch = given.whole("switch") % len(node.shape.switch_bdfs)
    for gpu in node.gpus:
        gpu.down_links.add(switch)
    bdf = node.shape.switch_bdfs[switch]
    text = f"nvidia-nvswitch{switch}: SXid (PCI:{bdf}): 20034, Fatal, Link 30 LTSSM Fault Up"
    node.happened(text, given.number("age_s"))


@in_node(
    Kind(
        "fabric-manager-down",
        "the fabric manager has failed: at boot (the GPUs never join the fabric and CUDA does not start) or later",
        (Param("since", "word", default="boot", choices=("boot", "later")),),
        (Expected("FM-DOWN", NODE_AT, SOFTWARE),),
        ("NVLINK-FABRIC", "COLL-FAILED"),
        needs=("fabric-manager",),
    )
)
def _fabric_manager_down(node: SimNode, given: Given) -> None:
    node.fabric_manager = "failed"
    if given.text("since") == "boot":
        for gpu in node.gpus:
            gpu.fabric_state, gpu.fabric_status = "In Progress", "N/A"


@in_node(
    Kind(
        "fabric-state",
        "a GPU has not joined the NVLink fabric",
        (
            GPU,
            Param(
                "state",
                "word",
                default="In Progress",
                choices=("In Progress", "Not Started", "Completed"),
                examples=("In Progress", "Not Started"),
            ),
            Param("status", "word", default="N/A"),
        ),
        (Expected("NVLINK-FABRIC", GPU_AT, SOFTWARE),),
        ("COLL-FAILED",),
        needs=("nvlink", "fabric-reported"),
    )
)
def _fabric_state(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.fabric_state, gpu.fabric_status = given.text("state"), given.text("status")


@in_node(
    Kind(
        "fabric-resources",
        "a GPU joined the NVLink fabric, which could not serve it",
        (GPU,),
        (Expected("NVLINK-FABRIC", GPU_AT, SOFTWARE),),
        ("COLL-FAILED",),
        needs=("nvlink", "fabric-reported"),
    )
)
def _fabric_resources(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.fabric_state, gpu.fabric_status = "Completed", "Insufficient Resources"


@in_node(
    Kind(
        "clique-differs",
        "a tray belongs to another partition than the rest of its NVLink domain",
        expected=(Expected("NVLINK-CLIQUE", NODE_AT, SOFTWARE),),
        needs=("imex",),
    )
)
def _clique_differs(node: SimNode, given: Given) -> None:
    for gpu in node.gpus:
        gpu.clique += 1


@in_node(
    Kind(
        "nvls-off",
        "collectives do not use the switches' own reduction",
        expected=(Expected("COLL-TRANSPORT", NODE_AT, SOFTWARE),),
        needs=("nvswitch", "fabric-reported"),
    )
)
def _nvls_off(node: SimNode, given: Given) -> None:
    node.nvls = False


@in_node(
    Kind(
        "mnnvl-off",
        "a setting that somebody left (NCCL_MNNVL_ENABLE=0 in /etc/nccl.conf) keeps collectives off the NVLinks between trays",
        expected=(Expected("COLL-TRANSPORT", NODE_AT, SOFTWARE),),
        needs=("imex",),
    )
)
def _mnnvl_off(node: SimNode, given: Given) -> None:
    node.mnnvl = False


@in_node(
    Kind(
        "nccl-few-channels",
        "a setting that somebody left (NCCL_MAX_NCHANNELS in /etc/nccl.conf) lets collectives move only a fraction",
        (FRACTION,),
        (Expected("COLL-BUSBW", NODE_AT, HANDS_ON),),
        needs=("nvswitch",),
    )
)
def _nccl_few_channels(node: SimNode, given: Given) -> None:
    node.nccl_share = given.number("fraction")


@in_node(
    Kind(
        "wrong-results",
        "a GPU computes wrong values, in collectives and in products",
        (GPU, COUNT),
        (
            Expected("GPU-RESULTS", GPU_AT, HANDS_ON),
            Expected("COLL-WRONG", GPU_AT, HANDS_ON),
            Expected("COLL-WRONG", NODE_AT, HANDS_ON),
        ),
        ("COLL-WRONG",),
        needs=("nvidia",),
    )
)
def _wrong_results(node: SimNode, given: Given) -> None:
    gpu_of(node, given).wrong_results = given.whole("count")
