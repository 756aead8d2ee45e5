"""What a kind of simulated node is made of: models of GPU, adapter and machine. The kinds stand in `shapes_*`."""

from __future__ import annotations

from dataclasses import dataclass

# Widths, in Gb/s, that one port of each generation negotiates over four lanes.
LINK_GENERATIONS: dict[int, str] = {
    10: "SDR",
    20: "DDR",
    40: "QDR",
    56: "FDR",
    100: "EDR",
    200: "HDR",
    400: "NDR",
    800: "XDR",
}

NOT_REPORTED = "N/A"
_NO_HEALTH = (NOT_REPORTED,) * 6


@dataclass(frozen=True, slots=True)
class GpuKind:
    """A model of GPU. `nvlink_gbs` is what one link reports; `busbw_gbs` is the node's all_reduce plateau.

    Links are NVLinks, or XGMI links of an AMD GPU; `unwired` are the numbers of further ones that the driver lists
    and that go nowhere, by design of the board. `two_node_share` is the plateau of two nodes over that of one.
    `device_gen` is the PCIe generation of the GPU alone where its slot allows less; 0: the same. `health` are the
    words of the fabric's health in their order; `fabric_reported` is whether the driver tells of a fabric at all.
    `bf16_tflops` and `memory_gbs` are what large matrix products and copies within the GPU's memory reach.
    """

    name: str
    architecture: str
    device_id: str
    subsystem_id: str
    memory_mib: int
    reserved_mib: int
    bar1_mib: int
    remap_banks: int
    vbios: str
    board_part: str
    gpu_part: str
    power_limit_w: int
    graphics_mhz: int
    memory_mhz: int
    nvlinks: int
    nvlink_gbs: float
    busbw_gbs: float
    pcie_gen: int = 5
    pcie_width: int = 16
    device_gen: int = 0
    vendor: str = "nvidia"
    two_node_share: float = 0.978
    addressing: str = "HMM"
    fabric_reported: bool = True
    health: tuple[str, ...] = _NO_HEALTH
    instruction_set: str = ""
    unwired: tuple[int, ...] = ()
    bf16_tflops: float = 0.0
    memory_gbs: float = 0.0

    @property
    def links(self) -> tuple[int, ...]:
        """The numbers of the links that are wired."""
        return tuple(n for n in range(self.nvlinks + len(self.unwired)) if n not in self.unwired)

    @property
    def pci_vendor(self) -> str:
        """The vendor's number on the PCI bus, four hexadecimal digits."""
        return "1002" if self.vendor == "amd" else "10de"

    @property
    def pci_class(self) -> str:
        """The class on the PCI bus: a 3D controller, or a processing accelerator."""
        return "120000" if self.vendor == "amd" else "030200"

    @property
    def kernel_driver(self) -> str:
        return "amdgpu" if self.vendor == "amd" else "nvidia"


@dataclass(frozen=True, slots=True)
class HcaKind:
    """A model of fabric adapter with one port."""

    device_id: str
    name: str
    hca_type: str
    board_id: str
    firmware: str
    rate_gbps: int
    pcie_gts: float = 32.0
    pcie_width: int = 16


@dataclass(frozen=True, slots=True)
class NicKind:
    """A network interface without RDMA. `bdf` is empty for one that is no PCI device of its own.

    `vendor` is the PCI vendor's number and `maker` its name.
    """

    name: str
    bdf: str
    driver: str
    device: str
    model: str
    speed_mbps: int
    vendor: str = "8086"
    maker: str = "Intel Corporation"

    @property
    def is_dpu(self) -> bool:
        """Whether it is a BlueField card."""
        return self.vendor == "15b3" and self.device in ("a2d6", "a2dc")


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of node. `gpu_bdfs` and `hca_bdfs` stand in rail order: HCA k is nearest to GPU k.

    `layer` is that of the fabric ports. GPUs that are `bridged` are joined in pairs, card by card, not by switches.
    `domain` is how many nodes share one NVLink domain; they then run IMEX.
    """

    name: str
    vendor: str
    product: str
    bios: str
    gpu: GpuKind
    hca: HcaKind
    gpu_bdfs: tuple[str, ...]
    switch_bdfs: tuple[str, ...]
    hca_bdfs: tuple[str, ...]
    aux_bdfs: tuple[str, ...]
    sockets: int
    cores_per_socket: int
    cpu_model: str
    memory_gib: int
    driver: str
    cuda: str
    kernel: str
    ofed: str
    mlx5: str
    os_name: str
    layer: str = "InfiniBand"
    fabric_manager: bool = True
    bridged: bool = False
    domain: int = 1
    threads_per_core: int = 2
    cpu_vendor: str = "GenuineIntel"
    machine: str = "x86_64"
    nics: tuple[NicKind, ...] = (NicKind("eno8303", "", "tg3", "165f", "BCM5720", 25000),)
    nvmes: int = 8
    switch_device: str = "22a3"

    @property
    def gpu_vendor(self) -> str:
        """The vendor of its GPUs; empty without any."""
        return self.gpu.vendor if self.gpu_bdfs else ""

    @property
    def has_imex(self) -> bool:
        return self.domain > 1


NO_GPU = GpuKind("", "", "", "", 0, 0, 0, 0, "", "", "", 0, 0, 0, 0, 0.0, 0.0, vendor="")
"""Stands in a shape without GPUs."""

CX6 = HcaKind(
    device_id="101b",
    name="MT28908 Family [ConnectX-6]",
    hca_type="MT4123",
    board_id="MT_0000000223",
    firmware="20.37.1700",
    rate_gbps=200,
    pcie_gts=16.0,
)
CX7 = HcaKind(
    device_id="1021",
    name="MT2910 Family [ConnectX-7]",
    hca_type="MT4129",
    board_id="MT_0000000838",
    firmware="28.41.1000",
    rate_gbps=400,
)
CX8 = HcaKind(
    device_id="1023",
    name="CX8 Family [ConnectX-8]",
    hca_type="MT4131",
    board_id="MT_0000001222",
    firmware="40.45.1020",
    rate_gbps=800,
    pcie_gts=64.0,
)


def slots(*buses: str) -> tuple[str, ...]:
    """PCI addresses: of a bus, or of a domain and a bus."""
    return tuple(f"{bus if ':' in bus else f'0000:{bus}'}:00.0" for bus in buses)
