"""The names of the programs that a simulated node has: simulated ones, and utilities of the real machine."""

from __future__ import annotations

PROGRAMS: tuple[str, ...] = (
    "nvidia-smi",
    "lspci",
    "ibstat",
    "ibstatus",
    "ibv_devinfo",
    "ibv_devices",
    "ibdev2netdev",
    "rdma",
    "systemctl",
    "dmesg",
    "journalctl",
    "uname",
    "hostname",
    "lscpu",
    "chronyc",
    "timedatectl",
    "ofed_info",
    "lsmod",
    "dmidecode",
    "ib_write_bw",
    "ib_read_bw",
    "ib_send_bw",
    "ib_write_lat",
    "ib_read_lat",
    "ib_send_lat",
    "mpirun",
    "all_reduce_perf",
    "all_gather_perf",
    "alltoall_perf",
    "broadcast_perf",
    "reduce_perf",
    "reduce_scatter_perf",
    "sendrecv_perf",
)
"""Answered by the simulator."""

_UTILITIES = """
[ awk base64 basename bash cat chmod cksum cmp comm cp cut date dd df diff dirname du echo egrep env expr false fgrep
find fold getconf grep gzip head join kill ln ls md5sum mkdir mkfifo mktemp mv nice nl nohup nproc od paste pgrep
printenv printf ps pwd readlink realpath rm rmdir sed seq setsid sh sha256sum sleep sort split stat stdbuf strings
sync tac tail tar tee test timeout touch tr true truncate tty uniq wc which whoami xargs yes zcat
"""
UTILITIES: tuple[str, ...] = tuple(_UTILITIES.split())
"""Taken from the machine that simulates, as far as it has them; nothing else of it is in a node's PATH."""
