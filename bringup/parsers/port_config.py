"""How the ports of RDMA devices are set up: partition keys, addresses (GIDs), and their network interfaces.

One reading of /sys/class/infiniband. A port has up to 256 places for GIDs and 128 for partition keys, nearly all
zero; the zero ones are not printed, except the first key, so that "none" and "cannot be read" stay apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.rdma_sysfs import NO_DEVICES, cut
from bringup.parsers.reading import quoted, whole, whole_or_hex
from bringup.parsers.remembered import remembered

_ZERO_GID = ":".join(["0000"] * 8)
_LINK_LOCAL = "fe80:0000:0000:0000:"
ROCE_V2 = "RoCE v2"

CONFIG = Command(
    f"""base="$ROOT"/sys/class/infiniband
found=
for dev in "$base"/*; do
  [ -e "$dev" ] && found=yes && break
done
if [ -z "$found" ]; then
  echo "{NO_DEVICES}: /sys/class/infiniband is empty or absent"
  exit 0
fi
grep -s . /dev/null "$base"/*/node_guid "$base"/*/ports/*/link_layer "$base"/*/ports/*/pkeys/0 \\
  "$base"/*/device/net/*/mtu "$base"/*/device/net/*/carrier_changes "$base"/*/device/net/*/address
grep -sv '^0x0000$' /dev/null "$base"/*/ports/*/pkeys/*
grep -sv '^{_ZERO_GID}$' /dev/null "$base"/*/ports/*/gids/*
grep -s . /dev/null "$base"/*/ports/*/gid_attrs/types/*
grep -s . /dev/null "$base"/*/ports/*/gid_attrs/ndevs/*
exit 0
""",
    timeout_s=30.0,
)

_MOST_PATH = 300
_PATH = re.compile(
    r"/infiniband/(?P<dev>[\w.-]{1,64})(?:/device/net/(?P<net>[\w.@-]{1,64})|/ports/(?P<port>[0-9]{1,3}))?"
    r"/(?P<attr>[\w/]{1,64})$",
    re.ASCII,
)
_GID = re.compile(r"(?:[0-9a-f]{4}:){7}[0-9a-f]{4}")
_INDEXED = re.compile(r"(?P<what>pkeys|gids|gid_attrs/types|gid_attrs/ndevs)/(?P<index>[0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Gid:
    """One address of a port. `type` is `RoCE v2` or `IB/RoCE v1`; None: not told. `ipv4` where it holds one."""

    index: int
    gid: str
    type: str | None
    netdev: str | None

    @property
    def ipv4(self) -> str | None:
        """The IPv4 address inside, if it is one."""
        if not self.gid.startswith("0000:0000:0000:0000:0000:ffff:"):
            return None
        digits = self.gid[-9:].replace(":", "")
        return ".".join(str(int(digits[i : i + 2], 16)) for i in range(0, 8, 2))

    @property
    def routable(self) -> bool:
        """Whether it is more than an address of its own wire."""
        return not self.gid.startswith(_LINK_LOCAL)


@dataclass(frozen=True, slots=True)
class Netdev:
    """One network interface of a device. None: not told."""

    name: str
    mtu: int | None
    carrier_changes: int | None
    address: str | None


@dataclass(frozen=True, slots=True)
class PortConfig:
    """One device with its first port. `pkeys` and `gids` are those that are not zero."""

    device: str
    guid: str | None
    link_layer: str | None
    pkeys: Mapping[int, int] = field(default_factory=dict)
    gids: tuple[Gid, ...] = ()
    netdevs: tuple[Netdev, ...] = ()


@remembered
def parse(text: str) -> tuple[PortConfig, ...]:
    """The devices in the order of their appearance, each with its port 1; none only where the text says so."""
    devices: dict[str, dict[str, str]] = {}
    nets: dict[str, dict[str, dict[str, str]]] = {}
    for line in text.splitlines():
        if line.startswith(NO_DEVICES):
            return ()
        if not line.strip() or line.startswith("grep: "):
            continue
        path, value = cut(line, _MOST_PATH)
        place = _place(path)
        if place is None:
            raise ParseError(f"RDMA ports: {quoted(line)} is not a path of an RDMA device")
        device, net, port, attr = place
        own = devices.setdefault(device, {})
        if net:
            nets.setdefault(device, {}).setdefault(net, {})[attr] = value
        elif port in ("", "1"):
            own[attr] = value
    if not devices:
        raise ParseError(f"RDMA ports: no device in {quoted(text)}")
    return tuple(_device(name, own, nets.get(name, {})) for name, own in devices.items())


@lru_cache(maxsize=4096)
def _place(path: str) -> tuple[str, str, str, str] | None:
    """The device, network interface, port and attribute that a path names. All nodes have the same paths."""
    match = _PATH.search(path)
    if match is None:
        return None
    return match["dev"], match["net"] or "", match["port"] or "", match["attr"]


def find(devices: Iterable[PortConfig], hca: str) -> PortConfig | None:
    """The device of this name; None where the node has none."""
    return next((device for device in devices if device.device == hca), None)


def _device(name: str, own: Mapping[str, str], nets: Mapping[str, Mapping[str, str]]) -> PortConfig:
    indexed: dict[str, dict[int, str]] = {}
    for attr, value in own.items():
        if match := _INDEXED.fullmatch(attr):
            indexed.setdefault(match["what"], {})[int(match["index"])] = value
    types, ndevs = indexed.get("gid_attrs/types", {}), indexed.get("gid_attrs/ndevs", {})
    gids = {index: gid.lower() for index, gid in sorted(indexed.get("gids", {}).items())}
    if any(not _GID.fullmatch(gid) for gid in gids.values()):
        raise ParseError(f"{name}: {quoted(', '.join(gids.values()))} is no GID")
    keys = {i: whole_or_hex(key, f"{name} partition key {i}") for i, key in indexed.get("pkeys", {}).items()}
    return PortConfig(
        device=name,
        guid=own.get("node_guid") or None,
        link_layer=own.get("link_layer") or None,
        pkeys={i: key for i, key in sorted(keys.items()) if key or i == 0},
        gids=tuple(
            Gid(i, gid, types.get(i) or None, ndevs.get(i) or None)
            for i, gid in gids.items()
            if gid != _ZERO_GID
        ),
        netdevs=tuple(
            Netdev(
                net,
                _count(values.get("mtu")),
                _count(values.get("carrier_changes")),
                values.get("address") or None,
            )
            for net, values in nets.items()
        ),
    )


def _count(text: str | None) -> int | None:
    return whole(text, "RDMA ports: a number of an interface") if text else None
