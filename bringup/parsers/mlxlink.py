"""`mlxlink`: state, module, light and error rates of one network port, from the vendor's tool.

Every value is text, with its unit in the name of the key; a value may be a list of lanes with the allowed range
behind it (`3.5,3.2 [-9.9..7.0]`). A rate of 15E-255 stands for none. On links with PAM4 (400G and newer) raw errors
are normal: judge the effective rate. `State` is what the firmware says of the line, and can be Active while the
InfiniBand port is down; on Ethernet the physical state is a word such as ETH_AN_FSM_ENABLE.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted, whole
from bringup.parsers.reading_json import document, items, mapping, words
from bringup.parsers.remembered import remembered

_ANSI = re.compile(r"\x1b\[[0-9;]{0,12}m")
_PAIR = re.compile(r"(?P<key>\S.{0,60}?)\s*:(?P<value>.*)")
_RANGE = re.compile(r"(?P<lanes>[^\[]*?)\s*\[(?P<low>-?[0-9.]{1,12})\.\.(?P<high>-?[0-9.]{1,12})\]")
_NONE = frozenset({"", "N/A", "NA"})
_SMALLEST_BER = 1e-200
"""The tool writes 15E-255 for a rate of zero."""

Sections = Mapping[str, Mapping[str, tuple[str, ...]]]


def port(device: str) -> Command:
    """Asks for state, module and counters of the port of one RDMA device (or mst device)."""
    return Command(
        f"mlxlink -d {shlex.quote(device)} -m -c --json", needs=("mlxlink",), root=True, timeout_s=60.0
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """The values of all lanes, None for a lane that reports none, and the range that the module allows."""

    lanes: tuple[float | None, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """The cable or transceiver. None: not reported (copper has no light, and no temperature)."""

    identifier: str | None
    cable: str | None
    vendor: str | None
    part: str | None
    serial: str | None
    temperature_c: Reading | None
    voltage_mv: Reading | None
    bias_ma: Reading | None
    rx_dbm: Reading | None
    tx_dbm: Reading | None


@dataclass(frozen=True, slots=True)
class Errors:
    """Counters and rates since they were last cleared. None or an empty tuple: not reported."""

    minutes: float | None
    effective: int | None
    effective_ber: float | None
    symbol: int | None
    symbol_ber: float | None
    raw: tuple[float | None, ...]
    raw_ber: float | None
    raw_ber_lanes: tuple[float | None, ...]
    link_down: int | None
    recovery: int | None


@dataclass(frozen=True, slots=True)
class Link:
    """One port. `speed` is the tool's word (`400G`, `IB-NDR`); `opcode` 0 means that it sees no issue."""

    state: str
    physical_state: str | None
    speed: str | None
    width: int | None
    fec: str | None
    autonegotiation: str | None
    opcode: int | None
    recommendation: str | None
    firmware: str | None
    module: Module | None
    errors: Errors | None


@remembered
def parse(text: str) -> Link:
    """The port, from JSON or from the text for people. Six checks read the same answer: the last ones are remembered."""
    sections = _from_json(text) if text.lstrip().startswith("{") else _from_text(text)
    own = {key: value for title in _TITLES for key, value in sections.get(title, {}).items()}
    state = _text(own, "State")
    if state is None:
        raise ParseError(f"mlxlink: no state in {quoted(text)}")
    width = _text(own, "Width")
    opcode = _text(own, "Status Opcode")
    return Link(
        state=state,
        physical_state=_text(own, "Physical state"),
        speed=_text(own, "Speed"),
        width=whole(width.lower().removesuffix("x"), "mlxlink: Width") if width else None,
        fec=_text(own, "FEC"),
        autonegotiation=_text(own, "Auto Negotiation"),
        opcode=whole(opcode, "mlxlink: Status Opcode") if opcode else None,
        recommendation=_text(own, "Recommendation"),
        firmware=_text(own, "Firmware Version"),
        module=_module(sections["Module Info"]) if "Module Info" in sections else None,
        errors=_errors(sections[_COUNTERS]) if _COUNTERS in sections else None,
    )


_TITLES = ("Operational Info", "Troubleshooting Info", "Tool Information")
_COUNTERS = "Physical Counters and BER Info"


