"""The names of the programs that a simulated node has: simulated ones, and utilities of the real machine."""

from __future__ import annotations

from bringup.mock.shapes import Shape

_EVERYWHERE = (
    "lspci",
    "systemctl",
    "dmesg",
    "journalctl",
    "uname",
    "hostname",
    "lscpu",
    "chronyc",
    "timedatectl",
    "lsmod",
    "dmidecode",
    "ip",
    "ethtool",
    "iperf3",
    "ipmitool",
    "nvme",
    "lsblk",
    "df",
    "last",
    "fio",
    "python3",
    "lldpcli",
    "lldpctl",
    "docker",
    "ssh-keygen",
    "nc",
)
_NVIDIA = ("nvidia-smi", "dcgmi", "nvbandwidth")
_AMD = ("amd-smi", "rocm-smi")
_IMEX = ("nvidia-imex-ctl",)
_RDMA = (
    "ibstat",
    "ibstatus",
    "ibv_devinfo",
    "ibv_devices",
    "ibdev2netdev",
    "show_gids",
    "mlnx_qos",
    "mlxlink",
    "rdma",
    "ofed_info",
    "ib_write_bw",
    "ib_read_bw",
    "ib_send_bw",
    "ib_write_lat",
    "ib_read_lat",
    "ib_send_lat",
    "ibv_rc_pingpong",
    "iblinkinfo",
    "ibnetdiscover",
    "ibqueryerrors",
    "ibswitches",
    "ibhosts",
    "sminfo",
    "mlxconfig",
    "wpa_cli",
)
_COLLECTIVES = (
    "mpirun",
    "all_reduce_perf",
    "all_gather_perf",
    "alltoall_perf",
    "broadcast_perf",
    "reduce_perf",
    "reduce_scatter_perf",
    "sendrecv_perf",
    "allgather_test_perf",
    "allreduce_test_perf",
    "alltoall_test_perf",
)
PROGRAMS: tuple[str, ...] = (*_EVERYWHERE, *_NVIDIA, *_AMD, *_IMEX, *_RDMA, *_COLLECTIVES)
"""Answered by the simulator."""


def absent(shape: Shape) -> frozenset[str]:
    """The programs that no node of this shape has, because it has no hardware for them."""
    none: tuple[str, ...] = ()
    none += () if shape.gpu_vendor == "nvidia" else _NVIDIA
    none += () if shape.gpu_vendor == "amd" else _AMD
    none += () if shape.has_imex else _IMEX
    none += () if shape.mlx5 else _RDMA
    none += () if shape.gpu_vendor else _COLLECTIVES
    return frozenset(none)


_UTILITIES = """
[ awk base64 basename bash cat chmod cksum cmp comm cp cut date dd diff dirname du echo egrep env expr false fgrep
find fold getconf grep gzip head join kill ln ls md5sum mkdir mkfifo mktemp mv nice nl nohup nproc od paste pgrep
printenv printf ps pwd readlink realpath rm rmdir sed seq setsid sh sha256sum sleep sort split stat stdbuf strings
sync tac tail tar tee test timeout touch tr true truncate tty uniq wc which whoami xargs yes zcat
"""
UTILITIES: tuple[str, ...] = tuple(_UTILITIES.split())
"""Taken from the machine that simulates, as far as it has them; nothing else of it is in a node's PATH."""
