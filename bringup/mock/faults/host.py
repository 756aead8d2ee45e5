"""Faults of the machine around the GPUs: processors, memory, disks, clock, power, kernel settings."""

from __future__ import annotations

from dataclasses import replace

from bringup.defects import Who
from bringup.mock.faults.expected import CONFIGURATION, HANDS_ON, NODE_AT, SOFTWARE, Expected
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import COUNT, FRACTION, Kind, gpu_of, in_node
from bringup.mock.hardware import Process, SimNode


def _at_node(code: str, who: Who) -> tuple[Expected, ...]:
    return (Expected(code, NODE_AT, who),)


@in_node(
    Kind(
        "cpu-missing",
        "one processor is not there",
        expected=_at_node("CPU-COUNT", HANDS_ON),
        needs=("sockets",),
    )
)
def _cpu_missing(node: SimNode, given: Given) -> None:
    node.sockets -= 1


@in_node(
    Kind(
        "memory-missing",
        "that much memory is missing, in GiB",
        (Param("gib", "count", examples=(64, 256, 512)),),
        _at_node("MEMORY-SIZE", HANDS_ON),
    )
)
def _memory_missing(node: SimNode, given: Given) -> None:
    node.memory_gib = max(16, node.memory_gib - given.whole("gib"))


@in_node(
    Kind(
        "memlock-low",
        "the locked-memory limit is low",
        (Param("kib", "count", examples=(64, 8192)),),
        _at_node("MEMLOCK-LIMIT", CONFIGURATION),
        ("RDMA-CONNECT", "RDMA-SETUP"),
        needs=("hca",),
    )
)
def _memlock_low(node: SimNode, given: Given) -> None:
    node.memlock_kib = given.whole("kib")


@in_node(
    Kind(
        "clock-offset",
        "the clock is off, in milliseconds",
        (Param("ms", "number", examples=(-80, 35, 1500)),),
        _at_node("CLOCK-OFFSET", CONFIGURATION),
    )
)
def _clock_offset(node: SimNode, given: Given) -> None:
    node.clock_offset_s = given.number("ms") / 1000


@in_node(
    Kind("clock-unsynced", "the clock has no source", expected=_at_node("CLOCK-UNSYNCED", CONFIGURATION))
)
def _clock_unsynced(node: SimNode, given: Given) -> None:
    node.clock_synced = False


@in_node(
    Kind(
        "busy",
        "somebody's program runs on a GPU",
        (
            Param("pid", "count", default=48213),
            Param("name", "word", default="python3"),
            Param("gpu", "gpu", default=0),
            Param("memory_mib", "count", default=61440),
        ),
        _at_node("NODE-BUSY", SOFTWARE),
        needs=("gpu",),
    )
)
def _busy(node: SimNode, given: Given) -> None:
    process = Process(given.whole("pid"), given.text("name"), given.whole("memory_mib"))
    gpu_of(node, given).processes.append(process)


@in_node(
    Kind(
        "slow-node",
        "everything between the node and the fabric runs at a fraction, on all rails",
        (FRACTION,),
        _at_node("NODE-SLOW", HANDS_ON),
        ("RDMA-BW", "COLL-BUSBW"),
        needs=("hca",),
    )
)
def _slow_node(node: SimNode, given: Given) -> None:
    node.fraction *= given.number("fraction")


# ------------------------------------------------------------------------------- seen by checks to come


@in_node(
    Kind(
        "dimm-errors",
        "the memory controller counts uncorrectable errors",
        (COUNT,),
        _at_node("MEMORY-ECC", HANDS_ON),
    )
)
def _dimm_errors(node: SimNode, given: Given) -> None:
    node.files["sys/devices/system/edac/mc/mc0/ue_count"] = f"{given.whole('count')}\n"
    node.happened(
        "EDAC MC0: 1 UE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 (channel:1 slot:0 page:0x3c2b8)"
    )


@in_node(
    Kind(
        "machine-check",
        "a processor reports an uncorrected machine check",
        expected=_at_node("MACHINE-CHECK", HANDS_ON),
    )
)
def _machine_check(node: SimNode, given: Given) -> None:
    node.happened("mce: [Hardware Error]: CPU 12: Machine Check: 0 Bank 7: be00000000800400")
    node.happened("mce: [Hardware Error]: Machine check: Processor context corrupt")


@in_node(
    Kind(
        "disk-failing",
        "a local disk loses requests",
        expected=_at_node("DISK-ERRORS", HANDS_ON),
    )
)
def _disk_failing(node: SimNode, given: Given) -> None:
    for text in (
        "nvme nvme1: I/O 512 (I/O Cmd) QID 9 timeout, aborting",
        "blk_update_request: I/O error, dev nvme1n1, sector 1953525168 op 0x0:(READ) flags 0x80700",
    ):
        node.happened(text)


