"""The network interfaces of a simulated node, whatever kind of adapter is behind them."""

from __future__ import annotations

from dataclasses import dataclass

from bringup.mock import roce
from bringup.mock.hardware import Hca, Logical, Optic, Physical, SimNode


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface, whatever is behind it."""

    index: int
    name: str
    driver: str
    firmware: str
    bdf: str
    mac: str
    mtu: int
    switched_on: bool
    link: bool
    speed_mbps: int
    lanes: int = 0
    infiniband: bool = False
    ipv4: str = ""
    optic: Optic | None = None
    hca: Hca | None = None
    drops: int = 0


def interfaces(node: SimNode) -> list[Interface]:
    """All interfaces but the loopback, in the order of their index."""
    found = [
        Interface(
            index=2 + k,
            name=nic.kind.name,
            driver=nic.kind.driver,
            firmware="1.3429.0" if nic.kind.driver == "ice" else "5719-v1.46",
            bdf=nic.kind.bdf,
            mac=nic.mac,
            mtu=nic.mtu,
            switched_on=True,
            link=nic.link,
            speed_mbps=nic.speed_mbps,
            ipv4=nic.ipv4,
            drops=nic.drops,
        )
        for k, nic in enumerate(node.nics)
    ]
    for hca in (h for h in node.hcas if h.present):
        found.append(_of_hca(hca, 2 + len(found)))
    return found


def _of_hca(hca: Hca, index: int) -> Interface:
    return Interface(
        index=index,
        name=hca.netdev,
        driver="mlx5_core[ib_ipoib]" if hca.layer == "InfiniBand" else "mlx5_core",
        firmware=f"{hca.firmware} ({hca.kind.board_id})",
        bdf=hca.bdf,
        mac=roce.hardware_address(hca),
        mtu=hca.mtu,
        switched_on=(hca.physical is not Physical.DISABLED and hca.logical is not Logical.DOWN)
        or hca.physical is Physical.POLLING,
        link=hca.active,
        speed_mbps=hca.rate_gbps * 1000,
        lanes=hca.lanes,
        infiniband=hca.layer == "InfiniBand",
        ipv4=hca.ipv4,
        optic=hca.optic,
        hca=hca,
    )
