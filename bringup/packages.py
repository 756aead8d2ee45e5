"""Where a program that a node lacks comes from, for the person who must install it.

Names of packages are those of Debian and Ubuntu first, then of RHEL where they differ. A program that stands here under no
name is told without a source: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "package chrony": ("chronyc",),
    "package systemd": ("systemctl", "timedatectl"),
    "package iproute2 (RHEL: iproute)": ("ip", "tc", "rdma"),
    "package ethtool": ("ethtool",),
    "package pciutils": ("lspci", "setpci"),
    "package ipmitool": ("ipmitool",),
    "package util-linux": ("dmesg", "lsblk", "findmnt"),
    "package lldpd": ("lldpcli", "lldpctl"),
    "package iperf3": ("iperf3",),
    "package fio": ("fio",),
    "package nvme-cli": ("nvme",),
    "package python3": ("python3",),
    "package netcat-openbsd (RHEL: nmap-ncat)": ("nc",),
    "package openssh-client (RHEL: openssh)": ("ssh-keygen",),
    "package wpasupplicant (RHEL: wpa_supplicant)": ("wpa_cli",),
    "package perftest": (
        "ib_write_bw", "ib_write_lat", "ib_read_bw", "ib_read_lat", "ib_send_bw", "ib_send_lat",
    ),
    "package ibverbs-utils (RHEL: libibverbs-utils)": (
        "ibv_devinfo", "ibv_devices", "ibv_rc_pingpong", "ibv_ud_pingpong",
    ),
    "package infiniband-diags": (
        "ibstat", "ibstatus", "iblinkinfo", "ibnetdiscover", "perfquery", "sminfo", "ibqueryerrors", "saquery",
    ),
    "DOCA-OFED of NVIDIA, package mlnx-tools": ("mlnx_qos", "show_gids", "ibdev2netdev"),
    "DOCA-OFED of NVIDIA, package mft": ("mlxlink", "mlxconfig", "mst", "mlxfwmanager", "flint"),
    "DOCA-OFED of NVIDIA, package ibutils2": ("ibdiagnet",),
    "the NVIDIA driver, package nvidia-utils": ("nvidia-smi",),
    "package datacenter-gpu-manager of NVIDIA": ("dcgmi",),
    "package nvidia-imex of NVIDIA": ("nvidia-imex-ctl",),
    "NVIDIA/nvbandwidth, built from source": ("nvbandwidth",),
    "NVIDIA/nccl-tests or ROCm/rccl-tests, built from source": (
        "all_reduce_perf", "all_gather_perf", "reduce_scatter_perf", "alltoall_perf", "sendrecv_perf",
    ),
    "package openmpi-bin (RHEL: openmpi)": ("mpirun",),
    "ROCm, package amd-smi-lib": ("amd-smi",),
    "ROCm, package rocm-smi-lib": ("rocm-smi",),
    "ROCm, package rocm-bandwidth-test": ("rocm-bandwidth-test", "rocm_bandwidth_test"),
    "ROCm/TransferBench, built from source": ("TransferBench",),
}  # fmt: skip
_SOURCES = {program: source for source, programs in _PACKAGES.items() for program in programs}


def named(programs: Iterable[str]) -> str:
    """The programs, each with where it comes from, as far as that is known. Paths go by their last part."""
    return ", ".join(
        f"{program} ({source})" if (source := _SOURCES.get(program.rsplit("/", 1)[-1])) else program
        for program in programs
    )
