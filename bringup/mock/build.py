"""Builds a healthy node from its plan and shape, with the small oddities that healthy nodes have.

The same seed gives the same node, whatever else is in the cluster.
"""

from __future__ import annotations

import random
import uuid

from bringup.mock.hardware import COUNTERS, HW_COUNTERS, Gpu, Hca, Logical, Physical, SimNode
from bringup.mock.shapes import Shape
from bringup.model import Node

_DAY_S = 86400.0


def build(index: int, plan: Node, shape: Shape, seed: int, now: float) -> SimNode:
    """A healthy node whose first session begins `now`."""
    rng = random.Random(f"{seed}/{plan.name}")
    node = SimNode(
        index=index,
        name=plan.name,
        plan=plan,
        shape=shape,
        gpus=[_gpu(i, shape, rng) for i in range(len(shape.gpu_bdfs))],
        hcas=_hcas(index, plan, shape, rng),
        hostname=plan.name,
        serial=plan.serial or f"{rng.randrange(16**6, 16**7):07X}",
        boot_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        boot_time=now - _DAY_S * rng.uniform(2, 20),
        started=now,
        driver=shape.driver,
        memory_gib=shape.memory_gib,
        sockets=shape.sockets,
        clock_offset_s=rng.uniform(-4e-5, 4e-5),
    )
    if rng.random() < 0.25:  # a profile of the site that speaks where nobody reads
        node.login_noise = "bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)\n"
    return node


def planned_names(plan: Node, shape: Shape) -> tuple[str, ...]:
    """Device names of the fabric adapters in rail order: the plan's, else mlx5_0 and so on."""
    if plan.ports:
        return tuple(port.hca for port in sorted(plan.ports, key=lambda p: p.rail))
    return tuple(f"mlx5_{k}" for k in range(len(shape.hca_bdfs)))


def _gpu(index: int, shape: Shape, rng: random.Random) -> Gpu:
    kind = shape.gpu
    return Gpu(
        index=index,
        bdf=shape.gpu_bdfs[index],
        kind=kind,
        uuid=f"GPU-{uuid.UUID(int=rng.getrandbits(128), version=4)}",
        serial=f"165{rng.randrange(10**10):010d}",
        numa=0 if index < len(shape.gpu_bdfs) // 2 else 1,
        name=kind.name,
        memory_mib=kind.memory_mib,
        pcie_width=kind.pcie_width,
        pcie_gen_max=kind.pcie_gen,
        replays=rng.choice((0, 0, 7, 9, rng.randrange(90, 180))),
        temperature_c=rng.randrange(27, 34),
        power_w=round(rng.uniform(66, 86), 2),
    )


def _hcas(index: int, plan: Node, shape: Shape, rng: random.Random) -> list[Hca]:
    fabric = planned_names(plan, shape)[: len(shape.hca_bdfs)]
    leaves = {port.hca: port.leaf for port in plan.ports}
    hcas: list[Hca] = []
    for rail, name in enumerate(fabric):
        hca = _hca(name, shape.hca_bdfs[rail], shape, index, len(hcas), f"ibp{rail}")
        hca.rail, hca.leaf = rail, leaves.get(name, "")
        hca.numa = 0 if rail < len(fabric) / 2 else 1
        hca.lid = 16 + index * len(shape.hca_bdfs) + rail
        hca.counters |= _traffic(rng)
        hca.counters["link_downed"] = int(rng.random() < 0.3)  # counted when the cable was first plugged in
        hcas.append(hca)
    return hcas + _others(index, shape, fabric, len(hcas))


def _others(index: int, shape: Shape, fabric: tuple[str, ...], first: int) -> list[Hca]:
    """Ports of the same driver that are not part of the fabric: Ethernet, every second one without a cable.

    They take the device numbers that the fabric leaves free.
    """
    numbers = [int(n[5:]) for n in fabric if n.startswith("mlx5_") and n[5:].isdigit()]
    free = [n for n in range(max(numbers, default=-1) + 3) if f"mlx5_{n}" not in fabric]
    hcas: list[Hca] = []
    for k, (number, bdf) in enumerate(zip(free, shape.aux_bdfs, strict=False)):
        hca = _hca(f"mlx5_{number}", bdf, shape, index, first + k, f"ens{k // 2 + 1}f{k % 2}np{k % 2}")
        hca.layer, hca.rate_gbps, hca.sm_lid, hca.numa = "Ethernet", 100, 0, k // 2
        if k % 2:
            hca.logical, hca.physical, hca.rate_gbps = Logical.DOWN, Physical.DISABLED, 40
        hcas.append(hca)
    return hcas


def _hca(name: str, bdf: str, shape: Shape, node: int, port: int, netdev: str) -> Hca:
    return Hca(
        name=name,
        bdf=bdf,
        kind=shape.hca,
        rail=None,
        guid=f"a088:c203:00{node >> 8:02x}:{(node & 0xFF) << 8 | port:04x}",
        numa=0,
        netdev=netdev,
        firmware=shape.hca.firmware,
        pcie_width=shape.hca.pcie_width,
        pcie_gts=shape.hca.pcie_gts,
        rate_gbps=shape.hca.rate_gbps,
        counters=dict.fromkeys(COUNTERS, 0),
        hw_counters=dict.fromkeys(HW_COUNTERS, 0) | {"lifespan": 12},
    )


def _traffic(rng: random.Random) -> dict[str, int]:
    packets = rng.randrange(10**6, 10**9)
    words = packets * 256
    names = ("port_rcv_packets", "port_xmit_packets", "unicast_rcv_packets", "unicast_xmit_packets")
    return {
        "port_rcv_data": words,
        "port_xmit_data": words - words // 97,
        "port_xmit_wait": packets // 3,
        **dict.fromkeys(names, packets),
    }
