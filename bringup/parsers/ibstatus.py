"""Text of `ibstatus`: one block for each port. LIDs are hexadecimal here (decimal in ibstat)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, numbered_word, quoted, whole_or_hex

IBSTATUS = Command("ibstatus", needs=("ibstatus",), timeout_s=30.0)

_HEAD = re.compile(r"Infiniband device '(?P<dev>[\w.-]{1,64})' port (?P<port>\d{1,3}) status:", re.ASCII)
_RATE = re.compile(r"(?P<gbps>[\d.]{1,12}) Gb/sec \((?P<lanes>\d{1,2})X(?: (?P<gen>\w{1,16}))?\)", re.ASCII)
_KEYS = ("base lid", "sm lid", "state", "phys state", "rate", "link_layer")
_NO_DEVICES = re.compile(r"Fatal error:\s+No devices", re.ASCII)


@dataclass(frozen=True, slots=True)
class Port:
    """One port. The state words count, not their numbers; the rate is a claim unless the port is ACTIVE."""

    device: str
    number: int
    state: str
    phys_state: str
    rate_gbps: float
    lanes: int
    generation: str | None
    link_layer: str
    base_lid: int
    sm_lid: int
    gid: str | None


def parse(text: str) -> tuple[Port, ...]:
    """The ports in their order; none only where the tool says `No devices`."""
    blocks: list[tuple[str, int, dict[str, str]]] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line:
            continue
        if head := _HEAD.fullmatch(line):
            blocks.append((head["dev"], int(head["port"]), {}))
            continue
        key, colon, value = line.partition(":")
        if _NO_DEVICES.fullmatch(line):
            return ()
        if not blocks or not colon:
            raise ParseError(f"ibstatus: {quoted(line)} is not known")
        blocks[-1][2][key.strip()] = value.strip()
    if not blocks:
        raise ParseError("ibstatus: no port in the output")
    return tuple(_port(device, port, own) for device, port, own in blocks)


def _port(device: str, port: int, own: dict[str, str]) -> Port:
    where = f"{device} port {port}"
    missing = [key for key in _KEYS if not own.get(key)]
    if missing:
        raise ParseError(f"ibstatus: {where} has no {missing[0]}; the output is cut off")
    rate = _RATE.fullmatch(own["rate"])
    if rate is None:
        raise ParseError(f"ibstatus: {where} rate {quoted(own['rate'])} is not known")
    gid = own.get("default gid", "")
    return Port(
        device=device,
        number=port,
        state=numbered_word(own["state"]),
        phys_state=numbered_word(own["phys state"]),
        rate_gbps=number(rate["gbps"], f"{where} rate"),
        lanes=int(rate["lanes"]),
        generation=rate["gen"],
        link_layer=own["link_layer"],
        base_lid=whole_or_hex(own["base lid"], f"{where} base lid"),
        sm_lid=whole_or_hex(own["sm lid"], f"{where} sm lid"),
        gid=None if gid in ("", "unknown") else gid,
    )
