"""The neighbours that `lldpcli` knows, from its JSON: which switch port is at the far end of an interface.

`json0` has one shape however many neighbours there are; `json` turns a list of one into an object and uses the
system name as a key. Both are read here, the texts for people in `lldp_text`. No neighbour is no proof of a wrong
cable: some network cards keep LLDP to themselves and some switches do not send it. A neighbour that has gone stays
in the table until its TTL has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole
from bringup.parsers.reading_json import document, items, mapping, words_or_none

NEIGHBOURS = Command("lldpcli -f json0 show neighbors", needs=("lldpcli",), root=True, timeout_s=20.0)
"""Prints nothing and exits with 1 where the daemon lldpd does not run."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who is at the far end of `interface`. None: not sent by the neighbour.

    A switch names its port as `ifname`, `mac` or `local` in `port_id`, or only in `port_description`: compare a
    plan with each of them. `management` are its management addresses.
    """

    interface: str
    chassis_id: str
    port_id: str
    port_id_type: str
    system: str | None = None
    description: str | None = None
    port_description: str | None = None
    management: tuple[str, ...] = ()
    ttl_s: int | None = None

    @property
    def port_names(self) -> tuple[str, ...]:
        """Every word that may name the far port."""
        return tuple(dict.fromkeys(name for name in (self.port_id, self.port_description) if name))


def parse(text: str) -> tuple[Neighbour, ...]:
    """The neighbours in `json0` or `json`; none only where the daemon says that it has learned none."""
    root = mapping(document(text, "lldpcli"), "lldpcli: the document")
    if "lldp" not in root:
        raise ParseError(f"lldpcli: {quoted(text)} is not about LLDP")
    body = _one(root["lldp"], "lldp")
    return tuple(_neighbour(name, entry) for name, entry in _interfaces(body.get("interface", [])))


def _interfaces(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Interface name and its neighbour: a list of one-key objects, one such object, or objects with `name`."""
    for entry in items(value, "lldpcli interface") if isinstance(value, list) else [value]:
        fields = mapping(entry, "lldpcli interface")
        name = fields.get("name")
        if isinstance(name, str):
            yield name, fields
            continue
        for key, own in fields.items():
            yield key, mapping(own, f"lldpcli {key}")


def _neighbour(name: str, entry: dict[str, object]) -> Neighbour:
    where = f"lldpcli {name}"
    chassis = _one(entry.get("chassis"), f"{where} chassis")
    system = None
    if "id" not in chassis or "id" in _maybe(chassis["id"]):
        if len(chassis) != 1:
            raise ParseError(f"{where}: the chassis has no id")
        ((system, inner),) = chassis.items()
        chassis = mapping(inner, f"{where} chassis")
    port = _one(entry.get("port"), f"{where} port")
    port_id = _one(port.get("id"), f"{where} port id")
    chassis_id = _one(chassis.get("id"), f"{where} chassis id")
    ttl = _first(port.get("ttl"), f"{where} ttl") or _first(entry.get("ttl"), f"{where} ttl")
    return Neighbour(
        interface=name,
        chassis_id=_needed(chassis_id.get("value"), f"{where} chassis id"),
        port_id=_needed(port_id.get("value"), f"{where} port id"),
        port_id_type=_needed(port_id.get("type"), f"{where} port id type"),
        system=system or _first(chassis.get("name"), f"{where} name"),
        description=_first(chassis.get("descr"), f"{where} description"),
        port_description=_first(port.get("descr"), f"{where} port description"),
        management=tuple(_values(chassis.get("mgmt-ip"), f"{where} mgmt-ip")),
        ttl_s=whole(ttl, f"{where} ttl") if ttl else None,
    )


def _maybe(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _one(value: object, what: str) -> dict[str, object]:
    """An object that may stand in a list of one."""
    if isinstance(value, list):
        if len(value) != 1:
            raise ParseError(f"{what} is there {len(value)} times, needed once")
        value = value[0]
    return mapping(value, what)


def _values(value: object, what: str) -> Iterator[str]:
    """The texts of a field that may be absent, one text, a list, or objects with `value`."""
    for entry in value if isinstance(value, list) else [value]:
        text = words_or_none(entry.get("value") if isinstance(entry, dict) else entry, what)
        if text is not None:
            yield text


def _first(value: object, what: str) -> str | None:
    return next(_values(value, what), None)


def _needed(value: object, what: str) -> str:
    text = _first(value, what)
    if text is None:
        raise ParseError(f"{what} is missing")
    return text
