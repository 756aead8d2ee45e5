"""`iblinkinfo`: every port of an InfiniBand fabric as the subnet's management packets show it.

Every link stands there once from each end. The speed is that of one lane. "Could be" is what both ends claim to be
able to do, and comes on healthy links too where the tool's idea of a port is newer than the port. Without rights to
/dev/infiniband/umad* it prints no row: that is no answer, not a fabric without links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.ib_diags import is_warning
from bringup.parsers.reading import number, quoted

LINKS = Command("iblinkinfo -l", needs=("iblinkinfo",), root=True, timeout_s=120.0, max_bytes=32 << 20)
"""One line for each port, with the GUIDs of both ends."""

_GUID = r"0x[0-9a-fA-F]{1,16}"
_BLOCK = re.compile(rf"(?P<kind>CA|Switch|Router):?\s+(?:(?P<guid>{_GUID})\s)?\s*(?P<name>.{{0,120}}?)\s*:")
_LINE = re.compile(
    rf"\s*(?:(?P<guid>{_GUID})\s+)?(?:\"(?P<name>[^\"]{{0,120}})\"\s+)?(?P<lid>[0-9]{{1,6}})\s+(?P<port>[0-9]{{1,3}})"
    r"\[[ 0-9]{0,4}\]\s+==\((?P<link>.{1,120}?)\)\s*==>(?P<peer>.*)"
)
_LINK = re.compile(
    r"\s*(?:(?P<width>[0-9]{1,2}X|undefined \([0-9]{1,3}\))\s+(?P<speed>\S.{0,40}?)\s+)?"
    r"(?P<state>[A-Za-z]{2,16})\s*/\s*(?P<phys>[A-Za-z]{2,40})(?:\).*)?"
)
_PEER = re.compile(
    rf"\s*(?:(?P<guid>{_GUID})\s+)?(?P<lid>[0-9]{{1,6}})\s+(?P<port>[0-9]{{1,3}})\[[ 0-9]{{0,4}}\]\s+"
    r"\"(?P<name>[^\"]{0,120})\"\s*\((?P<could>.{0,120})\)\s*"
)
_NO_PEER = re.compile(r"\s*(?:\[[ 0-9]{0,4}\]\s+\"\"\s*\(\s*\)|\"Port not available\")?\s*")
_LANE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,6})?) Gbps(?: \(.{1,12}\))?")


@dataclass(frozen=True, slots=True)
class Peer:
    """The far end of a link. `guid` is its node's, None where the tool was not asked for lines (`-l`)."""

    name: str
    lid: int
    port: int
    guid: str | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """One port of the fabric. None: not printed.

    `guid` is the node's of a switch and the port's own of a CA, in lines and in blocks. `kind` is CA, Switch or
    Router where the tool prints blocks. `lane_gbps` is None for a port that is down or whose speed the tool cannot
    name (`speed` holds its words). A port that is up without `peer` has a neighbour that did not answer. `could_be`
    are widths and speeds that both ends claim to support.
    """

    kind: str | None
    name: str
    guid: str | None
    lid: int
    port: int
    state: str
    phys_state: str
    width: str | None = None
    speed: str | None = None
    lane_gbps: float | None = None
    peer: Peer | None = None
    could_be: tuple[str, ...] = ()


def parse(text: str) -> tuple[Port, ...]:
    """The ports in their order. Raises ParseError where there is no port at all."""
    found: list[Port] = []
    kind: str | None = None
    name, guid = "", None
    for line in text.splitlines():
        if not line.strip() or is_warning(line):
            continue
        if match := _LINE.fullmatch(line):
            in_line = match["name"] is not None
            found.append(
                _port(
                    match,
                    None if in_line else kind,
                    match["name"].strip() if in_line else name,
                    match["guid"] or guid,
                )
            )
        elif head := _BLOCK.fullmatch(line.strip()):
            kind, name, guid = head["kind"], head["name"], head["guid"]
        else:
            raise ParseError(f"iblinkinfo: {quoted(line)} is not known")
    if not found:
        raise ParseError(f"iblinkinfo found no port: {quoted(text)}")
    return tuple(found)


def _port(match: re.Match[str], kind: str | None, name: str, guid: str | None) -> Port:
    where = f"iblinkinfo: {name or guid} port {match['port']}"
    link = _LINK.fullmatch(match["link"])
    if link is None:
        raise ParseError(f"{where}: {quoted(match['link'])} is not a link")
    peer = _PEER.fullmatch(match["peer"])
    if peer is None and not _NO_PEER.fullmatch(match["peer"]):
        raise ParseError(f"{where}: {quoted(match['peer'])} is not a far end")
    if peer is None and not match["peer"].strip() and link["state"] != "Down":
        raise ParseError(f"{where}: the far end is missing; the output is cut off")
    lane = _LANE.fullmatch(link["speed"] or "")
    return Port(
        kind=kind,
        name=name,
        guid=guid,
        lid=int(match["lid"]),
        port=int(match["port"]),
        state=link["state"],
        phys_state=link["phys"],
        width=link["width"],
        speed=link["speed"],
        lane_gbps=number(lane[1], where) if lane else None,
        peer=Peer(peer["name"].strip(), int(peer["lid"]), int(peer["port"]), peer["guid"]) if peer else None,
        could_be=tuple(w.strip() for w in peer["could"].split("Could be")[1:]) if peer else (),
    )
