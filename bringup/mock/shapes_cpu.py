"""Simulated nodes without GPUs and without RDMA: two processors and plain Ethernet."""

from __future__ import annotations

from bringup.mock.shapes_types import CX7, NO_GPU, NicKind, Shape

SHAPES = (
    Shape(
        name="cpu-ethernet",
        vendor="Dell Inc.",
        product="PowerEdge R760",
        bios="2.4.4",
        gpu=NO_GPU,
        hca=CX7,
        gpu_bdfs=(),
        switch_bdfs=(),
        hca_bdfs=(),
        aux_bdfs=(),
        sockets=2,
        cores_per_socket=32,
        cpu_model="Intel(R) Xeon(R) Gold 6448Y",
        memory_gib=512,
        driver="",
        cuda="",
        kernel="5.15.0-142-generic",
        ofed="",
        mlx5="",
        os_name="Ubuntu 22.04.5 LTS",
        fabric_manager=False,
        nics=(
            NicKind("eno8303", "", "tg3", "165f", "BCM5720", 1000),
            NicKind(
                "ens1f0np0", "0000:3b:00.0", "ice", "1592", "Ethernet Controller E810-C for QSFP", 100000
            ),
            NicKind(
                "ens1f1np1", "0000:3b:00.1", "ice", "1592", "Ethernet Controller E810-C for QSFP", 100000
            ),
        ),
        nvmes=2,
    ),
)
