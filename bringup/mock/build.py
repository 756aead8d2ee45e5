"""Builds a healthy node from its plan and shape, with the small oddities that healthy nodes have.

The same seed gives the same node, whatever else is in the cluster.
"""

from __future__ import annotations

import random
import uuid

from bringup.mock.hardware import COUNTERS, HW_COUNTERS, Gpu, Hca, Logical, Nic, Optic, Physical, SimNode
from bringup.mock.shapes import Shape
from bringup.model import Node

_DAY_S = 86400.0
_MODULES = {200: "MFS1S00-H010V", 400: "MMA4Z00-NS400", 800: "MMS4A20-XM800"}


def build(index: int, plan: Node, shape: Shape, seed: int, now: float, order: int | None = None) -> SimNode:
    """A healthy node whose first session begins `now`. `order` is its place among the nodes of its shape."""
    order = index if order is None else order
    rng = random.Random(f"{seed}/{plan.name}")
    place = domain_of(order, plan, shape)
    node = SimNode(
        index=index,
        name=plan.name,
        plan=plan,
        shape=shape,
        gpus=[_gpu(i, shape, rng) for i in range(len(shape.gpu_bdfs))],
        hcas=_hcas(index, plan, shape, rng),
        nics=_nics(index, shape),
        hostname=plan.name,
        serial=plan.serial or f"{rng.randrange(16**6, 16**7):07X}",
        boot_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        boot_time=now - _DAY_S * rng.uniform(2, 20),
        started=now,
        driver=shape.driver,
        memory_gib=shape.memory_gib,
        sockets=shape.sockets,
        clock_offset_s=rng.uniform(-4e-5, 4e-5),
        fabric_manager="active" if shape.fabric_manager else "absent",
        imex="active" if shape.has_imex else "absent",
        tray=order % shape.domain,
    )
    if shape.has_imex:
        cluster = random.Random(f"{seed}/domain/{place}")
        name = str(uuid.UUID(int=cluster.getrandbits(128), version=4))
        for gpu in node.gpus:
            gpu.cluster_uuid, gpu.clique = name, 32766
    if rng.random() < 0.25:  # a profile of the site that speaks where nobody reads
        node.login_noise = "bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)\n"
    return node


def domain_of(order: int, plan: Node, shape: Shape) -> str:
    """The NVLink domain of a node: its rack by the plan, else so many nodes of its shape in their order."""
    return plan.rack or str(order // shape.domain)


def planned_names(plan: Node, shape: Shape) -> tuple[str, ...]:
    """Device names of the fabric adapters in rail order: the plan's, else mlx5_0 and so on."""
    if plan.ports:
        return tuple(port.hca for port in sorted(plan.ports, key=lambda p: p.rail))
    return tuple(f"mlx5_{k}" for k in range(len(shape.hca_bdfs)))


def _nics(index: int, shape: Shape) -> list[Nic]:
    """The first that is a PCI device has the address on the front-end network."""
    front = next((k for k, kind in enumerate(shape.nics) if kind.bdf), 0)
    ip = f"10.0.{(index + 1) >> 8}.{(index + 1) & 0xFF}"
    return [
        Nic(
            kind,
            f"e4:3d:1a:{index >> 8:02x}:{index & 0xFF:02x}:{k:02x}",
            speed_mbps=kind.speed_mbps,
            ipv4=ip if k == front else "",
        )
        for k, kind in enumerate(shape.nics)
    ]


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
        module_id=(index ^ 1) + 1,
        fabric_state="Completed" if kind.fabric_reported else "N/A",
        fabric_status="Success" if kind.fabric_reported else "N/A",
        temperature_c=rng.randrange(27, 34),
        power_w=round(rng.uniform(66, 86), 2),
    )


def _hcas(index: int, plan: Node, shape: Shape, rng: random.Random) -> list[Hca]:
    fabric = planned_names(plan, shape)[: len(shape.hca_bdfs)]
    ends = {port.hca: (port.leaf, port.leaf_port) for port in plan.ports}
    hcas: list[Hca] = []
    for rail, name in enumerate(fabric):
        bdf = shape.hca_bdfs[rail]
        netdev = f"ibp{rail}" if shape.layer == "InfiniBand" else f"enp{int(bdf.split(':')[1], 16)}s0np0"
        hca = _hca(name, bdf, shape, index, len(hcas), netdev)
        hca.rail = rail
        hca.leaf, hca.leaf_port = ends.get(name, ("", ""))
        hca.numa = 0 if rail < len(fabric) / 2 else 1
        if shape.layer == "InfiniBand":
            hca.lid = 16 + index * len(shape.hca_bdfs) + rail
        else:
            hca.layer, hca.sm_lid, hca.mtu = shape.layer, 0, 9000
            hca.ipv4 = f"10.{100 + rail}.{(index + 1) >> 8}.{(index + 1) & 0xFF}"
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
        hca.layer, hca.rate_gbps, hca.sm_lid, hca.numa, hca.mtu = "Ethernet", 100, 0, k // 2, 9000
        if k % 2:
            hca.logical, hca.physical, hca.rate_gbps = Logical.DOWN, Physical.DISABLED, 40
        hcas.append(hca)
    return hcas


def _hca(name: str, bdf: str, shape: Shape, node: int, port: int, netdev: str) -> Hca:
    guid = f"a088:c203:00{node >> 8:02x}:{(node & 0xFF) << 8 | port:04x}"
    return Hca(
        name=name,
        bdf=bdf,
        kind=shape.hca,
        rail=None,
        guid=guid,
        numa=0,
        netdev=netdev,
        optic=_optic(guid, shape.hca.rate_gbps),
        firmware=shape.hca.firmware,
        pcie_width=shape.hca.pcie_width,
        pcie_gts=shape.hca.pcie_gts,
        rate_gbps=shape.hca.rate_gbps,
        counters=dict.fromkeys(COUNTERS, 0),
        hw_counters=dict.fromkeys(HW_COUNTERS, 0) | {"lifespan": 12},
    )


def _optic(guid: str, rate_gbps: int) -> Optic:
    """A multimode module; those of one cluster differ a little."""
    rng = random.Random(guid)
    return Optic(
        vendor="NVIDIA",
        part=_MODULES.get(rate_gbps, "MMA1B00-E100"),
        serial=f"MT{rng.randrange(2320, 2452)}FT{rng.randrange(10_000, 99_999)}",
        temperature_c=round(rng.uniform(41, 55), 1),
        voltage_mv=round(rng.uniform(3250, 3320), 1),
        bias_ma=round(rng.uniform(7.8, 8.9), 3),
        tx_dbm=round(rng.uniform(1.0, 2.4), 3),
        rx_dbm=round(rng.uniform(0.4, 2.0), 3),
        raw_ber=rng.uniform(1, 9) * 1e-9,
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
