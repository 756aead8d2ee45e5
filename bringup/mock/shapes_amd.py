"""Simulated nodes with AMD Instinct GPUs: eight of them, all connected with all by XGMI.

The numbers are those of public data sheets and of public captures of such nodes.
"""

from __future__ import annotations

from dataclasses import replace

from bringup.mock.shapes_types import CX7, GpuKind, Shape, slots

_MI300X = GpuKind(
    name="AMD Instinct MI300X",
    architecture="CDNA 3",
    device_id="74a1",
    subsystem_id="74a1",
    memory_mib=196592,
    reserved_mib=283,
    bar1_mib=0,
    remap_banks=0,
    vbios="113-M3000100-102",
    board_part="102-G30211-0C",
    gpu_part="",
    power_limit_w=750,
    graphics_mhz=2100,
    memory_mhz=1300,
    nvlinks=7,
    nvlink_gbs=64.0,
    busbw_gbs=316.0,
    vendor="amd",
    two_node_share=1.16,
    fabric_reported=False,
    instruction_set="gfx942",
    bf16_tflops=668.0,
    memory_gbs=4500.0,
)
_MI325X = replace(
    _MI300X,
    name="AMD Instinct MI325X",
    device_id="74a5",
    subsystem_id="74a5",
    memory_mib=262128,
    vbios="113-M3250101-102",
    board_part="102-G30216-0C",
    power_limit_w=1000,
    memory_gbs=5000.0,
)
_MI355X = replace(
    _MI300X,
    name="AMD Instinct MI355X",
    architecture="CDNA 4",
    device_id="75a3",
    subsystem_id="75a3",
    memory_mib=294896,
    vbios="113-M3550101-102",
    board_part="102-G35501-0C",
    power_limit_w=1400,
    graphics_mhz=2400,
    memory_mhz=2000,
    nvlink_gbs=76.5,
    busbw_gbs=375.0,
    bf16_tflops=1400.0,
    memory_gbs=6600.0,
    instruction_set="gfx950",
)

_NODE = Shape(
    name="mi300x",
    vendor="Supermicro",
    product="AS -8125GS-TNMR2",
    bios="3.2",
    gpu=_MI300X,
    hca=CX7,
    gpu_bdfs=slots("05", "26", "46", "65", "85", "a6", "c6", "e5"),
    switch_bdfs=(),
    hca_bdfs=slots("08", "2a", "4a", "68", "88", "aa", "ca", "e8"),
    aux_bdfs=("0000:32:00.0", "0000:32:00.1", "0000:92:00.0", "0000:92:00.1"),
    sockets=2,
    cores_per_socket=96,
    cpu_vendor="AuthenticAMD",
    cpu_model="AMD EPYC 9654 96-Core Processor",
    memory_gib=2304,
    driver="6.12.12",
    cuda="6.4.2",
    kernel="5.15.0-142-generic",
    ofed="OFED-internal-24.10-1.1.4:",
    mlx5="24.10-1.1.4",
    os_name="Ubuntu 22.04.5 LTS",
    fabric_manager=False,
)

SHAPES = (
    _NODE,
    replace(_NODE, name="mi325x", gpu=_MI325X),
    replace(
        _NODE,
        name="mi355x",
        product="AS -4126GS-NMR-LCC",
        gpu=_MI355X,
        cores_per_socket=64,
        cpu_model="AMD EPYC 9575F 64-Core Processor",
        driver="6.14.14",
        cuda="7.0.1",
    ),
)
