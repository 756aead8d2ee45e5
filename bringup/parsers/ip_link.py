"""`ip -j link` and `ip -j addr`: the network interfaces that the kernel has, with state, MTU and addresses.

A network card that has failed is missing here, not down: compare the names with the plan. An interface that is
switched on but has no link says so in its flags (NO-CARRIER); the loopback's operational state means nothing; an
MTU of 2044 is right for InfiniBand in datagram mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading_json import count, document, items, mapping, words, words_or_none

LINKS = Command("ip -j link show", needs=("ip",))
ADDRESSES = Command("ip -j addr show", needs=("ip",))


@dataclass(frozen=True, slots=True)
class Address:
    """One IP address: family `inet` or `inet6`, scope `global`, `link` or `host`."""

    family: str
    address: str
    prefix: int
    scope: str | None


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface. None: not printed. `addresses` is only filled by ADDRESSES."""

    name: str
    index: int
    flags: tuple[str, ...]
    mtu: int
    operstate: str
    link_type: str | None = None
    mac: str | None = None
    master: str | None = None
    addresses: tuple[Address, ...] = ()

    @property
    def switched_on(self) -> bool:
        return "UP" in self.flags

    @property
    def has_link(self) -> bool:
        return "LOWER_UP" in self.flags


def parse(text: str) -> tuple[Interface, ...]:
    """The interfaces. Raises ParseError where there is none, since every kernel has a loopback or a network."""
    entries = [
        mapping(entry, "ip: an interface") for entry in items(document(text, "ip"), "ip: the document")
    ]
    found = tuple(
        _interface(entry) for entry in entries if entry
    )  # some versions print {} for a filtered one
    if not found:
        raise ParseError("ip listed no interface")
    return found


def _interface(entry: dict[str, object]) -> Interface:
    name = words(entry.get("ifname"), "ip: ifname")
    where = f"ip: {name[:64]}"
    return Interface(
        name=name,
        index=count(entry.get("ifindex"), f"{where} ifindex"),
        flags=tuple(words(flag, f"{where} flags") for flag in items(entry.get("flags"), f"{where} flags")),
        mtu=count(entry.get("mtu"), f"{where} mtu"),
        operstate=words(entry.get("operstate"), f"{where} operstate"),
        link_type=words_or_none(entry.get("link_type"), f"{where} link_type"),
        mac=words_or_none(entry.get("address"), f"{where} address"),
        master=words_or_none(entry.get("master"), f"{where} master"),
        addresses=tuple(
            _address(mapping(own, f"{where} addr_info"), where)
            for own in items(entry.get("addr_info", []), f"{where} addr_info")
            if own
        ),
    )


def _address(entry: dict[str, object], where: str) -> Address:
    return Address(
        family=words(entry.get("family"), f"{where} family"),
        address=words(entry.get("local"), f"{where} local"),
        prefix=count(entry.get("prefixlen"), f"{where} prefixlen"),
        scope=words_or_none(entry.get("scope"), f"{where} scope"),
    )