@in_node(
    Kind(
        "hung-task",
        "a process has been stuck in the kernel for minutes",
        expected=_at_node("HUNG-TASK", SOFTWARE),
    )
)
def _hung_task(node: SimNode, given: Given) -> None:
    node.happened("INFO: task nvidia-persiste:9946 blocked for more than 120 seconds.")
    node.happened('"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.')


@in_node(
    Kind(
        "unstable-clocksource",
        "the kernel no longer trusts the processors' clock and uses a slow one",
        expected=_at_node("CLOCK-SOURCE", HANDS_ON),
        needs=("x86",),
    )
)
def _unstable_clocksource(node: SimNode, given: Given) -> None:
    node.files["sys/devices/system/clocksource/clocksource0/current_clocksource"] = "hpet\n"
    node.happened("clocksource: timekeeping watchdog on CPU3: Marking clocksource 'tsc' as unstable")


@in_node(
    Kind(
        "power-supply-failed",
        "one power supply delivers nothing, so that the board brakes its GPUs",
        expected=(
            Expected("POWER-SUPPLY", NODE_AT, HANDS_ON),
            Expected("GPU-SLOWDOWN", "{node}/gpu/*", HANDS_ON),
        ),
        follows=("GPU-SLOWDOWN",),
        needs=("nvidia",),
    )
)
def _power_supply_failed(node: SimNode, given: Given) -> None:
    node.sel.append("Power Supply #0x74 | Power Supply AC lost | Asserted")
    for gpu in node.gpus:
        gpu.slowdowns.add("power-brake")


@in_node(
    Kind(
        "iommu-translates",
        "the IOMMU translates every transfer of a device",
        expected=(*_at_node("IOMMU", CONFIGURATION), *_at_node("SETTING-MINORITY", CONFIGURATION)),
        follows=("RDMA-BW",),
    )
)
def _iommu_translates(node: SimNode, given: Given) -> None:
    kernel = node.shape.kernel
    node.files["proc/cmdline"] = (
        f"BOOT_IMAGE=/boot/vmlinuz-{kernel} root=/dev/mapper/vg0-root ro intel_iommu=on quiet\n"
    )
    node.happened("iommu: Default domain type: Translated")


@in_node(
    Kind(
        "numa-balancing",
        "the kernel moves memory between processors while programs run",
        expected=(
            Expected("SYSCTL-DRIFT", NODE_AT, CONFIGURATION),
            Expected("NUMA-BALANCING", NODE_AT, CONFIGURATION),
        ),
    )
)
def _numa_balancing(node: SimNode, given: Given) -> None:
    node.files["proc/sys/kernel/numa_balancing"] = "1\n"


@in_node(
    Kind(
        "swap-on",
        "the node has swap space in use",
        expected=_at_node("SWAP-ON", CONFIGURATION),
    )
)
def _swap_on(node: SimNode, given: Given) -> None:
    node.files["proc/swaps"] = (
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swapfile file\t\t67108860\t1048576\t\t-2\n"
    )


@in_node(
    Kind(
        "root-read-only",
        "the root file system was remounted read-only after an error",
        expected=_at_node("ROOT-READ-ONLY", HANDS_ON),
    )
)
def _root_read_only(node: SimNode, given: Given) -> None:
    node.read_only.add("/")
    node.happened("EXT4-fs (dm-0): Remounting filesystem read-only")


@in_node(
    Kind(
        "bios-version",
        "another BIOS than on the other nodes",
        (Param("version", "word", examples=("1.4.7",)),),
        (Expected("VERSION-MINORITY", NODE_AT, SOFTWARE),),
    )
)
def _bios_version(node: SimNode, given: Given) -> None:
    node.shape = replace(node.shape, bios=given.text("version"))


@in_node(
    Kind(
        "cpu-model",
        "other processors than on the other nodes",
        expected=_at_node("CPU-MODEL", HANDS_ON),
        needs=("x86",),
    )
)
def _cpu_model(node: SimNode, given: Given) -> None:
    node.shape = replace(node.shape, cpu_model=f"{node.shape.cpu_model} (engineering sample)")


@in_node(
    Kind(
        "open-files-low",
        "the limit of open files is low",
        expected=_at_node("NOFILE-LIMIT", CONFIGURATION),
    )
)
def _open_files_low(node: SimNode, given: Given) -> None:
    node.open_files = 256


@in_node(
    Kind(
        "rebooted-during-run",
        "the kernel that answers later is not the one that answered first",
        (Param("after_s", "seconds", examples=(2.0,)),),
        _at_node("NODE-REBOOTED", HANDS_ON),
    )
)
def _rebooted_during_run(node: SimNode, given: Given) -> None:
    node.reboots_after_s = given.number("after_s")
