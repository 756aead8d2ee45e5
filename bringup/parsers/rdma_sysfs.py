"""RDMA devices and their ports as the kernel shows them: the steadiest source, readable without any tool.

`PORTS` prints `path:value` lines, the form in which `grep` shows a file tree; `parse` reads such lines from
/sys/class/infiniband as well as from below a PCI device. None always means that the kernel did not report it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, numbered_word, quoted, whole, whole_or_hex
from bringup.parsers.remembered import remembered

NO_DEVICES = "no RDMA devices"
_BEGINS = re.compile("/infiniband/|/net/")

COUNTERS: tuple[str, ...] = (
    "symbol_error",
    "link_error_recovery",
    "link_downed",
    "port_rcv_errors",
    "port_rcv_remote_physical_errors",
    "port_xmit_discards",
    "local_link_integrity_errors",
    "excessive_buffer_overrun_errors",
)
"""The error counters that are read. Each file is read once: some drivers log a complaint at every reading."""

FULL: Mapping[str, int] = {
    "symbol_error": 0xFFFF,
    "port_rcv_errors": 0xFFFF,
    "port_rcv_remote_physical_errors": 0xFFFF,
    "port_xmit_discards": 0xFFFF,
    "VL15_dropped": 0xFFFF,
    "link_error_recovery": 0xFF,
    "link_downed": 0xFF,
    "port_xmit_constraint_errors": 0xFF,
    "port_rcv_constraint_errors": 0xFF,
    "local_link_integrity_errors": 0xF,
    "excessive_buffer_overrun_errors": 0xF,
}
"""Where the classic counters stop counting: a value that stands exactly there means `at least`."""

PORTS = Command(
    f"""base="$ROOT"/sys/class/infiniband
found=
for dev in "$base"/*; do
  [ -e "$dev" ] || continue
  found=yes
  link=$(readlink "$dev/device" 2>/dev/null) && echo "$dev/device:${{link##*/}}"
done
if [ -z "$found" ]; then
  echo "{NO_DEVICES}: /sys/class/infiniband is empty or absent"
  exit 0
fi
grep -s . /dev/null "$base"/*/fw_ver "$base"/*/board_id "$base"/*/hca_type "$base"/*/node_guid \\
  "$base"/*/ports/*/state "$base"/*/ports/*/phys_state "$base"/*/ports/*/rate "$base"/*/ports/*/link_layer \\
  "$base"/*/ports/*/lid "$base"/*/ports/*/sm_lid \\
  "$base"/*/device/net/*/operstate "$base"/*/device/net/*/flags
for name in {" ".join(COUNTERS)}; do
  grep -s . /dev/null "$base"/*/ports/*/counters/"$name"
