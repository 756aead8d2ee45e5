"""`ibnetdiscover`: the fabric in its classic format, one block for each switch and adapter.

The format has no end mark, but a whole answer describes both ends of every link, so `Fabric.undescribed` names what
is missing after a cut or when a node did not answer. A fabric without any link is no answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.ib_diags import is_warning
from bringup.parsers.reading import quoted

FABRIC = Command("ibnetdiscover", needs=("ibnetdiscover",), root=True, timeout_s=120.0, max_bytes=32 << 20)

_INITIATOR = re.compile(r"# Initiated from node (?P<guid>[0-9a-fA-F]{1,16})\b.*")
_ATTRIBUTE = re.compile(r"(?P<key>[a-z]{2,20})=(?P<value>0x[0-9a-fA-F]{1,16})(?:\(.{1,40}\))?")
_NODE = re.compile(
    r"(?P<kind>Switch|Ca|Rt|Router)\s+(?P<ports>[0-9]{1,4})\s+\"(?P<guid>[SHR]-[0-9a-fA-F]{16})\"\s+#\s+"
    r"\"(?P<name>.{0,120})\"(?P<rest>.{0,80})"
)
_LINK = re.compile(
    r"\[(?P<port>[0-9]{1,3})\](?:\[ext [0-9]{1,3}\])?(?:\((?P<own>[0-9a-fA-F]{1,16})\))?\s+"
    r"\"(?P<peer>[SHR]-[0-9a-fA-F]{16})\"\[(?P<peer_port>[0-9]{1,3})\](?:\[ext [0-9]{1,3}\])?"
    r"(?:\((?P<peer_own>[0-9a-fA-F]{1,16})\))?\s+#\s+(?:lid (?P<lid>[0-9]{1,6}) lmc [0-9] )?\"(?P<name>.{0,120})\""
    r" lid (?P<peer_lid>[0-9]{1,6}) (?P<width>[0-9?]{1,3})x"
    r"(?P<speed>SDR|DDR|QDR|FDR10|FDR|EDR|HDR|NDR|XDR|GDR|\?\?\?)(?: .{0,60})?"
)
_LID = re.compile(r"port 0 lid ([0-9]{1,6})\b")


@dataclass(frozen=True, slots=True)
class Link:
    """One link as one of its nodes sees it. GUIDs are node GUIDs, 16 digits. `lid` is the own one of a CA's port."""

    port: int
    peer: str
    peer_port: int
    peer_name: str
    peer_lid: int
    width: int | None
    speed: str
    lid: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One switch, adapter or router. `lid` is a switch's own; an adapter's stand with its links."""

    kind: str
    guid: str
    name: str
    ports: int
    lid: int | None
    device_id: str | None
    system_guid: str | None
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Fabric:
    """All nodes that answered. `initiator` is the GUID of the node where the tool ran, if it says so."""

    initiator: str | None
    nodes: tuple[Node, ...]

    @property
    def undescribed(self) -> tuple[str, ...]:
        """GUIDs that links lead to, or from which the tool started, but that have no block of their own."""
        known = {node.guid for node in self.nodes}
        named = [link.peer for node in self.nodes for link in node.links]
        return tuple(dict.fromkeys(g for g in [*named, self.initiator or ""] if g and g not in known))


@dataclass(slots=True)
class _Open:
    """The block that is being read: attributes stand before the node's own line, links after it."""

    attributes: dict[str, str] = field(default_factory=dict)
    head: re.Match[str] | None = None
    links: list[Link] = field(default_factory=list)


def parse(text: str) -> Fabric:
    """The fabric. Raises ParseError for anything unknown, and where no node has a link."""
    initiator: str | None = None
    nodes: list[Node] = []
    block = _Open()
    for raw in text.splitlines():
        line = raw.strip()
        if match := _INITIATOR.fullmatch(line):
            initiator = match["guid"].lower().zfill(16)
        elif not line or line.startswith("#") or is_warning(line):
            continue
        elif match := _ATTRIBUTE.fullmatch(line):
            if block.head is not None:
                nodes.append(_node(block, block.head))
                block = _Open()
            block.attributes[match["key"]] = match["value"]
        elif (match := _NODE.fullmatch(line)) and block.head is None:
            block.head = match
        elif (match := _LINK.fullmatch(line)) and block.head is not None:
            block.links.append(_link(match))
        else:
            raise ParseError(f"ibnetdiscover: {quoted(line)} is not known")
    if block.head is not None:
        nodes.append(_node(block, block.head))
    elif block.attributes:
        raise ParseError("ibnetdiscover ends in the middle of a node; the output is cut off")
    if not any(node.links for node in nodes):
        raise ParseError(f"ibnetdiscover found no link: {quoted(text)}")
    return Fabric(initiator, tuple(nodes))


def _node(block: _Open, head: re.Match[str]) -> Node:
    lid = _LID.search(head["rest"])
    return Node(
        kind={"Switch": "SW", "Ca": "CA"}.get(head["kind"], "RT"),
        guid=head["guid"][2:].lower(),
        name=head["name"].strip(),
        ports=int(head["ports"]),
        lid=int(lid[1]) if lid else None,
        device_id=block.attributes.get("devid"),
        system_guid=block.attributes.get("sysimgguid"),
        links=tuple(block.links),
    )


def _link(match: re.Match[str]) -> Link:
    return Link(
        port=int(match["port"]),
        peer=match["peer"][2:].lower(),
        peer_port=int(match["peer_port"]),
        peer_name=match["name"].strip(),
        peer_lid=int(match["peer_lid"]),
        width=int(match["width"]) if match["width"].isdigit() else None,
        speed=match["speed"],
        lid=int(match["lid"]) if match["lid"] else None,
    )
