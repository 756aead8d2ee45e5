"""The simulated programs: which there are, and how a call of one is answered."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

from bringup.mock.cluster import Cluster
from bringup.mock.switchboard import Reply, Request
from bringup.mock.tools import infiniband, nccl, pci, system
from bringup.mock.tools.call import Call, Tool
from bringup.mock.tools.nvidia_smi import nvidia_smi
from bringup.mock.tools.perftest import Perftest

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
        "lspci": pci.lspci,
        "ibstat": infiniband.ibstat,
        "ibstatus": infiniband.ibstatus,
        "ibv_devinfo": infiniband.ibv_devinfo,
        "ibv_devices": infiniband.ibv_devices,
        "ibdev2netdev": infiniband.ibdev2netdev,
        "rdma": infiniband.rdma,
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
    return found


async def answer(cluster: Cluster, programs: dict[str, Tool], request: Request) -> Reply:
    """What the program prints, on the node from whose folder it was started."""
    node = cluster.node(int(Path(request.node).name))
    cluster.tick(node)
    if request.tool in node.garbage:
        return Reply(stdout=_GARBAGE)
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
