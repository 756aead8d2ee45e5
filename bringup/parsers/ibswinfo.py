"""`ibswinfo`: identity, power supplies, fans and temperature of an unmanaged InfiniBand switch.

Values that the switch does not give are missing or empty, which is not zero and not a fault. The overall fan status
may be ERROR while all fans turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted, whole

_RULE = re.compile(r"={20,}|-{20,}")
_PAIR = re.compile(r"(?P<key>\S[^|]{0,40}?)\s*\|(?P<value>.*)")
_PSU = re.compile(r"PSU(?P<number>[0-9]{1,2}) status")
_FAN = re.compile(r"fan#(?P<number>[0-9]{1,3}) \(rpm\)")
_UPTIME = re.compile(r"(?:(?P<d>[0-9]{1,6})d-)?(?P<h>[0-9]{1,2}):(?P<m>[0-9]{2}):(?P<s>[0-9]{2})")


def switch(lid: int) -> Command:
    """Asks the switch at one LID, through the local adapter."""
    return Command(f"ibswinfo -d lid-{lid:d}", needs=("ibswinfo",), root=True, timeout_s=60.0)


@dataclass(frozen=True, slots=True)
class PowerSupply:
    """One power supply. None: not reported."""

    number: int
    status: str | None
    part: str | None
    serial: str | None
    dc_power: str | None
    fan: str | None
    power_w: float | None


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch. None: not reported. `fans_rpm` are (number, speed)."""

    model: str
    part: str | None
    serial: str | None
    ports: int | None
    psid: str | None
    guid: str | None
    firmware: str | None
    uptime_s: int | None
    temperature_c: float | None
    max_temperature_c: float | None
    fan_status: str | None
    fans_rpm: tuple[tuple[int, float | None], ...]
    supplies: tuple[PowerSupply, ...]


def parse(text: str) -> Switch:
    """The switch. The output begins with its model between two rules and ends with a rule."""
    lines = [line for line in text.splitlines() if line.strip()]
    framed = len(lines) > 4 and all(_RULE.fullmatch(lines[i].strip()) for i in (0, 2, -1))
    if not framed or len(lines[-1].strip()) != len(lines[0].strip()):
        raise ParseError(f"ibswinfo: {quoted(text)} is not about a switch, or is cut off")
    own: Values = {}
    supplies: list[PowerSupply] = []
    for block in _blocks(lines[3:]):
        if any(_PSU.fullmatch(key) for key, _ in block):
            supplies += _supplies(block)
        else:
            own |= dict(block)
    if not own.get("GUID"):
        raise ParseError(f"ibswinfo: {quoted(lines[1])} has no GUID")
    uptime = own.get("uptime (d-h:m:s)")
    ports = own.get("ports")
    return Switch(
        model=lines[1].strip(),
        part=own.get("part number"),
        serial=own.get("serial number"),
        ports=whole(ports, "ibswinfo ports") if ports else None,
        psid=own.get("PSID"),
        guid=own.get("GUID"),
        firmware=own.get("firmware version"),
        uptime_s=_seconds(uptime) if uptime else None,
        temperature_c=_number(own, "temperature (C)"),
        max_temperature_c=_number(own, "max temp (C)"),
        fan_status=own.get("fan status"),
        fans_rpm=tuple((int(m["number"]), _number(own, key)) for key in own if (m := _FAN.fullmatch(key))),
        supplies=tuple(supplies),
    )


Block = list[tuple[str, str | None]]
Values = dict[str, str | None]


def _blocks(lines: list[str]) -> Iterator[Block]:
    """The pairs between two rules each: both the supplies and the fans have a `fan status`."""
    block: Block = []
    for line in lines:
        if _RULE.fullmatch(line.strip()):
            yield block
            block = []
            continue
        match = _PAIR.fullmatch(line.strip())
        if match is None:
            raise ParseError(f"ibswinfo: {quoted(line)} is not known")
        block.append((match["key"], match["value"].strip() or None))


def _supplies(block: Block) -> Iterator[PowerSupply]:
    heads = [(i, match) for i, (key, _) in enumerate(block) if (match := _PSU.fullmatch(key))]
    ends = [*(i for i, _ in heads[1:]), len(block)]
    for (start, match), end in zip(heads, ends, strict=True):
        own: Values = dict(block[start + 1 : end])
        yield PowerSupply(
            number=int(match["number"]),
            status=block[start][1],
            part=own.get("P/N"),
            serial=own.get("S/N"),
            dc_power=own.get("DC power"),
            fan=own.get("fan status"),
            power_w=_number(own, "power (W)"),
        )


def _number(own: Values, key: str) -> float | None:
    value = own.get(key)
    return number(value, f"ibswinfo {key}") if value else None


def _seconds(text: str) -> int:
    match = _UPTIME.fullmatch(text)
    if match is None:
        raise ParseError(f"ibswinfo: uptime {quoted(text)} is not known")
    return ((int(match["d"] or 0) * 24 + int(match["h"])) * 60 + int(match["m"])) * 60 + int(match["s"])
