"""`nicctl show port -j`: the ports of AMD AI network cards, what they should do and what they do.

All values are strings. `spec` is the configuration, `status` the state; the speed of a port that is down is a claim.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole
from bringup.parsers.reading_json import document, items, mapping, words, words_or_none

PORTS = Command("nicctl show port -j", needs=("nicctl",), root=True, timeout_s=60.0)

_SPEED = re.compile(r"(?P<gbps>[0-9]{1,5})G")


@dataclass(frozen=True, slots=True)
class Port:
    """One port. None: not reported. `speed_gbps` is the present one, `wanted_gbps` the configured one."""

    nic: str
    name: str
    admin: str
    state: str
    link: str | None
    speed_gbps: int | None
    wanted_gbps: int | None
    lanes: int | None
    fec: str | None
    autonegotiation: str | None
    mtu: int | None
    mac: str | None
    cable: str | None
    transceiver: str | None
    link_downs: int | None


def parse(text: str) -> tuple[Port, ...]:
    """The ports of all cards. Raises ParseError where there is none."""
    root = mapping(document(text, "nicctl"), "nicctl: the document")
    found: list[Port] = []
    for entry in items(root.get("nic"), "nicctl: nic"):
        card = mapping(entry, "nicctl: a card")
        nic = words(card.get("id"), "nicctl: id of a card")
        for port in items(card.get("port"), f"nicctl: ports of {nic}"):
            found.append(_port(nic, mapping(port, "nicctl: a port")))
    if not found:
        raise ParseError(f"nicctl lists no port: {quoted(text)}")
    return tuple(found)


def _port(nic: str, entry: dict[str, object]) -> Port:
    spec, status = mapping(entry.get("spec"), "nicctl: spec"), mapping(entry.get("status"), "nicctl: status")
    name = words(spec.get("name"), "nicctl: name of a port")
    return Port(
        nic=nic,
        name=name,
        admin=words(spec.get("admin_state"), f"nicctl: admin_state of {name}"),
        state=words(status.get("operational_status"), f"nicctl: operational_status of {name}"),
        link=_text(status, "link_fsm_state"),
        speed_gbps=_speed(status),
        wanted_gbps=_speed(spec),
        lanes=_count(status, "number_of_lanes"),
        fec=_text(status, "fec_type"),
        autonegotiation=_text(status, "auto_negotiation"),
        mtu=_count(spec, "mtu"),
        mac=_text(status, "mac_address"),
        cable=_text(status, "cable_type"),
        transceiver=_text(status, "transceiver_pid"),
        link_downs=_count(status, "number_of_link_down_events"),
    )


def _text(own: dict[str, object], key: str) -> str | None:
    return words_or_none(own.get(key), f"nicctl: {key}")


def _count(own: dict[str, object], key: str) -> int | None:
    value = _text(own, key)
    return whole(value, f"nicctl: {key}") if value else None


def _speed(own: dict[str, object]) -> int | None:
    value = _text(own, "port_speed")
    if value is None or value.upper() == "NONE":
        return None
    match = _SPEED.fullmatch(value)
    if match is None:
        raise ParseError(f"nicctl: port_speed is {quoted(value)}")
    return int(match["gbps"])
