"""Addresses of RDMA ports: GIDs with their types and interfaces, as the kernel shows them below ports/1."""

from __future__ import annotations

from typing import NamedTuple

from bringup.mock.hardware import Hca


class Gid(NamedTuple):
    """One address of a port. `kind` is the kernel's word for its type."""

    number: int
    gid: str
    kind: str
    ipv4: str = ""


def gids(hca: Hca) -> list[Gid]:
    """The addresses of a port. On Ethernet each stands twice: for frames (v1) and, where it is on, for UDP (v2)."""
    local = f"fe80:0000:0000:0000:{hca.guid}"
    if hca.layer == "InfiniBand":
        return [Gid(0, local, "IB/RoCE v1")]
    addresses = [(local, "")]
    if hca.ipv4:
        parts = [int(part) for part in hca.ipv4.split(".")]
        mapped = f"0000:0000:0000:0000:0000:ffff:{parts[0]:02x}{parts[1]:02x}:{parts[2]:02x}{parts[3]:02x}"
        addresses.append((mapped, hca.ipv4))
    kinds = tuple(dict.fromkeys(("IB/RoCE v1", hca.rdma_type)))
    pairs = [(gid, kind, ip) for gid, ip in addresses for kind in kinds]
    return [Gid(i, gid, kind, ip) for i, (gid, kind, ip) in enumerate(pairs)]


def files(hca: Hca) -> dict[str, str]:
    """The files below ports/1 that tell the addresses."""
    found: dict[str, str] = {}
    for own in gids(hca):
        found[f"gids/{own.number}"] = f"{own.gid}\n"
        found[f"gid_attrs/types/{own.number}"] = f"{own.kind}\n"
        if hca.layer == "Ethernet":
            found[f"gid_attrs/ndevs/{own.number}"] = f"{hca.netdev}\n"
    return found


def hardware_address(hca: Hca) -> str:
    """The address of the network interface: 20 bytes on InfiniBand, 6 on Ethernet."""
    if hca.layer == "Ethernet":
        return hca.mac
    digits = "00001025" + "fe80000000000000" + hca.guid.replace(":", "")
    return ":".join(digits[i : i + 2] for i in range(0, 40, 2))
