"""The neighbours that `lldpcli` knows, from its three other formats: plain text, keyvalue and XML.

Only for output that somebody else took: `lldp.NEIGHBOURS` asks for JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from bringup.errors import ParseError
from bringup.parsers import xml_document
from bringup.parsers.lldp import Neighbour
from bringup.parsers.reading import quoted, whole

_RULE = re.compile(r"-{20,}")
_HEAD = re.compile(r"LLDP neighbors(?: \(.{1,80}\))?:?")
_INTERFACE = re.compile(r"Interface:\s+(?P<name>\S{1,64}), via: .*")
_SECTION = re.compile(r"(?P<name>\w[\w ./-]{0,40}):\s*", re.ASCII)
_PAIR = re.compile(r"(?P<key>\w[\w ./-]{0,40}):(?P<value>.*)", re.ASCII)
_KEYVALUE = re.compile(
    r"lldp\.(?P<name>\S{1,64}?)\.(?P<key>(?:via|rid|age|chassis|port|vlan|[a-z-]+)(?:\.[^=]{1,80})?)=(?P<value>.*)"
)
_ID_TYPES = ("ifname", "mac", "local", "ip", "ifalias", "port", "unhandled")


def parse(text: str) -> tuple[Neighbour, ...]:
    """The neighbours, whichever of the three formats it is."""
    begin = text.lstrip()
    if begin.startswith("<"):
        return _from_xml(begin)
    if begin.startswith("lldp."):
        return tuple(_from_pairs(name, pairs) for name, pairs in _keyvalue_blocks(begin))
    return tuple(_from_pairs(name, pairs) for name, pairs in _text_blocks(text))


Pairs = Sequence[tuple[str, str]]


def _from_pairs(name: str, pairs: Pairs) -> Neighbour:
    """A neighbour from `section.key` pairs; the id has its type as its key."""
    where = f"lldpcli {name}"
    own = dict(reversed(pairs))
    chassis, port = _identity(pairs, "chassis", where), _identity(pairs, "port", where)
    ttl = own.get("port.ttl")
    return Neighbour(
        interface=name,
        chassis_id=chassis[1],
        port_id=port[1],
        port_id_type=port[0],
        system=own.get("chassis.name") or None,
        description=own.get("chassis.descr") or None,
        port_description=own.get("port.descr") or None,
        management=tuple(value for key, value in pairs if key == "chassis.mgmt-ip"),
        ttl_s=whole(ttl, f"{where} ttl") if ttl else None,
    )


def _identity(pairs: Pairs, section: str, where: str) -> tuple[str, str]:
    for key, value in pairs:
        kind = key.removeprefix(f"{section}.")
        if key != kind and kind in _ID_TYPES and value:
            return kind, value
    raise ParseError(f"{where}: the {section} has no id; the output is cut off")


# ------------------------------------------------------------------------------------------------ plain text

_KEYS = {
    "SysName": "name",
    "SysDescr": "descr",
    "PortDescr": "descr",
    "MgmtIP": "mgmt-ip",
    "TTL": "ttl",
}


def _text_blocks(text: str) -> Iterator[tuple[str, Pairs]]:
    lines = [line for line in text.splitlines() if line.strip()]
    whole_table = len(lines) >= 3 and _RULE.fullmatch(lines[0]) and lines[-1] == lines[0]
    if not whole_table or not _HEAD.fullmatch(lines[1].strip()):
        raise ParseError(f"lldpcli: {quoted(text)} is no list of neighbours, or it is cut off")
    name, section = "", ""
    pairs: list[tuple[str, str]] = []
    for line in lines[2:]:
        words = line.strip()
        if _RULE.fullmatch(words):
            if name:
                yield name, pairs
            name, section, pairs = "", "", []
        elif (head := _INTERFACE.fullmatch(words)) and not name:
            name = head["name"]
        elif not name or not line.startswith(" "):
            raise ParseError(f"lldpcli: {quoted(line)} is not known")
        elif (part := _SECTION.fullmatch(words)) and not line.startswith("   "):
            section = part["name"].lower()
        elif pair := _PAIR.fullmatch(words):
            pairs += _named(section, pair["key"], pair["value"].strip())


def _named(section: str, key: str, value: str) -> Pairs:
    if key in ("ChassisID", "PortID"):
        kind, _, own = value.partition(" ")
        return [(f"{section}.{kind}", own.strip())]
    return [(f"{section}.{_KEYS[key]}", value)] if key in _KEYS else []


# ------------------------------------------------------------------------------------------------ keyvalue


def _keyvalue_blocks(text: str) -> Iterator[tuple[str, Pairs]]:
    """Each neighbour begins with its `via`; a line without a key goes on with a description of several lines."""
    name = ""
    pairs: list[tuple[str, str]] = []
    for line in text.splitlines():
        match = _KEYVALUE.fullmatch(line)
        if match is None:
            if not line.strip() or (
                pairs and not line.startswith("lldp.") and pairs[-1][0].endswith("descr")
            ):
                continue
            raise ParseError(f"lldpcli: {quoted(line)} is not known")
        if match["key"] == "via":
            if name:
                yield name, pairs
            name, pairs = match["name"], []
        elif match["name"] != name:
            raise ParseError(f"lldpcli: {quoted(line)} stands before its interface")
        pairs.append((match["key"], match["value"].strip()))
    if name:
        yield name, pairs


# ------------------------------------------------------------------------------------------------ XML


def _from_xml(text: str) -> tuple[Neighbour, ...]:
    root = xml_document.root(text, "lldpcli", "lldp")
    return tuple(_from_element(element) for element in root.findall("interface"))


def _from_element(element: Element) -> Neighbour:
    name = element.get("name")
    if not name:
        raise ParseError("lldpcli: an interface has no name")
    pairs: list[tuple[str, str]] = []
    for section in ("chassis", "port"):
        for child in element.findall(f"{section}/*"):
            key = child.get("type", "") if child.tag == "id" else child.tag
            pairs.append((f"{section}.{key}", (child.text or "").strip()))
    return _from_pairs(name, pairs)
