"""Everything that must exist once in a cluster: host name, serial number, adapter GUIDs, MAC and IP addresses.

Only addresses of real hardware are told: bridges and tunnels of containers carry the same address on every node by
design, and so do network adapters that a BMC offers over USB. Therefore an interface counts if it is a PCI device or
a bond, and an IP address if the route to its own subnet goes through such an interface.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

IDENTITIES = Command(
    """cd "$ROOT"/sys/class/net 2>/dev/null && for net in *; do
  if [ -d "$net"/bonding ]; then echo "bond $net"; continue; fi
  [ -e "$net"/device/vendor ] && [ -e "$net"/device/class ] || continue
  [ -d "$net"/device/infiniband ] && echo "rdma $net $(ls "$net"/device/infiniband)"
  read -r mac < "$net"/address && echo "mac $net $mac"
done
cd "$ROOT"/sys/class/infiniband 2>/dev/null && for hca in *; do
  [ -r "$hca"/node_guid ] && read -r guid < "$hca"/node_guid && echo "guid $hca $guid"
done
awk 'NR > 1 && $8 != "00000000" { print "route " $1 " " $2 " " $8 }' "$ROOT"/proc/net/route 2>/dev/null
awk '/\\|--/ { at = $2 } /\\/32 host LOCAL/ && !seen[at]++ { print "ip " at }' "$ROOT"/proc/net/fib_trie 2>/dev/null
echo end
""",
    max_bytes=512 << 10,
)

_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_GUID = re.compile(r"[0-9a-f]{4}(?::[0-9a-f]{4}){3}")
_LOCALLY_ADMINISTERED = 0x02


@dataclass(frozen=True, slots=True)
class Identities:
    """What must be unique, as (device, value). `ips` names the interface by which an address is reached, `rdma` the
    RDMA device of an interface that has one.
    """

    guids: tuple[tuple[str, str], ...]
    macs: tuple[tuple[str, str], ...]
    ips: tuple[tuple[str, str], ...]
    rdma: Mapping[str, str]


def parse(text: str) -> Identities:
    """The identities in an answer of IDENTITIES. Raises ParseError if it is cut off or not understood."""
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"identities: the answer {quoted(text)} is cut off")
    guids: list[tuple[str, str]] = []
    macs: list[tuple[str, str]] = []
    own: list[str] = []
    rdma: dict[str, str] = {}
    routes: list[tuple[str, IPv4Network]] = []
    addresses: list[IPv4Address] = []
    for line in lines[:-1]:
        words = line.lower().split() if line.startswith(("mac ", "guid ")) else line.split()
        if words[:1] == ["bond"] and len(words) == 2:
            own.append(words[1])
        elif words[:1] == ["rdma"] and len(words) == 3:
            rdma[words[1]] = words[2]
        elif words[:1] == ["mac"] and len(words) == 3:
            own.append(line.split()[1])
            if (
                _MAC.fullmatch(words[2])
                and not int(words[2][:2], 16) & _LOCALLY_ADMINISTERED
                and _real(words[2])
            ):
                macs.append((line.split()[1], words[2]))
        elif words[:1] == ["guid"] and len(words) == 3 and _GUID.fullmatch(words[2]):
            if _real(words[2]):
                guids.append((line.split()[1], words[2]))
        elif words[:1] == ["route"] and len(words) == 4:
            routes.append((words[1], _network(words[2], words[3])))
        elif words[:1] == ["ip"] and len(words) == 2:
            addresses.append(_address(words[1]))
        else:
            raise ParseError(f"identities: {quoted(line)} is not known")
    ips = [(name, str(a)) for a in addresses if (name := _interface(a, routes)) in own]
    return Identities(tuple(guids), tuple(macs), tuple(ips), rdma)


def _real(value: str) -> bool:
    """Whether a MAC or GUID is more than zeros or ones, which stand for none."""
    return not set(value) <= {"0", ":"} and not set(value) <= {"f", ":"}


def _interface(address: IPv4Address, routes: list[tuple[str, IPv4Network]]) -> str | None:
    """The interface of the narrowest route that holds the address."""
    holding = [(net.prefixlen, name) for name, net in routes if address in net]
    return max(holding)[1] if holding else None


def _network(destination: str, mask: str) -> IPv4Network:
    """A row of /proc/net/route, whose numbers are hexadecimal with the last byte first."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}", destination) or not re.fullmatch(r"[0-9A-Fa-f]{8}", mask):
        raise ParseError(f"identities: {quoted(destination + ' ' + mask)} is no route")
    at, bits = (int.from_bytes(bytes.fromhex(text), "little") for text in (destination, mask))
    return IPv4Network((at & bits, bits.bit_count()))


def _address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise ParseError(f"identities: {quoted(text)} is no IP address") from None
