"""Faults of GPUs: presence, driver, memory, modes, and their PCIe slots."""

from __future__ import annotations

from bringup.mock import kernel_log
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import AGE, COUNT, GPU, fault, gpu_of
from bringup.mock.hardware import Presence, SimNode


@fault(
    "gpu-lost",
    "a GPU falls off the bus: Xid 79, and the driver no longer talks to it (nvidia-smi skips it, or fails altogether)",
    GPU,
    AGE,
    Param("nvidia_smi", "word", default="skips", choices=("skips", "fails")),
    codes=("GPU-LOST", "GPU-MISSING", "GPU-XID", "COLL-FAILED"),
)
def _gpu_lost(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.presence = Presence.LOST
    node.smi_fails = node.smi_fails or given.text("nvidia_smi") == "fails"
    for line in kernel_log.fell_off(gpu):
        node.happened(line, given.number("age_s"))


@fault(
    "gpu-missing",
    "a GPU is not on the PCI bus; nothing in the kernel log",
    GPU,
    codes=("PCIE-GPU-MISSING", "GPU-MISSING", "COLL-FAILED"),
)
def _gpu_missing(node: SimNode, given: Given) -> None:
    gpu_of(node, given).presence = Presence.MISSING


@fault("driver-down", "the NVIDIA driver is not loaded", codes=("GPU-DRIVER", "COLL-FAILED"))
def _driver_down(node: SimNode, given: Given) -> None:
    node.driver_loaded = False


@fault(
    "driver-version",
    "another NVIDIA driver than on the other nodes",
    Param("version", "word"),
    codes=("VERSION-MINORITY",),
)
def _driver_version(node: SimNode, given: Given) -> None:
    node.driver = given.text("version")


@fault("ecc", "uncorrected memory errors since the driver was loaded", GPU, COUNT, codes=("GPU-ECC",))
def _ecc(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.ecc_uncorrected = given.whole("count")
    gpu.ecc_corrected = gpu.ecc_uncorrected * 3


@fault("remap-pending", "a memory row waits for a reset to be remapped", GPU, codes=("GPU-REMAP-PENDING",))
def _remap_pending(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.remap_pending, gpu.remap_uncorrectable = True, gpu.remap_uncorrectable + 1


@fault("remap-failed", "a memory row could not be remapped", GPU, codes=("GPU-REMAP-FAILED",))
def _remap_failed(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.remap_failed, gpu.remap_uncorrectable = True, gpu.remap_uncorrectable + 8


@fault("xid", "the driver logs an Xid", GPU, Param("code", "count"), AGE, codes=("GPU-XID",))
def _xid(node: SimNode, given: Given) -> None:
    node.happened(kernel_log.xid(gpu_of(node, given), given.whole("code")), given.number("age_s"))


@fault(
    "gpu-slowdown",
    "the hardware holds a GPU's clocks down",
    GPU,
    Param("reason", "word", default="thermal", choices=("thermal", "power-brake")),
    codes=("GPU-SLOWDOWN",),
)
def _gpu_slowdown(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.slowdowns.add(given.text("reason"))
    gpu.temperature_c = 91 if given.text("reason") == "thermal" else gpu.temperature_c


@fault(
    "gpu-mode",
    "a GPU's mode is not as on the others: persistence off, MIG on, or ECC off",
    GPU,
    Param("mode", "word", choices=("persistence", "mig", "ecc")),
    codes=("GPU-MODE",),
)
def _gpu_mode(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    match given.text("mode"):
        case "persistence":
            gpu.persistence = "Disabled"
        case "mig":
            gpu.mig = "Enabled"
        case _:
            gpu.ecc_mode = "Disabled"


@fault("gpu-model", "another model of GPU is built in", GPU, Param("name", "word"), codes=("GPU-MODEL",))
def _gpu_model(node: SimNode, given: Given) -> None:
    gpu_of(node, given).name = given.text("name")


@fault(
    "gpu-memory", "a GPU has only that much memory, in MiB", GPU, Param("mib", "count"), codes=("GPU-MEMORY",)
)
def _gpu_memory(node: SimNode, given: Given) -> None:
    gpu_of(node, given).memory_mib = given.whole("mib")


@fault(
    "pcie-width",
    "a GPU's PCIe link has fewer lanes",
    GPU,
    Param("width", "word", choices=(1, 2, 4, 8)),
    codes=("PCIE-GPU-WIDTH",),
)
def _pcie_width(node: SimNode, given: Given) -> None:
    gpu_of(node, given).pcie_width = given.whole("width")


@fault(
    "pcie-gen",
    "a GPU's slot allows only an older PCIe generation",
    GPU,
    Param("gen", "word", choices=(1, 2, 3, 4)),
    codes=("PCIE-GPU-GEN",),
)
def _pcie_gen(node: SimNode, given: Given) -> None:
    gpu_of(node, given).pcie_gen_max = given.whole("gen")


@fault(
    "pcie-errors",
    "PCIe errors at a GPU, counted and logged (correctable ones are harmless)",
    GPU,
    Param("severity", "word", default="nonfatal", choices=("correctable", "nonfatal", "fatal")),
    COUNT,
    codes=("PCIE-AER",),
)
def _pcie_errors(node: SimNode, given: Given) -> None:
    gpu, severity = gpu_of(node, given), given.text("severity")
    setattr(gpu.aer, severity, given.whole("count"))
    for line in kernel_log.aer(gpu.bdf, "nvidia", severity, f"10de:{gpu.kind.device_id}"):
        node.happened(line)
