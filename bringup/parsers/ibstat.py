"""Text of `ibstat` and `ibstat -s`: channel adapters and their ports, in every layout that was seen.

The rate printed for a port that is down is meaningless. Without any adapter the tool prints nothing and exits
with 0, so an empty text means "no adapter", and whoever reads it compares that with the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted, whole

IBSTAT = Command("ibstat", needs=("ibstat",), timeout_s=30.0)

_ADAPTER = re.compile(r"CA:? '(?P<name>[\w.-]{1,64})'", re.ASCII)
_PORT = re.compile(r"Port (?P<number>\d{1,3}):", re.ASCII)
_PAIR = re.compile(r"(?P<key>[A-Z][\w ]{1,40}):(?P<value>.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Port:
    """One port. None: not printed. LIDs are decimal (hexadecimal in ibstatus); 65535 means none assigned."""

    number: int
    state: str | None = None
    phys_state: str | None = None
    rate_gbps: float | None = None
    base_lid: int | None = None
    sm_lid: int | None = None
    guid: str | None = None
    link_layer: str | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """One channel adapter. None: not printed, or printed without a value (software devices)."""

    name: str
    type: str | None = None
    ports_count: int | None = None
    firmware: str | None = None
    hardware: str | None = None
    node_guid: str | None = None
    system_guid: str | None = None
    ports: tuple[Port, ...] = ()


def parse(text: str) -> tuple[Adapter, ...]:
    """The adapters in their order; none for an empty text."""
    return tuple(_adapter(name, lines) for name, lines in _blocks(text))


def _blocks(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each adapter's name with its `key: value` lines; a port's head is the pair ("Port", number)."""
    name = ""
    pairs: list[tuple[str, str]] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or set(line[:4]) == {"-"}:
            continue
        if head := _ADAPTER.fullmatch(line):
            if name:
                yield name, pairs
            name, pairs = head["name"], []
        elif name and (port := _PORT.fullmatch(line)):
            pairs.append(("Port", port["number"]))
        elif name and (pair := _PAIR.fullmatch(line)):
            pairs.append((pair["key"], pair["value"].strip()))
        else:
            raise ParseError(f"ibstat: {quoted(line)} is not known")
    if name:
        yield name, pairs


def _adapter(name: str, pairs: list[tuple[str, str]]) -> Adapter:
    heads = [i for i, (key, _) in enumerate(pairs) if key == "Port"]
    own = dict(pairs[: heads[0]] if heads else pairs)
    if not own and not heads:
        raise ParseError(f"ibstat: adapter {name} ends after its name; the output is cut off")
    ends = [*heads[1:], len(pairs)] if heads else []
    count = own.get("Number of ports", "")
    return Adapter(
        name=name,
        type=own.get("CA type") or None,
        ports_count=whole(count, f"{name} number of ports") if count else None,
        firmware=own.get("Firmware version") or None,
        hardware=own.get("Hardware version") or None,
        node_guid=own.get("Node GUID") or None,
        system_guid=own.get("System image GUID") or None,
        ports=tuple(
            _port(name, int(pairs[start][1]), dict(pairs[start + 1 : end]))
            for start, end in zip(heads, ends, strict=True)
        ),
    )


def _port(adapter: str, port: int, own: dict[str, str]) -> Port:
    where = f"{adapter} port {port}"
    if not own.get("State"):
        raise ParseError(f"ibstat: {where} has no state; the output is cut off")

    def lid(key: str) -> int | None:
        return whole(own[key], f"{where} {key}") if own.get(key) else None

    return Port(
        number=port,
        state=own["State"],
        phys_state=own.get("Physical state") or None,
        rate_gbps=number(own["Rate"], f"{where} rate") if own.get("Rate") else None,
        base_lid=lid("Base lid"),
        sm_lid=lid("SM lid"),
        guid=own.get("Port GUID") or None,
        link_layer=own.get("Link layer") or None,
    )
