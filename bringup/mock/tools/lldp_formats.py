"""The formats in which lldpcli prints neighbours: plain, json, json0, keyvalue, xml."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_SYSTEM = "Cumulus Linux version 5.9.2 running on Mellanox Technologies Ltd. MSN5600"
_CAPABILITIES = (("Bridge", True), ("Router", True), ("Wlan", False), ("Station", False))
_TTL_S = 120
_RULE = "-" * 79 + "\n"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One switch port at the far end of an interface. `number` is that of the switch among those that are heard."""

    interface: str
    number: int
    age: str
    chassis: str
    system: str
    address: str
    port: str


Tree = Mapping[str, object]


def _indented(tree: Tree) -> str:
    """As the program indents it; what is empty has a line of its own."""
    text = json.dumps(tree, indent=2)
    return re.sub(r"^( *)(.*)\{\}", r"\1\2{\n\1  \n\1}", text, flags=re.MULTILINE) + "\n\n"


def _json(found: Sequence[Neighbour]) -> str:
    """One neighbour is an object, several are a list; the name of the system is a key."""
    rows: list[Tree] = [
        {
            n.interface: {
                "via": "LLDP",
                "rid": str(n.number),
                "age": n.age,
                "chassis": {
                    n.system: {
                        "id": {"type": "mac", "value": n.chassis},
                        "descr": _SYSTEM,
                        "mgmt-ip": n.address,
                        "mgmt-iface": "2",
                        "capability": _capabilities(),
                    }
                },
                "port": {"id": {"type": "ifname", "value": n.port}, "descr": n.port, "ttl": str(_TTL_S)},
            }
        }
        for n in found
    ]
    body: Tree = {"interface": rows[0] if len(rows) == 1 else rows} if rows else {}
    return _indented({"lldp": body})


def _json0(found: Sequence[Neighbour]) -> str:
    """The same shape however many there are."""
    rows = [
        {
            "name": n.interface,
            "via": "LLDP",
            "rid": str(n.number),
            "age": n.age,
            "chassis": [
                {
                    "id": [{"type": "mac", "value": n.chassis}],
                    "name": [{"value": n.system}],
                    "descr": [{"value": _SYSTEM}],
                    "mgmt-ip": [{"value": n.address}],
                    "mgmt-iface": [{"value": "2"}],
                    "capability": _capabilities(),
                }
            ],
            "port": [
                {
                    "id": [{"type": "ifname", "value": n.port}],
                    "descr": [{"value": n.port}],
                    "ttl": [{"value": str(_TTL_S)}],
                }
            ],
        }
        for n in found
    ]
    return _indented({"lldp": [{"interface": rows} if rows else {}]})


def _capabilities() -> list[Tree]:
    return [{"type": name, "enabled": on} for name, on in _CAPABILITIES]


def _keyvalue(found: Sequence[Neighbour]) -> str:
    rows: list[str] = []
    for n in found:
        chassis = {
            "mac": n.chassis,
            "name": n.system,
            "descr": _SYSTEM,
            "mgmt-ip": n.address,
            "mgmt-iface": "2",
        }
        pairs = {"via": "LLDP", "rid": str(n.number), "age": n.age}
        pairs |= {f"chassis.{key}": value for key, value in chassis.items()}
        pairs |= {f"chassis.{name}.enabled": "on" if on else "off" for name, on in _CAPABILITIES}
        pairs |= {"port.ifname": n.port, "port.descr": n.port, "port.ttl": str(_TTL_S)}
        rows += [f"lldp.{n.interface}.{key}={value}\n" for key, value in pairs.items()]
    return "".join(rows)


def _plain(found: Sequence[Neighbour]) -> str:
    parts = [f"{_RULE}LLDP neighbors:\n{_RULE}"]
    for n in found:
        chassis = (
            ("ChassisID", f"mac {n.chassis}"),
            ("SysName", n.system),
            ("SysDescr", _SYSTEM),
            ("MgmtIP", n.address),
            ("MgmtIface", "2"),
            *(("Capability", f"{name}, {'on' if on else 'off'}") for name, on in _CAPABILITIES),
        )
        port = (("PortID", f"ifname {n.port}"), ("PortDescr", n.port), ("TTL", str(_TTL_S)))
        parts.append(f"Interface:    {n.interface}, via: LLDP, RID: {n.number}, Time: {n.age}\n")
        for title, fields in (("Chassis:", chassis), ("Port:", port)):
            parts.append(f"  {title:<13}\n")
            parts += [f"    {key + ':':<14}{value}\n" for key, value in fields]
        parts.append(_RULE)
    return "".join(parts)


def _xml(found: Sequence[Neighbour]) -> str:
    rows = "".join(line for n in found for line in _element(n))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<lldp label="LLDP neighbors"'
    return f"{head}>\n{rows}</lldp>\n" if rows else f"{head}/>\n"


def _element(n: Neighbour) -> Iterator[str]:
    where = f'name={quoteattr(n.interface)} via="LLDP" rid="{n.number}" age="{n.age}"'
    yield f' <interface label="Interface" {where}>\n  <chassis label="Chassis">\n'
    yield f'   <id label="ChassisID" type="mac">{n.chassis}</id>\n'
    yield f'   <name label="SysName">{escape(n.system)}</name>\n'
    yield f'   <descr label="SysDescr">{_SYSTEM}</descr>\n'
    yield f'   <mgmt-ip label="MgmtIP">{n.address}</mgmt-ip>\n   <mgmt-iface label="MgmtIface">2</mgmt-iface>\n'
    for name, on in _CAPABILITIES:
        yield f'   <capability label="Capability" type="{name}" enabled="{"on" if on else "off"}"/>\n'
    port = escape(n.port)
    yield f'  </chassis>\n  <port label="Port">\n   <id label="PortID" type="ifname">{port}</id>\n'
    yield f'   <descr label="PortDescr">{port}</descr>\n   <ttl label="TTL">{_TTL_S}</ttl>\n'
    yield "  </port>\n </interface>\n"


FORMATS: dict[str, Callable[[Sequence[Neighbour]], str]] = {
    "plain": _plain,
    "json": _json,
    "json0": _json0,
    "keyvalue": _keyvalue,
    "xml": _xml,
}
"""By the name that -f takes."""
