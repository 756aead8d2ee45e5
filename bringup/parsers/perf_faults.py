"""Faults that the tests of speed and of right results find, in one node or beside the rest of the fleet.

They stand on this floor because a node's own check and the one that compares the fleet report the same ones.
"""

from __future__ import annotations

from bringup.defects import Fault, Severity, Who

NOT_RUNNING = (
    "GPU-LOST", "PCIE-GPU-MISSING", "GPU-MISSING", "GPU-DRIVER", "FM-DOWN", "NVLINK-FABRIC", "GPU-XID",
)  # fmt: skip
"""With these no program runs on the GPU."""
_OTHERWISE_BUSY = ("NODE-BUSY", "GPU-MODEL", "GPU-MODE")
HELD_DOWN = ("GPU-SLOWDOWN", "GPU-POWER-LIMIT", "GPU-CLOCK", "GPU-CLOCK-LOW", "GPU-TEMPERATURE")
"""With these a GPU computes slowly."""

GPU_LOAD = Fault(
    code="GPU-LOAD",
    title="{at} fails under load",
    action="read its error in the evidence and the kernel log of {node}; reset the GPU, and replace it if it fails again",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        *NOT_RUNNING,
        "GPU-ECC",
        "GPU-REMAP-FAILED",
        "GPU-REMAP-PENDING",
        "NODE-BUSY",
        "GPU-MODE",
        "COMMAND-HANGS",
    ),  # a driver that hangs tells nothing of the load
)

GPU_COPY_BW = Fault(
    code="GPU-COPY-BW",
    title="copies between {at} and its host are too slow",
    action="look at the PCIe link and the PCIe errors of {at}; reseat the GPU or its riser at {place}, then compare the "
    "BIOS settings of {node} with those of a good node",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        *NOT_RUNNING, "PCIE-GPU-WIDTH", "PCIE-GPU-GEN", "PCIE-AER", "PCIE-REPLAYS", "IOMMU", *_OTHERWISE_BUSY,
    ),
)  # fmt: skip

GPU_PEER_BW = Fault(
    code="GPU-PEER-BW",
    title="transfers between {at} and the other GPUs are too slow",
    action="look at the links of {at} first; if all are up at full speed, reseat the GPU on its baseboard at {place}, then "
    "replace it",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        *NOT_RUNNING, "NVLINK-DOWN", "NVLINK-SPEED", "NVLINK-ERRORS", "NVSWITCH-ERROR", "XGMI-DOWN", "XGMI-ERRORS",
        "GPU-P2P", "GPU-MEMORY-BW", *_OTHERWISE_BUSY,
    ),
)  # fmt: skip

GPU_MEMORY_BW = Fault(
    code="GPU-MEMORY-BW",
    title="the memory of {at} is too slow",
    action="look at the memory errors and remapped rows of {at}; switch {node} off and on, and replace the GPU if it "
    "stays slow",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        *NOT_RUNNING, *HELD_DOWN, "GPU-ECC", "GPU-REMAP-FAILED", "GPU-REMAP-PENDING", *_OTHERWISE_BUSY,
    ),
)  # fmt: skip

GPU_GEMM = Fault(
    code="GPU-GEMM",
    title="{at} computes too slowly",
    action="look at clocks, power and temperature of {at} under load; switch {node} off and on, and replace the GPU if "
    "it stays slow",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(*NOT_RUNNING, *HELD_DOWN, *_OTHERWISE_BUSY),
)

GPU_CLOCK_LOW = Fault(
    code="GPU-CLOCK-LOW",
    title="the clocks of {at} stay low under load",
    action="switch {node} off and on at its power supply; if the clocks stay low and the driver names no reason, replace "
    "the GPU",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        *NOT_RUNNING, "GPU-SLOWDOWN", "GPU-POWER-LIMIT", "GPU-CLOCK", "GPU-TEMPERATURE", *_OTHERWISE_BUSY,
    ),
)  # fmt: skip

GPU_RESULTS = Fault(
    code="GPU-RESULTS",
    title="{at} computes wrong results",
    action="take {node} {place} out at once and replace the GPU: it damages data without a word",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
)

HOST_MEMORY_BW = Fault(
    code="HOST-MEMORY-BW",
    title="the processors of {node} reach their memory too slowly",
    action="compare the memory modules of {node} {place} and their slots with a good node: one missing or slower module "
    "slows its whole channel down; then the BIOS settings for memory and NUMA",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("MEMORY-SIZE", "CPU-COUNT", "CPU-MODEL", "MEMORY-ECC", "MEMORY-CORRECTED", "NODE-BUSY"),
)

HOST_MEMORY_RESULTS = Fault(
    code="HOST-MEMORY-RESULTS",
    title="the memory of {node} does not keep what is written",
    action="take {node} {place} out at once: it damages data without a word; find the module with the maker's memory test",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("MEMORY-ECC", "MACHINE-CHECK"),
)

NVME_SLOW = Fault(
    code="NVME-SLOW",
    title="{at} reads too slowly",
    action="look at the drive's health and temperature (nvme smart-log) and its PCIe link; replace it if it stays slow",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("NVME-DEAD", "DISK-ERRORS"),
)

NETWORK_BW = Fault(
    code="NETWORK-BW",
    title="{node} reaches its storage or front end too slowly",
    action="look at speed, bond members and MTU of the interface of {node} that leads there (ip route get), at drops on it "
    "and on its switch port, and replace cable or module; if all nodes are slow, at the server",
    who=Who.HANDS_ON,
    severity=Severity.MONITOR,
    explained_by=("INTERFACE-DOWN", "INTERFACE-SPEED", "INTERFACE-MTU", "NODE-BUSY", "NODE-SLOW"),
)

COLL_OPS_BW = Fault(
    code="COLL-OPS-BW",
    title="the GPUs of {at} exchange data more slowly than those of other nodes",
    action="look at NVLink or XGMI, clocks and memory of {node} first; if they are fine, compare driver and NCCL with a "
    "good node",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        *NOT_RUNNING, *HELD_DOWN, "COLL-BUSBW", "GPU-PEER-BW", "GPU-MEMORY-BW", "NVLINK-DOWN", "NVLINK-SPEED",
        "NVLINK-ERRORS", "NVSWITCH-ERROR", "XGMI-DOWN", "XGMI-ERRORS", *_OTHERWISE_BUSY,
    ),
)  # fmt: skip

COLL_OPS_WRONG = Fault(
    code="COLL-OPS-WRONG",
    title="{at} exchanges wrong data between its GPUs",
    action="take {node} {place} out at once; test its GPUs one by one, and replace the one that stays wrong",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=("GPU-RESULTS", "COLL-WRONG"),
)

COLL_OPS_FAILED = Fault(
    code="COLL-OPS-FAILED",
    title="the GPUs of {at} cannot exchange data",
    action="read the failing line: driver, fabric manager and NVLink of {node} first, then /dev/shm and limits",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        *NOT_RUNNING, "COLL-FAILED", "GPU-LOAD", "NVLINK-DOWN", "NVSWITCH-ERROR", "MEMLOCK-LIMIT", "SHM-SIZE", "NODE-BUSY",
    ),
)  # fmt: skip
