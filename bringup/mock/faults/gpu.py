"""Faults of GPUs: presence, driver, power, clocks, modes, and their PCIe slots."""

from __future__ import annotations

from dataclasses import replace

from bringup.mock import kernel_log
from bringup.mock.faults.expected import (
    CONFIGURATION,
    GPU_AT,
    HANDS_ON,
    NODE_AT,
    PLAN,
    SOFTWARE,
    Expected,
)
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import AGE, FRACTION, GPU, Kind, gpu_of, in_node
from bringup.mock.hardware import Presence, SimNode

BDF_AT = "{node}/gpu/{bdf}"
NVIDIA = ("nvidia",)


def _at_gpu(code: str) -> tuple[Expected, ...]:
    return (Expected(code, GPU_AT, HANDS_ON),)


@in_node(
    Kind(
        "gpu-lost",
        "a GPU falls off the bus: Xid 79, and the driver no longer talks to it (nvidia-smi skips it, or fails altogether)",
        (GPU, AGE, Param("nvidia_smi", "word", default="skips", choices=("skips", "fails"))),
        (Expected("GPU-LOST", GPU_AT, HANDS_ON), Expected("GPU-LOST", BDF_AT, HANDS_ON)),
        ("GPU-MISSING", "GPU-XID", "COLL-FAILED"),
        needs=NVIDIA,
    )
)
def _gpu_lost(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.presence = Presence.LOST
    node.smi_fails = node.smi_fails or given.text("nvidia_smi") == "fails"
    for line in kernel_log.fell_off(gpu):
        node.happened(line, given.number("age_s"))


@in_node(
    Kind(
        "gpu-missing",
        "a GPU is not on the PCI bus; nothing in the kernel log",
        (GPU,),
        (Expected("PCIE-GPU-MISSING", NODE_AT, HANDS_ON), Expected("GPU-MISSING", NODE_AT, HANDS_ON)),
        ("COLL-FAILED",),
        needs=("gpu",),
    )
)
def _gpu_missing(node: SimNode, given: Given) -> None:
    gpu_of(node, given).presence = Presence.MISSING


@in_node(
    Kind(
        "half-of-gpus-missing",
        "the second half of the GPUs is not on the PCI bus, as behind a dead PCIe switch",
        (),
        (Expected("PCIE-GPU-MISSING", NODE_AT, HANDS_ON), Expected("GPU-MISSING", NODE_AT, HANDS_ON)),
        ("COLL-FAILED",),
        needs=("gpu",),
    )
)
def _half_of_gpus_missing(node: SimNode, given: Given) -> None:
    for gpu in node.gpus[len(node.gpus) // 2 :]:
        gpu.presence = Presence.MISSING


@in_node(
    Kind(
        "driver-down",
        "the GPU driver is not loaded",
        expected=(Expected("GPU-DRIVER", NODE_AT, SOFTWARE),),
        follows=("COLL-FAILED",),
        needs=("gpu",),
    )
)
def _driver_down(node: SimNode, given: Given) -> None:
    node.driver_loaded = False


@in_node(
    Kind(
        "xid",
        "the driver logs an Xid",
        (GPU, Param("code", "count", examples=(48, 95)), AGE),
        _at_gpu("GPU-XID"),
        needs=NVIDIA,
    )
)
def _xid(node: SimNode, given: Given) -> None:
    node.happened(kernel_log.xid(gpu_of(node, given), given.whole("code")), given.number("age_s"))


@in_node(
    Kind(
        "gsp-hang",
        "a GPU's system processor no longer answers the driver: Xid 119",
        (GPU, AGE),
        (Expected("GPU-GSP", GPU_AT, SOFTWARE),),
        needs=NVIDIA,
    )
)
def _gsp_hang(node: SimNode, given: Given) -> None:
    node.happened(kernel_log.xid(gpu_of(node, given), 119), given.number("age_s"))


@in_node(
    Kind(
        "recovery-action",
        "the driver asks that a GPU be reset, or its node be rebooted",
        (GPU, Param("action", "word", choices=("Reset", "Reboot", "Drain P2P", "Drain and Reset"))),
        (Expected("GPU-RECOVERY", GPU_AT, SOFTWARE), Expected("GPU-XID", GPU_AT, HANDS_ON)),
        needs=(*NVIDIA, "recovery-told"),
    )
)
def _recovery_action(node: SimNode, given: Given) -> None:
    gpu_of(node, given).recovery_action = given.text("action")


@in_node(
    Kind(
        "gpu-slowdown",
        "the hardware holds a GPU's clocks down",
        (GPU, Param("reason", "word", default="thermal", choices=("thermal", "power-brake"))),
        _at_gpu("GPU-SLOWDOWN"),
        needs=("gpu",),
    )
)
def _gpu_slowdown(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.slowdowns.add(given.text("reason"))
    gpu.clock_fraction = 0.6
    gpu.temperature_c = 91 if given.text("reason") == "thermal" else gpu.temperature_c


@in_node(
    Kind(
        "gpu-slowdown-under-load",
        "the hardware holds a GPU's clocks down only while it works",
        (GPU, Param("reason", "word", default="thermal", choices=("thermal", "power-brake"))),
        _at_gpu("GPU-SLOWDOWN"),
        ("GPU-GEMM", "GPU-CLOCK-LOW"),
        needs=("gpu",),
    )
)
def _gpu_slowdown_under_load(node: SimNode, given: Given) -> None:
    gpu_of(node, given).slowdowns_under_load.add(given.text("reason"))


@in_node(
    Kind(
        "gpu-slowdown-late",
        "the hardware holds a GPU's clocks down only after minutes of work, as with a clogged heat sink",
        (GPU, Param("after_s", "count", default=300, examples=(300, 900))),
        _at_gpu("GPU-SLOWDOWN"),
        ("GPU-GEMM", "GPU-CLOCK-LOW"),
        closes="level soak: no shorter load shows it",
        needs=("gpu",),
    )
)
def _gpu_slowdown_late(node: SimNode, given: Given) -> None:
    gpu_of(node, given).hot_after_s = given.whole("after_s")


@in_node(
    Kind(
        "gpu-hot",
        "a GPU is far hotter than its neighbours, not yet slowed down",
        (GPU,),
        _at_gpu("GPU-TEMPERATURE"),
        needs=("gpu",),
    )
)
def _gpu_hot(node: SimNode, given: Given) -> None:
    gpu_of(node, given).temperature_c = 84


@in_node(
    Kind(
        "gpu-clock-low",
        "a GPU's clocks stay at a fraction under load, and no reason is given",
        (GPU, FRACTION),
        _at_gpu("GPU-CLOCK-LOW"),
        ("COLL-BUSBW", "GPU-GEMM"),
        needs=("gpu",),
    )
)
def _gpu_clock_low(node: SimNode, given: Given) -> None:
    gpu_of(node, given).clock_fraction = given.number("fraction")


@in_node(
    Kind(
        "gpu-power-capped",
        "a GPU's power limit was lowered, in watts",
        (GPU, Param("watts", "count", examples=(200, 250))),
        (Expected("GPU-POWER-LIMIT", GPU_AT, CONFIGURATION),),
        needs=("gpu",),
    )
)
def _gpu_power_capped(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.power_limit_set_w = given.whole("watts")
    gpu.clock_fraction = min(gpu.clock_fraction, max(0.3, gpu.power_limit_w / gpu.kind.power_limit_w))


@in_node(
    Kind(
        "gpu-mode",
        "a GPU's mode is not as on the others: persistence off, MIG on, or ECC off",
        (GPU, Param("mode", "word", choices=("persistence", "mig", "ecc"))),
        (Expected("GPU-MODE", GPU_AT, CONFIGURATION),),
        needs=NVIDIA,
    )
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


@in_node(
    Kind(
        "gpu-model",
        "another model of GPU is built in",
        (GPU, Param("name", "word", examples=("NVIDIA H800", "NVIDIA H20"))),
        (Expected("GPU-MODEL", GPU_AT, PLAN),),
        needs=NVIDIA,
    )
)
def _gpu_model(node: SimNode, given: Given) -> None:
    gpu_of(node, given).name = given.text("name")


@in_node(
    Kind(
        "gpu-vbios",
        "a GPU runs another VBIOS than the others",
        (GPU, Param("version", "word", examples=("96.00.30.00.01",))),
        (Expected("VBIOS-MINORITY", GPU_AT, SOFTWARE),),
        needs=NVIDIA,
    )
)
def _gpu_vbios(node: SimNode, given: Given) -> None:
    gpu = gpu_of(node, given)
    gpu.kind = replace(gpu.kind, vbios=given.text("version"))


@in_node(
    Kind(
        "inforom-corrupt",
        "the memory that holds a GPU's identity is corrupted",
        (GPU,),
        _at_gpu("GPU-INFOROM"),
        needs=NVIDIA,
    )
)
def _inforom_corrupt(node: SimNode, given: Given) -> None:
    gpu_of(node, given).inforom_corrupted = True