done
exit 0
""",
    timeout_s=30.0,
)
"""Identity, state and error counters of every RDMA port, in one reading."""

_PATH = re.compile(
    r"(?:/devices/(?P<bdf>[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]))?"
    r"(?:/infiniband/(?P<dev>[\w.-]{1,64})|/net/(?P<netdev>[\w.@-]{1,64}))"
    r"(?:/ports/(?P<port>\d{1,3}))?/(?P<attr>[\w./@-]{1,200})$",
    re.ASCII,
)
_MOST_PATH = 400
_RATE = re.compile(r"(?P<gbps>[\d.]{1,12}) Gb/sec \((?P<lanes>\d{1,2})X(?: (?P<gen>\w{1,16}))?\)", re.ASCII)
_IFF_UP = 1


def cut(line: str, most: int) -> tuple[str, str]:
    """A line `path:value`, the path from `/infiniband/` or `/net/` on, with a PCI address in front if there is one.

    Only that address holds colons. What is no path, or has more than `most` characters, gives two empty words.
    """
    begins = _BEGINS.search(line)
    at = line.find(":", begins.end(), most) if begins else -1
    if begins is None or at < 0 or line[0] != "/":
        return "", ""
    device = line.rfind("/devices/", 0, begins.start())
    return line[device if device >= 0 else begins.start() : at], line[at + 1 :].strip()


@dataclass(frozen=True, slots=True)
class Netdev:
    """A network interface of an RDMA device. `up` is whether it is switched on, whatever its cable says."""

    name: str
    operstate: str | None = None
    up: bool | None = None
    speed_mbps: int | None = None


@dataclass(frozen=True, slots=True)
class RdmaPort:
    """One port. `rate_gbps`, `lanes` and `generation` are only claims while the port is not ACTIVE."""

    device: str
    number: int
    state: str | None = None
    phys_state: str | None = None
    link_layer: str | None = None
    rate: str | None = None
    rate_gbps: float | None = None
    lanes: int | None = None
    generation: str | None = None
    lid: int | None = None
    sm_lid: int | None = None
    counters: Mapping[str, int] = field(default_factory=dict)

    def full(self, counter: str) -> bool:
        """Whether a counter stands at its end, so that its value means `at least`."""
        return self.counters.get(counter) == FULL.get(counter, -1)


@dataclass(frozen=True, slots=True)
class RdmaDevice:
    """One RDMA device with its ports and network interfaces. `bdf` is its PCI address in lower case."""

    name: str
    bdf: str | None = None
    fw_ver: str | None = None
    board_id: str | None = None
    hca_type: str | None = None
    node_guid: str | None = None
    node_desc: str | None = None
    netdevs: tuple[Netdev, ...] = ()
    ports: tuple[RdmaPort, ...] = ()

    def port(self, number: int = 1) -> RdmaPort | None:
        """The port of this number, if the device has it."""
        return next((p for p in self.ports if p.number == number), None)


@lru_cache(maxsize=4096)
def _place(path: str) -> tuple[str, str, str, int | None, str] | None:
    """The PCI address, network interface, device, port and attribute that a path names. All nodes have the same paths."""
    match = _PATH.search(path)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    return (match["bdf"] or "").lower(), match["netdev"] or "", match["dev"] or "", port, match["attr"]


class _Tree:
    """The values by device, port and interface, collected line by line."""

    def __init__(self) -> None:
        self.devices: dict[str, dict[str, str]] = {}
        self.ports: dict[str, dict[int, dict[str, str]]] = {}
        self.netdevs: dict[str, dict[str, dict[str, str]]] = {}
        self.netdevs_by_bdf: dict[str, dict[str, dict[str, str]]] = {}

    def take(self, line: str) -> None:
        path, value = cut(line, _MOST_PATH)
        place = _place(path)
        if place is None:
            raise ParseError(f"RDMA sysfs: {quoted(line)} is not a path of an RDMA device")
        bdf, netdev, device, port, attr = place
        if netdev:
            self.netdevs_by_bdf.setdefault(bdf, {}).setdefault(netdev, {})[attr] = value
            return
        own = self.devices.setdefault(device, {})
        if bdf:
            own["device"] = bdf
        if port is not None:
            self.ports.setdefault(device, {}).setdefault(port, {})[attr] = value
        elif attr.startswith("device/net/") and attr.count("/") == 3:
            _, _, name, what = attr.split("/")
            self.netdevs.setdefault(device, {}).setdefault(name, {})[what] = value
        else:
            own[attr] = value


@remembered
def parse(text: str) -> tuple[RdmaDevice, ...]:
    """The RDMA devices in the order of their appearance; none only where the text says so.

    Eight checks of a node read the same answer, so the last ones are remembered.
    """
    tree = _Tree()
    for line in text.splitlines():
        if line.startswith(NO_DEVICES):
            return ()
        if line.strip() and not line.startswith("grep: "):
            tree.take(line)
    if not tree.devices:
        raise ParseError(f"RDMA sysfs: no device in {quoted(text)}")
    return tuple(_device(name, tree) for name in tree.devices)


def find_port(devices: Iterable[RdmaDevice], hca: str, number: int = 1) -> RdmaPort | None:
    """The port of a device by its name; None where the node has no such device or port."""
    return next((device.port(number) for device in devices if device.name == hca), None)


def _device(name: str, tree: _Tree) -> RdmaDevice:
    own = tree.devices[name]
    bdf = own.get("device", "").lower() or None
    netdevs = {**(tree.netdevs_by_bdf.get(bdf, {}) if bdf else {}), **tree.netdevs.get(name, {})}
    return RdmaDevice(
        name=name,
        bdf=bdf,
        fw_ver=own.get("fw_ver") or None,
        board_id=own.get("board_id") or None,
        hca_type=own.get("hca_type") or None,
        node_guid=own.get("node_guid") or None,
        node_desc=own.get("node_desc") or None,
        netdevs=tuple(_netdev(net, values) for net, values in netdevs.items()),
        ports=tuple(_port(name, n, values) for n, values in sorted(tree.ports.get(name, {}).items())),
    )


def _netdev(name: str, values: Mapping[str, str]) -> Netdev:
    flags, speed = values.get("flags", ""), values.get("speed", "")
    return Netdev(
        name=name,
        operstate=values.get("operstate") or None,
        up=bool(whole_or_hex(flags, f"{name} flags") & _IFF_UP) if flags else None,
        speed_mbps=None if speed in ("", "-1") else whole(speed, f"{name} speed"),
    )


def _port(device: str, port: int, values: Mapping[str, str]) -> RdmaPort:
    where = f"{device} port {port}"
    rate = values.get("rate", "")
    speed = _RATE.fullmatch(rate)
    if rate and speed is None:
        raise ParseError(f"{where}: rate {quoted(rate)} is not known")
    return RdmaPort(
        device=device,
        number=port,
        state=numbered_word(values.get("state", "")) or None,
        phys_state=numbered_word(values.get("phys_state", "")) or None,
        link_layer=values.get("link_layer") or None,
        rate=rate or None,
        rate_gbps=number(speed["gbps"], f"{where} rate") if speed else None,
        lanes=int(speed["lanes"]) if speed else None,
        generation=speed["gen"] if speed else None,
        lid=_lid(values.get("lid", ""), where),
        sm_lid=_lid(values.get("sm_lid", ""), where),
        counters=_counters(values, where),
    )


def _lid(text: str, where: str) -> int | None:
    return whole_or_hex(text, f"{where} LID") if text else None


def _counters(values: Mapping[str, str], where: str) -> dict[str, int]:
    """The counters that hold a number; a driver without them says `N/A (no PMA)` or has no file."""
    return {
        attr.removeprefix("counters/"): whole(value, f"{where} {attr}")
        for attr, value in values.items()
        if attr.startswith("counters/") and value and not value.startswith("N/A")
    }
