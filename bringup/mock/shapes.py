"""What kinds of node can be simulated, as data. A new kind of node is a new entry of SHAPES.

The numbers are those of public data sheets and of public captures of such nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class GpuKind:
    """A model of GPU. `nvlink_gbs` is what one link reports; `busbw_gbs` is the node's all_reduce plateau."""

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
class Shape:
    """A kind of node. `gpu_bdfs` and `hca_bdfs` stand in rail order: HCA k is nearest to GPU k."""

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

_H100 = GpuKind(
    name="NVIDIA H100 80GB HBM3",
    architecture="Hopper",
    device_id="2330",
    subsystem_id="16C1",
    memory_mib=81559,
    reserved_mib=479,
    bar1_mib=131072,
    remap_banks=2560,
    vbios="96.00.A5.00.01",
    board_part="692-2G520-0200-000",
    gpu_part="2330-885-A1",
    power_limit_w=700,
    graphics_mhz=1980,
    memory_mhz=2619,
    nvlinks=18,
    nvlink_gbs=26.562,
    busbw_gbs=482.0,
)

_H200 = replace(
    _H100,
    name="NVIDIA H200",
    device_id="2335",
    subsystem_id="18BE",
    memory_mib=143771,
    reserved_mib=549,
    bar1_mib=262144,
    remap_banks=3072,
    vbios="96.00.D0.00.02",
    board_part="692-2G520-0280-000",
    gpu_part="2335-885-A1",
    memory_mhz=3201,
    busbw_gbs=485.0,
)

_CX7 = HcaKind(
    device_id="1021",
    name="MT2910 Family [ConnectX-7]",
    hca_type="MT4129",
    board_id="MT_0000000838",
    firmware="28.41.1000",
    rate_gbps=400,
)

_HGX_H100 = Shape(
    name="hgx-h100",
    vendor="Dell Inc.",
    product="PowerEdge XE9680",
    bios="2.3.5",
    gpu=_H100,
    hca=_CX7,
    gpu_bdfs=tuple(f"0000:{bus}:00.0" for bus in ("1b", "43", "52", "61", "9d", "c3", "d1", "df")),
    switch_bdfs=tuple(f"0000:{bus}:00.0" for bus in ("05", "06", "07", "08")),
    hca_bdfs=tuple(f"0000:{bus}:00.0" for bus in ("18", "40", "4f", "5e", "9a", "c0", "ce", "dc")),
    aux_bdfs=("0000:29:00.0", "0000:29:00.1", "0000:82:00.0", "0000:82:00.1"),
    sockets=2,
    cores_per_socket=56,
    cpu_model="Intel(R) Xeon(R) Platinum 8480C",
    memory_gib=2048,
    driver="580.95.05",
    cuda="13.0",
    kernel="5.15.0-112-generic",
    ofed="OFED-internal-24.10-1.1.4:",
    mlx5="24.10-1.1.4",
    os_name="Ubuntu 22.04.5 LTS",
)

SHAPES: dict[str, Shape] = {
    "hgx-h100": _HGX_H100,
    "hgx-h200": replace(_HGX_H100, name="hgx-h200", gpu=_H200),
}
