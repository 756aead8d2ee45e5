"""What the parts of a node achieve under load, and what the GPU driver tells of a GPU meanwhile."""

from __future__ import annotations

from bringup.mock.hardware import Gpu, SimNode

_PCIE_GBS_PER_LANE = {1: 0.25, 2: 0.5, 3: 0.985, 4: 1.969, 5: 3.938, 6: 7.563}
_PCIE_SHARE = 0.88
_LINK_SHARE = 0.82
_CHIP_TO_CHIP_GBS = 369.4
_FULL_CLOCK = 0.87
"""At full load the power limit keeps a healthy GPU below its highest clock."""
_SLOWED = 0.6
_WARMER_C, _HOTTEST_C = 34, 88
_IDLE_MHZ = 345
_SOCKET_GBS = 240.0
_DRIVE_GBS, _BOOT_DRIVE_GBS = 6.9, 3.1

IDLE, POWER_CAP, HARDWARE, THERMAL, BRAKE = 0x1, 0x4, 0x08, 0x40, 0x80


# -------------------------------------------------------------------------------------------------- speeds


def pcie_gen(gpu: Gpu) -> int:
    """The generation that the GPU's link runs at: at rest any, under load the best that GPU and slot allow."""
    best = min(gpu.pcie_gen_max, gpu.kind.pcie_gen)
    return min(best, gpu.pcie_gen_stuck or best) if gpu.loaded else gpu.pcie_gen


def host_gbs(gpu: Gpu) -> float:
    """What a copy between the host and a GPU reaches: its PCIe link, or the link between Grace and its GPU."""
    if gpu.kind.addressing == "ATS":
        return _CHIP_TO_CHIP_GBS * gpu.copy_fraction
    best = min(gpu.pcie_gen_max, gpu.kind.pcie_gen)
    lane = _PCIE_GBS_PER_LANE[min(best, gpu.pcie_gen_stuck or best)]
    return lane * gpu.pcie_width * _PCIE_SHARE * gpu.copy_fraction


def pair_gbs(a: Gpu, b: Gpu) -> float:
    """What a copy from one GPU to another reaches: the NVLinks of the one that has fewer, else PCIe.

    AMD's GPUs have one link to each other one.
    """
    if a.kind.vendor == "amd":
        ways = (a.link_gbs(b.index - (b.index > a.index)), b.link_gbs(a.index - (a.index > b.index)))
    else:
        first, second = (sum(g.link_gbs(link) for link in g.kind.links) for g in (a, b))
        ways = (first, second)
    return min(ways) * _LINK_SHARE or min(host_gbs(a), host_gbs(b))


def memory_gbs(gpu: Gpu) -> float:
    """What a copy within the GPU's memory reaches, every byte read or written."""
    return gpu.kind.memory_gbs * gpu.memory_fraction


def bf16_tflops(gpu: Gpu) -> float:
    """What large matrix products reach."""
    return gpu.kind.bf16_tflops * _clock(gpu)


def host_memory_gbs(node: SimNode) -> float:
    """What all processors together move: less where modules are missing."""
    return _SOCKET_GBS * node.sockets * node.memory_gib / node.shape.memory_gib * node.memory_fraction


def drive_gbs(node: SimNode, number: int) -> float:
    """What an NVMe drive reads; number 0 is the boot drive."""
    return (_DRIVE_GBS if number else _BOOT_DRIVE_GBS) * node.nvme_fractions.get(number, 1.0)


def _clock(gpu: Gpu) -> float:
    return gpu.clock_fraction * (_SLOWED if gpu.slowdowns_under_load else 1.0)


def cuda_trouble(node: SimNode) -> str:
    """Why no program runs on the GPUs of this node; empty if they do."""
    amd = node.shape.gpu_vendor == "amd"
    if not node.driver_loaded or not node.visible_gpus:
        return "No HIP GPUs are available" if amd else "No CUDA GPUs are available"
    fabric = [(g.fabric_state, g.fabric_status) for g in node.visible_gpus if g.kind.fabric_reported]
    if any(states != ("Completed", "Success") for states in fabric):
        return "system not yet initialized"
    return ""


# ----------------------------------------------------------------------------------------- the driver's view


def sm_mhz(gpu: Gpu) -> int:
    """The clock of the GPU's cores; chips of one model differ a little."""
    if not gpu.loaded:
        return _IDLE_MHZ
    return round(gpu.kind.graphics_mhz * _FULL_CLOCK * _clock(gpu) * (1 - 0.004 * (gpu.index % 4)))


def temperature_c(gpu: Gpu) -> int:
    """Under load a GPU is that much warmer, up to where it would slow down."""
    if not gpu.loaded:
        return gpu.temperature_c
    hot = 6 if "thermal" in gpu.slowdowns_under_load else 0
    return max(gpu.temperature_c, min(gpu.temperature_c + _WARMER_C + hot, _HOTTEST_C))


def power_w(gpu: Gpu) -> float:
    """Under load nearly all that the limit allows, and less where the clocks are held down."""
    return gpu.power_limit_w * (0.97 if _full(gpu) else 0.6) if gpu.loaded else gpu.power_w


def reasons(node: SimNode, gpu: Gpu) -> int:
    """The driver's bits for why the clocks are not higher."""
    held = gpu.slowdowns | (gpu.slowdowns_under_load if gpu.loaded else set())
    bits = (HARDWARE | THERMAL if "thermal" in held else 0) | (
        HARDWARE | BRAKE if "power-brake" in held else 0
    )
    capped = gpu.power_limit_w < gpu.kind.power_limit_w
    if gpu.loaded:
        return bits | (POWER_CAP if capped or _full(gpu) else 0)
    return bits or (0 if gpu.processes else IDLE)


def count_ticks(gpu: Gpu, seconds: float) -> None:
    """Time goes by under load: AMD's GPUs count for how long what held their clocks down, the power limit as well."""
    milliseconds = round(seconds * 1000)
    gpu.ticks += milliseconds
    for reason in gpu.slowdowns | gpu.slowdowns_under_load | ({"power"} if _full(gpu) else set()):
        gpu.held_ticks[reason] = gpu.held_ticks.get(reason, 0) + milliseconds


def _full(gpu: Gpu) -> bool:
    return _clock(gpu) == 1.0
