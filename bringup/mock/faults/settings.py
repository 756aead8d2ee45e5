"""Settings and drives of a machine that are not as planned, and a machine that boots again and again."""

from __future__ import annotations

from bringup.mock.faults.expected import CONFIGURATION, HANDS_ON, HCA_AT, NODE_AT, SOFTWARE, Expected
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import COUNT, FRACTION, HCA, Kind, hca_of, in_node
from bringup.mock.hardware import SimNode


@in_node(
    Kind(
        "governor-powersave",
        "the processors save power",
        expected=(
            Expected("CPU-GOVERNOR", NODE_AT, CONFIGURATION),
            Expected("SETTING-MINORITY", NODE_AT, CONFIGURATION),
        ),
        follows=("SETTING-MINORITY",),
    )
)
def _governor_powersave(node: SimNode, given: Given) -> None:
    for cpu in range(0, node.threads, 8):
        node.files[f"sys/devices/system/cpu/cpufreq/policy{cpu}/scaling_governor"] = "powersave\n"


@in_node(
    Kind(
        "acs-on",
        "access control is on at all PCIe bridges: transfers between GPU and adapter make a detour",
        expected=(Expected("PCIE-ACS", NODE_AT, CONFIGURATION),),
        needs=("gpu",),
    )
)
def _acs_on(node: SimNode, given: Given) -> None:
    node.acs = True


@in_node(
    Kind(
        "read-request-small",
        "an adapter may only ask for small pieces of memory",
        (HCA, Param("bytes", "word", default=512, choices=(128, 256, 512, 1024, 2048))),
        (Expected("PCIE-READ-REQUEST", HCA_AT, CONFIGURATION),),
    )
)
def _read_request_small(node: SimNode, given: Given) -> None:
    hca_of(node, given).read_request = given.whole("bytes")


@in_node(
    Kind(
        "nvme-missing",
        "a local NVMe drive is not there",
        (Param("drive", "word", default=1, choices=(1, 2)),),
        (Expected("NVME-COUNT", NODE_AT, HANDS_ON),),
    )
)
def _nvme_missing(node: SimNode, given: Given) -> None:
    node.nvme_missing.add(given.whole("drive"))


@in_node(
    Kind(
        "nvme-dead",
        "a local NVMe drive no longer answers",
        (Param("drive", "word", default=1, choices=(1, 2)),),
        (Expected("NVME-DEAD", NODE_AT, HANDS_ON),),
    )
)
def _nvme_dead(node: SimNode, given: Given) -> None:
    node.files[f"sys/class/nvme/nvme{given.whole('drive')}/state"] = "dead\n"


@in_node(
    Kind(
        "nvme-slow",
        "a local NVMe drive reads at a fraction",
        (Param("drive", "word", choices=(1, 2)), FRACTION),
        (Expected("NVME-SLOW", "{node}/drive/nvme{drive}n1", HANDS_ON),),
    )
)
def _nvme_slow(node: SimNode, given: Given) -> None:
    node.nvme_fractions[given.whole("drive")] = given.number("fraction")


@in_node(
    Kind(
        "host-memory-wrong",
        "what processors read from their memory is sometimes not what they wrote, and nothing notices",
        (COUNT,),
        (Expected("HOST-MEMORY-RESULTS", NODE_AT, HANDS_ON),),
    )
)
def _host_memory_wrong(node: SimNode, given: Given) -> None:
    node.wrong_copies = given.whole("count")


@in_node(
    Kind(
        "host-memory-slow",
        "the processors reach their memory at a fraction, and all of it is there",
        (FRACTION,),
        (Expected("HOST-MEMORY-BW", NODE_AT, HANDS_ON),),
    )
)
def _host_memory_slow(node: SimNode, given: Given) -> None:
    node.memory_fraction = given.number("fraction")


@in_node(
    Kind(
        "disk-full",
        "the root file system is nearly full",
        expected=(Expected("DISK-FULL", NODE_AT, SOFTWARE),),
    )
)
def _disk_full(node: SimNode, given: Given) -> None:
    node.root_used_percent = 97


@in_node(
    Kind(
        "memory-corrected",
        "the memory controller corrects many errors",
        (Param("count", "count", default=4711, examples=(250, 4711)),),
        (Expected("MEMORY-CORRECTED", NODE_AT, HANDS_ON),),
    )
)
def _memory_corrected(node: SimNode, given: Given) -> None:
    node.files["sys/devices/system/edac/mc/mc0/ce_count"] = f"{given.whole('count')}\n"


@in_node(
    Kind(
        "boot-loop",
        "the node has booted many times today, the last time minutes ago",
        (Param("boots", "count", default=9, examples=(7, 12)),),
        (Expected("NODE-REBOOTS", NODE_AT, HANDS_ON),),
    )
)
def _boot_loop(node: SimNode, given: Given) -> None:
    node.boot_time = node.started - 600
    node.boots_today = given.whole("boots")


@in_node(
    Kind(
        "mount-missing",
        "the home directories were not mounted at boot",
        expected=(Expected("MOUNT-MISSING", NODE_AT, CONFIGURATION),),
    )
)
def _mount_missing(node: SimNode, given: Given) -> None:
    node.unmounted.add("/home")


@in_node(
    Kind(
        "mount-stale",
        "the server of the home directories no longer answers this node",
        expected=(Expected("MOUNT-STALE", NODE_AT, SOFTWARE),),
    )
)
def _mount_stale(node: SimNode, given: Given) -> None:
    node.stale.add("/home")