def _module(own: Mapping[str, tuple[str, ...]]) -> Module:
    return Module(
        identifier=_text(own, "Identifier"),
        cable=_text(own, "Cable Type"),
        vendor=_text(own, "Vendor Name"),
        part=_text(own, "Vendor Part Number"),
        serial=_text(own, "Vendor Serial Number"),
        temperature_c=_reading(own, "Temperature [C]"),
        voltage_mv=_reading(own, "Voltage [mV]"),
        bias_ma=_reading(own, "Bias Current [mA]"),
        rx_dbm=_reading(own, "Rx Power Current [dBm]"),
        tx_dbm=_reading(own, "Tx Power Current [dBm]"),
    )


def _errors(own: Mapping[str, tuple[str, ...]]) -> Errors:
    return Errors(
        minutes=_number(own, "Time Since Last Clear [Min]"),
        effective=_count(own, "Effective Physical Errors"),
        effective_ber=_ber(own, "Effective Physical BER"),
        symbol=_count(own, "Symbol Errors"),
        symbol_ber=_ber(own, "Symbol BER"),
        raw=_lanes(own, "Raw Physical Errors Per Lane"),
        raw_ber=_ber(own, "Raw Physical BER"),
        raw_ber_lanes=tuple(v and _zero(v) for v in _lanes(own, "Raw Physical BER Per Lane")),
        link_down=_count(own, "Link Down Counter"),
        recovery=_count(own, "Link Error Recovery Counter"),
    )


# ------------------------------------------------------------------------------------------------ values


def _text(own: Mapping[str, tuple[str, ...]], key: str) -> str | None:
    value = ",".join(own.get(key, ()))
    return None if value in _NONE else value


def _number(own: Mapping[str, tuple[str, ...]], key: str) -> float | None:
    value = _text(own, key)
    return number(value, f"mlxlink: {key}") if value else None


def _count(own: Mapping[str, tuple[str, ...]], key: str) -> int | None:
    value = _text(own, key)
    return whole(value, f"mlxlink: {key}") if value else None


def _ber(own: Mapping[str, tuple[str, ...]], key: str) -> float | None:
    value = _number(own, key)
    return None if value is None else _zero(value)


def _zero(value: float) -> float:
    return 0.0 if value < _SMALLEST_BER else value


def _lanes(own: Mapping[str, tuple[str, ...]], key: str) -> tuple[float | None, ...]:
    """One value for each lane; empty if no lane reports one."""
    cells = [cell.strip() for value in own.get(key, ()) for cell in value.split(",")]
    values = tuple(None if cell in _NONE else number(cell, f"mlxlink: {key}") for cell in cells)
    return () if all(value is None for value in values) else values


def _reading(own: Mapping[str, tuple[str, ...]], key: str) -> Reading | None:
    if _text(own, key) is None:
        return None
    value = ",".join(own[key])
    limits = _RANGE.fullmatch(value)
    lanes = _lanes({key: (limits["lanes"],)} if limits else own, key)
    if not lanes:
        return None
    if limits is None:
        return Reading(lanes)
    return Reading(lanes, number(limits["low"], f"mlxlink: {key}"), number(limits["high"], f"mlxlink: {key}"))


# ------------------------------------------------------------------------------------------------ formats


def _from_json(text: str) -> Sections:
    root = mapping(document(text, "mlxlink"), "mlxlink: the document")
    status = mapping(root.get("status"), "mlxlink: status")
    if status.get("code") != 0:
        raise ParseError(
            f"mlxlink failed: {quoted(str(status.get('message')))} (status {status.get('code')!r:.20})"
        )
    output = mapping(mapping(root.get("result"), "mlxlink: result").get("output"), "mlxlink: output")
    return {
        title: {
            key: _cell(value, f"mlxlink: {key}") for key, value in mapping(own, f"mlxlink: {title}").items()
        }
        for title, own in output.items()
    }


def _cell(value: object, what: str) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(words(entry, what) for entry in items(value.get("values", []), what))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (str(value),)
    return (words(value, what),)


def _from_text(text: str) -> Sections:
    sections: dict[str, dict[str, tuple[str, ...]]] = {}
    title = before = ""
    for raw in text.splitlines():
        line = _ANSI.sub("", raw).strip()
        if set(line) == {"-"} and before:
            title, before = before, ""
            sections[title] = {}
        elif pair := _PAIR.fullmatch(line) if title and not before else None:
            sections[title][pair["key"]] = (pair["value"].strip(),)
        elif line and before and title:
            raise ParseError(f"mlxlink: {quoted(before)} is not known")
        else:
            before = line
    if before or not sections:
        raise ParseError(f"mlxlink: {quoted(before or text)} is not known")
    return sections
