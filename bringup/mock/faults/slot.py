"""Faults of PCIe slots: of GPUs, and of adapters."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.faults.expected import CONFIGURATION, GPU_AT, HANDS_ON, HCA_AT, Expected
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import COUNT, FRACTION, GPU, HCA, Kind, gpu_of, hca_of, in_node
from bringup.mock.hardware import SimNode

BDF_AT = "{node}/gpu/{bdf}"
NVIDIA = ("nvidia",)


def _at_gpu(code: str) -> tuple[Expected, ...]:
    return (Expected(code, GPU_AT, HANDS_ON),)


def _at_hca(code: str) -> tuple[Expected, ...]:
    return (Expected(code, HCA_AT, HANDS_ON),)


@in_node(
    Kind(
        "pcie-width",
        "a GPU's PCIe link has fewer lanes",
        (GPU, Param("width", "word", choices=(1, 2, 4, 8))),
        _at_gpu("PCIE-GPU-WIDTH"),
        needs=(*NVIDIA, "pcie-lanes"),
    )
)
def _pcie_width(node: SimNode, given: Given) -> None:
    gpu_of(node, given).pcie_width = given.whole("width")


@in_node(
    Kind(
        "pcie-gen",
        "a GPU's slot allows only an older PCIe generation",
        (GPU, Param("gen", "word", choices=(1, 2, 3, 4), examples=(1, 3))),
        (Expected("PCIE-GPU-GEN", GPU_AT, CONFIGURATION),),
        needs=NVIDIA,
    )
)
def _pcie_gen(node: SimNode, given: Given) -> None:
    gpu_of(node, given).pcie_gen_max = given.whole("gen")


@in_node(
    Kind(
        "pcie-errors",
        "PCIe errors at a GPU, counted and logged (correctable ones are harmless)",
        (
            GPU,
            Param(
                "severity",
                "word",
                default="nonfatal",
                choices=("correctable", "nonfatal", "fatal"),
                examples=("nonfatal", "fatal"),
            ),
            COUNT,
        ),
        _at_gpu("PCIE-AER"),
        needs=("gpu",),
    )
)
def _pcie_errors(node: SimNode, given: Given) -> None:
    gpu, severity = gpu_of(node, given), given.text("severity")
    setattr(gpu.aer, severity, given.whole("count"))
    driver, maker = ("amdgpu", "1002") if gpu.kind.vendor == "amd" else ("nvidia", "10de")
    for line in kernel_log.aer(gpu.bdf, driver, severity, f"{maker}:{gpu.kind.device_id}"):
        node.happened(line)


@in_node(
    Kind(
        "pcie-error-storm",
        "a GPU's PCIe link corrects errors: so many now, and as many again in every test",
        (GPU, Param("count", "count", examples=(250_000, 4_000_000))),
        (*_at_gpu("PCIE-AER"), Expected("PCIE-AER", BDF_AT, HANDS_ON)),
        needs=("gpu",),
    )
)
def _pcie_error_storm(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.aer.correctable = gpu.corrected_under_load = given.whole("count")


@in_node(
    Kind(
        "pcie-replays",
        "a GPU's PCIe link repeats transfers: so many in every test",
        (GPU, Param("count", "count", examples=(5_000, 80_000))),
        _at_gpu("PCIE-REPLAYS"),
        needs=NVIDIA,
    )
)
def _pcie_replays(node: SimNode, given: Given) -> None:
    gpu_of(node, given).replays_under_load = given.whole("count")


@in_node(
    Kind(
        "slow-copies",
        "copies between a GPU and its host run at a fraction, over a link that looks well",
        (GPU, FRACTION),
        _at_gpu("GPU-COPY-BW"),
        needs=("gpu",),
    )
)
def _slow_copies(node: SimNode, given: Given) -> None:
    gpu_of(node, given).copy_fraction = given.number("fraction")


@in_node(
    Kind(
        "pcie-gen-stuck",
        "a GPU's PCIe link stays at an older generation while it is used, although its slot allows more",
        (GPU, Param("gen", "word", choices=(1, 2, 3), examples=(1, 3))),
        (Expected("PCIE-GPU-GEN", GPU_AT, CONFIGURATION),),
        ("GPU-COPY-BW",),
        needs=("gpu",),
    )
)
def _pcie_gen_stuck(node: SimNode, given: Given) -> None:
    gpu_of(node, given).pcie_gen_stuck = given.whole("gen")


# ------------------------------------------------------------------------------------------------ adapters


@in_node(
    Kind(
        "nic-pcie-width",
        "an adapter's PCIe link has fewer lanes",
        (HCA, Param("width", "word", choices=(1, 2, 4, 8))),
        _at_hca("PCIE-NIC-WIDTH"),
        ("RDMA-BW",),
    )
)
def _nic_pcie_width(node: SimNode, given: Given) -> None:
    hca_of(node, given).pcie_width = given.whole("width")


@in_node(
    Kind(
        "nic-pcie-speed",
        "an adapter's PCIe link runs at a lower speed, in GT/s",
        (HCA, Param("gts", "word", choices=(2.5, 5.0, 8.0, 16.0), examples=(2.5, 8.0))),
        _at_hca("PCIE-NIC-SPEED"),
        ("RDMA-BW",),
    )
)
def _nic_pcie_speed(node: SimNode, given: Given) -> None:
    hca_of(node, given).pcie_gts = given.number("gts")


@in_node(
    Kind(
        "nic-pcie-errors",
        "PCIe errors at an adapter, counted and logged (correctable ones are harmless)",
        (
            HCA,
            Param(
                "severity",
                "word",
                default="nonfatal",
                choices=("correctable", "nonfatal", "fatal"),
                examples=("nonfatal", "fatal"),
            ),
            COUNT,
        ),
        _at_hca("PCIE-AER"),
    )
)
def _nic_pcie_errors(node: SimNode, given: Given) -> None:
    hca, severity = hca_of(node, given), given.text("severity")
    setattr(hca.aer, severity, given.whole("count"))
    for line in kernel_log.aer(hca.bdf, "mlx5_core", severity, f"15b3:{hca.kind.device_id}"):
        node.happened(line)


@in_node(
    Kind(
        "nic-far-socket",
        "an adapter hangs at the other processor than its GPU",
        (HCA,),
        (Expected("NIC-AFFINITY", HCA_AT, HANDS_ON),),
    )
)
def _nic_far_socket(node: SimNode, given: Given) -> None:
    hca = hca_of(node, given)
    hca.numa = 1 - hca.numa
