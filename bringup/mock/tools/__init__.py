"""The simulated programs: which there are, and how a call of one is answered."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

from bringup.mock.cluster import Cluster
from bringup.mock.switchboard import Reply, Request
from bringup.mock.tools import (
    ethernet,
    infiniband,
    machine_room,
    mellanox,
    mscclpp,
    nccl,
    pci,
    storage,
    subnet_tools,
    system,
    tenant,
)
from bringup.mock.tools.amd_smi import amd_smi
from bringup.mock.tools.call import Call, Tool
from bringup.mock.tools.dcgmi import dcgmi
from bringup.mock.tools.dpu import mlxconfig
from bringup.mock.tools.fio import fio
from bringup.mock.tools.imex import imex_ctl
from bringup.mock.tools.iperf import Iperf
from bringup.mock.tools.lldp import lldpcli
from bringup.mock.tools.nvbandwidth import nvbandwidth
from bringup.mock.tools.nvidia_smi import nvidia_smi
from bringup.mock.tools.perftest import Perftest
from bringup.mock.tools.pingpong import Pingpong
from bringup.mock.tools.python3 import Python3
from bringup.mock.tools.rocm_smi import rocm_smi
from bringup.mock.tools.subnet_errors import ibqueryerrors

__all__ = ["answer", "tools"]

_PERFTEST = ("ib_write_bw", "ib_read_bw", "ib_send_bw", "ib_write_lat", "ib_read_lat", "ib_send_lat")
_GARBAGE = "Segmentation fault (core dumped)\n\x1b[31m\ufffd\ufffd<<<{not what you asked for\x1b[0m\n"
# A collective that hangs prints its header first, so it handles that itself.
_HANGS_ITSELF = frozenset(f"{name}_perf" for name in nccl.PROGRAMS)


def tools() -> dict[str, Tool]:
    """A fresh set of programs for one cluster, by name."""
    perftest = Perftest()
    found: dict[str, Tool] = {
        "nvidia-smi": nvidia_smi,
        "nvidia-imex-ctl": imex_ctl,
        "nvbandwidth": nvbandwidth,
        "dcgmi": dcgmi,
        "amd-smi": amd_smi,
        "rocm-smi": rocm_smi,
        "ip": ethernet.ip,
        "ethtool": ethernet.ethtool,
        "iperf3": Iperf(),
        "ipmitool": machine_room.ipmitool,
        "nvme": machine_room.nvme,
        "lsblk": machine_room.lsblk,
        "df": storage.df,
        "last": storage.last,
        "docker": tenant.docker,
        "ssh-keygen": tenant.ssh_keygen,
        "nc": tenant.nc,
        "wpa_cli": tenant.wpa_cli,
        "mlxconfig": mlxconfig,
        "fio": fio,
        "python3": Python3(),
        "show_gids": mellanox.show_gids,
        "mlnx_qos": mellanox.mlnx_qos,
        "mlxlink": mellanox.mlxlink,
        "ibv_rc_pingpong": Pingpong(),
        "lspci": pci.lspci,
        "ibstat": infiniband.ibstat,
        "ibstatus": infiniband.ibstatus,
        "ibv_devinfo": infiniband.ibv_devinfo,
        "ibv_devices": infiniband.ibv_devices,
        "ibdev2netdev": infiniband.ibdev2netdev,
        "rdma": infiniband.rdma,
        "iblinkinfo": subnet_tools.iblinkinfo,
        "ibnetdiscover": subnet_tools.ibnetdiscover,
        "ibqueryerrors": ibqueryerrors,
        "ibswitches": subnet_tools.ibswitches,
        "ibhosts": subnet_tools.ibhosts,
        "sminfo": subnet_tools.sminfo,
        "lldpcli": lldpcli,
        "lldpctl": lldpcli,
        "systemctl": system.systemctl,
        "dmesg": system.dmesg,
        "journalctl": system.journalctl,
        "uname": system.uname,
        "hostname": system.hostname,
        "lscpu": system.lscpu,
        "chronyc": system.chronyc,
        "timedatectl": system.timedatectl,
        "ofed_info": system.ofed_info,
        "lsmod": system.lsmod,
        "dmidecode": system.dmidecode,
        "mpirun": nccl.mpirun,
    }
    found |= dict.fromkeys(_PERFTEST, perftest)
    found |= dict.fromkeys((f"{name}_perf" for name in nccl.PROGRAMS), nccl.perf)
    found |= dict.fromkeys(mscclpp.PROGRAMS, mscclpp.alone)
    return found


async def answer(cluster: Cluster, programs: dict[str, Tool], request: Request) -> Reply:
    """What the program prints, on the node from whose folder it was started."""
    node = cluster.node(int(Path(request.node).name))
    cluster.tick(node)
    if request.tool in node.garbage:
        return Reply(stdout=_GARBAGE)
    if request.tool in node.broken:
        return Reply(126, stderr=f"/bin/sh: 1: {request.tool}: Exec format error\n")
    node.calls[request.tool] = count = node.calls.get(request.tool, 0) + 1
    if request.tool in node.fails_every and count % node.fails_every[request.tool] == 0:
        return Reply(1, stderr=f"{request.tool}: Input/output error\n")
    await asyncio.sleep(node.slow_tools.get(request.tool, 0.0))
    if request.tool in node.hangs_every and count % node.hangs_every[request.tool] == 0:
        await asyncio.Event().wait()
    if request.tool in node.hanging and request.tool not in _HANGS_ITSELF:
        await asyncio.Event().wait()
    call = Call(
        cluster=cluster,
        node=node,
        tool=request.tool,
        args=request.args,
        as_root=request.as_root,
        cwd=Path(request.cwd),
        env=tuple(request.env.items()),
    )
    reply = programs[request.tool](call)
    return await reply if inspect.isawaitable(reply) else reply
