"""`ethtool -m DEVICE`: the pluggable module of a network port, its cable and its light.

Key names differ between SFP ("Laser output power"), QSFP and CMIS modules ("Transmit avg optical power
(Channel 1)"). Copper and simple optics report no light at all, which is not darkness. Darkness is -40 dBm, and
weak light may come without any alarm, so the power is compared with the module's own thresholds or the profile.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted

DARK_DBM = -40.0

_PAIR = re.compile(r"\s*(?P<key>[A-Z0-9][^:]{1,80}?)\s*:(?P<value>.*)")
_POWER = re.compile(r"(?P<mw>[0-9.]{1,12}) mW / (?P<dbm>-?[0-9.]{1,12}|-inf|-Inf) dBm")
_AMOUNT = re.compile(r"(?P<value>-?[0-9.]{1,12}) (?P<unit>degrees C|V|mA)(?: / .{1,40})?")
_LANE = re.compile(r"\s*\((?:Channel|Chan|Lane) [0-9]{1,2}\)")
_FLAG = re.compile(r".+ (?:alarm|warning)(?:\s*\(Chan(?:nel)? [0-9]{1,2}\))?")

_TX_POWER = ("Laser output power", "Laser tx power", "Transmit avg optical power")
_RX_POWER = ("Receiver signal average optical power", "Receiver signal OMA", "Rcvr signal avg optical power")
_BIAS = ("Laser bias current", "Laser tx bias current")


def module(device: str) -> Command:
    """Asks for the module of one port. "Operation not supported" means that there is none to read."""
    return Command(f"ethtool -m {shlex.quote(device)}", needs=("ethtool",), root=True)


@dataclass(frozen=True, slots=True)
class Module:
    """One module. Empty tuples and None: it does not report this.

    Powers are in dBm and bias currents in mA, one for each lane; -40 dBm is darkness. `raised` are the alarms and
    warnings that are on, None where the module has no such flags. `types` are all its transceiver types.
    `thresholds` are the module's own, in dBm, mA, degrees Celsius or V by their name.
    """

    identifier: str
    connector: str | None
    vendor: str | None
    part: str | None
    serial: str | None
    types: tuple[str, ...]
    temperature_c: float | None
    voltage_v: float | None
    bias_ma: tuple[float, ...]
    tx_dbm: tuple[float, ...]
    rx_dbm: tuple[float, ...]
    raised: tuple[str, ...] | None
    thresholds: Mapping[str, float]


def parse(text: str) -> Module:
    """The module of an answer. Raises ParseError where there is none to read."""
    pairs: list[tuple[str, str]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _PAIR.fullmatch(line)
        if match is None or match["key"].startswith("Cannot get"):
            raise ParseError(f"ethtool -m: {quoted(line)}")
        pairs.append((match["key"].strip(), match["value"].strip()))
    if len(pairs) < 2 or pairs[0][0] != "Identifier" or not pairs[0][1]:
        raise ParseError(f"ethtool -m: {quoted(text)} does not begin with an identifier")
    own = dict(reversed(pairs))
    flags = [(key, value) for key, value in pairs if _FLAG.fullmatch(key)]
    return Module(
        identifier=_word(own["Identifier"]),
        connector=_word(own["Connector"]) if own.get("Connector") else None,
        vendor=own.get("Vendor name") or None,
        part=own.get("Vendor PN") or None,
        serial=own.get("Vendor SN") or None,
        types=tuple(value for key, value in pairs if key == "Transceiver type"),
        temperature_c=_amount("Module temperature", own.get("Module temperature")),
        voltage_v=_amount("Module voltage", own.get("Module voltage")),
        bias_ma=_lanes(pairs, _BIAS),
        tx_dbm=_lanes(pairs, _TX_POWER),
        rx_dbm=_lanes(pairs, _RX_POWER),
        raised=tuple(key for key, value in flags if _on(key, value)) if flags else None,
        thresholds={
            key.removesuffix(" threshold"): _figure(key, value)
            for key, value in pairs
            if key.endswith((" alarm threshold", " warning threshold")) and value != "N/A"
        },
    )


def _word(value: str) -> str:
    """`SFP` of `0x03 (SFP)`, as far as there are brackets."""
    _, opened, inside = value.partition("(")
    return inside.removesuffix(")") if opened else value


def _lanes(pairs: Iterable[tuple[str, str]], names: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(
        _figure(key, value) for key, value in pairs if _LANE.sub("", key).strip() in names and value != "N/A"
    )


def _figure(key: str, value: str) -> float:
    """A power in dBm, or an amount in the unit that belongs to its name."""
    if power := _POWER.fullmatch(value):
        dbm = power["dbm"]
        return DARK_DBM if dbm.lower() == "-inf" else number(dbm, f"ethtool -m: {key}")
    amount = _amount(key, value)
    if amount is None:
        raise ParseError(f"ethtool -m: {key} is empty; the output is cut off")
    return amount


def _amount(key: str, value: str | None) -> float | None:
    if not value or value == "N/A":
        return None
    match = _AMOUNT.fullmatch(value)
    if match is None:
        raise ParseError(f"ethtool -m: {key} is {quoted(value)}")
    return number(match["value"], f"ethtool -m: {key}")


def _on(key: str, value: str) -> bool:
    if value not in ("On", "Off"):
        raise ParseError(f"ethtool -m: {key} is {quoted(value)}")
    return value == "On"
