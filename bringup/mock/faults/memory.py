"""Faults of the GPUs' memories."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.faults.expected import GPU_AT, HANDS_ON, SOFTWARE, Expected
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import AGE, COUNT, FRACTION, GPU, Kind, gpu_of, in_node
from bringup.mock.hardware import SimNode

_NVIDIA = ("nvidia",)
_PENDING = (Expected("GPU-REMAP-PENDING", GPU_AT, SOFTWARE),)
_FAILED = (Expected("GPU-REMAP-FAILED", GPU_AT, HANDS_ON),)


@in_node(
    Kind(
        "ecc",
        "uncorrected memory errors since the driver was loaded",
        (GPU, COUNT),
        (Expected("GPU-ECC", GPU_AT, HANDS_ON),),
        needs=_NVIDIA,
    )
)
def _ecc(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.ecc_uncorrected = given.whole("count")
    gpu.ecc_corrected = gpu.ecc_uncorrected * 3


@in_node(
    Kind("remap-pending", "a memory row waits for a reset to be remapped", (GPU,), _PENDING, needs=_NVIDIA)
)
def _remap_pending(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.remap_pending, gpu.remap_uncorrectable = True, gpu.remap_uncorrectable + 1


@in_node(
    Kind(
        "memory-row-failed",
        "a memory row fails while it is used: uncorrected errors, Xid 63, and a remapping that waits for a reset",
        (GPU, AGE),
        _PENDING,
        ("GPU-ECC", "GPU-XID"),
        needs=_NVIDIA,
    )
)
def _memory_row_failed(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.ecc_uncorrected += 2
    gpu.remap_pending, gpu.remap_uncorrectable = True, gpu.remap_uncorrectable + 1
    for code in (48, 63):
        node.happened(kernel_log.xid(gpu, code), given.number("age_s"))


@in_node(Kind("remap-failed", "a memory row could not be remapped", (GPU,), _FAILED, needs=_NVIDIA))
def _remap_failed(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.remap_failed, gpu.remap_uncorrectable = True, gpu.remap_uncorrectable + 8


@in_node(
    Kind(
        "remap-exhausted",
        "so many memory rows were remapped that the vendor takes the GPU back",
        (GPU, Param("rows", "count", examples=(513, 600))),
        _FAILED,
        needs=_NVIDIA,
    )
)
def _remap_exhausted(node: SimNode, given: Given) -> None:
    gpu_of(node, given).remap_uncorrectable = given.whole("rows")


@in_node(
    Kind(
        "gpu-memory",
        "a GPU has only that much memory, in MiB",
        (GPU, Param("mib", "count", examples=(32768, 40960))),
        (Expected("GPU-MEMORY", GPU_AT, HANDS_ON),),
        needs=_NVIDIA,
    )
)
def _gpu_memory(node: SimNode, given: Given) -> None:
    gpu_of(node, given).memory_mib = given.whole("mib")


@in_node(
    Kind(
        "slow-hbm",
        "a GPU's memory moves only a fraction of its data, and shows nothing",
        (GPU, FRACTION),
        (Expected("GPU-MEMORY-BW", GPU_AT, HANDS_ON),),
        ("COLL-BUSBW",),
        needs=("gpu",),
    )
)
def _slow_hbm(node: SimNode, given: Given) -> None:
    gpu_of(node, given).memory_fraction = given.number("fraction")


@in_node(
    Kind(
        "bad-pages",
        "an AMD GPU has retired pages of its memory",
        (GPU, COUNT),
        (Expected("GPU-BAD-PAGES", GPU_AT, HANDS_ON),),
        needs=("amd",),
    )
)
def _bad_pages(node: SimNode, given: Given) -> None:
    gpu_of(node, given).bad_pages = given.whole("count")
