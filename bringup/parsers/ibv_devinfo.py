"""Text of `ibv_devinfo` and `ibv_devinfo -v`. The speed that it prints is that of one lane."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import number, quoted, whole

IBV_DEVINFO = Command("ibv_devinfo", needs=("ibv_devinfo",), timeout_s=30.0)

_PAIR = re.compile(r"(?P<key>[A-Za-z][\w ]{0,40}):(?:\s+(?P<value>\S.*))?", re.ASCII)
_WORD = re.compile(r"(?P<word>.*?)\s*\(\d{1,10}\)", re.ASCII)
_WIDTH = re.compile(r"(?P<lanes>\d{1,2})X", re.ASCII)
_SPEED = re.compile(r"(?P<gbps>[\d.]{1,12}) Gbps", re.ASCII)
_PORT_KEYS = frozenset(
    (
        "state",
        "max_mtu",
        "active_mtu",
        "sm_lid",
        "port_lid",
        "port_lmc",
        "link_layer",
        "active_width",
        "active_speed",
        "phys_state",
    )
)


@dataclass(frozen=True, slots=True)
class Port:
    """One port. None: not printed. `number` is None where the head of the port was filtered out."""

    number: int | None
    state: str
    phys_state: str | None = None
    link_layer: str | None = None
    active_mtu: int | None = None
    sm_lid: int | None = None
    port_lid: int | None = None
    lanes: int | None = None
    lane_gbps: float | None = None

    @property
    def rate_gbps(self) -> float | None:
        """Lanes times speed of one lane."""
        return self.lanes * self.lane_gbps if self.lanes is not None and self.lane_gbps is not None else None


@dataclass(frozen=True, slots=True)
class Device:
    """One device. None: not printed; `name` is None where the head of the output was cut off."""

    name: str | None
    fw_ver: str | None = None
    board_id: str | None = None
    node_guid: str | None = None
    vendor_part_id: str | None = None
    transport: str | None = None
    ports: tuple[Port, ...] = ()


@dataclass(slots=True)
class _Block:
    name: str | None
    own: dict[str, str] = field(default_factory=dict)
    ports: list[tuple[int | None, dict[str, str]]] = field(default_factory=list)


def parse(text: str) -> tuple[Device, ...]:
    """The devices in their order; none only where the tool says that there is none."""
    blocks: list[_Block] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line == "No IB devices found":
            return ()
        if line.startswith("Failed to get IB devices list"):
            raise ParseError(f"ibv_devinfo: {quoted(line)}: the kernel has no RDMA support")
        pair = _PAIR.fullmatch(line)
        if pair is None:
            if line and not blocks:
                raise ParseError(f"ibv_devinfo: {quoted(line)} is not known")
            continue  # flags and capabilities of -v stand on lines of their own
        _take(blocks, pair["key"], pair["value"] or "")
    if not blocks:
        raise ParseError("ibv_devinfo: no device in the output")
    return tuple(_device(block) for block in blocks)


def _take(blocks: list[_Block], key: str, value: str) -> None:
    if key == "hca_id":
        blocks.append(_Block(value or None))
        return
    if not blocks:
        if key not in ("transport", "fw_ver", "node_guid", "sys_image_guid", "vendor_id"):
            raise ParseError(f"ibv_devinfo: {quoted(key)} stands before any device")
        blocks.append(_Block(None))
    block = blocks[-1]
    if key == "port":
        block.ports.append((whole(value, "ibv_devinfo: port"), {}))
    elif key in _PORT_KEYS:
        if not block.ports:
            block.ports.append((None, {}))
        block.ports[-1][1][key] = value
    else:
        block.own.setdefault(key, value)


def _device(block: _Block) -> Device:
    own = block.own
    if not own:
        raise ParseError(f"ibv_devinfo: device {block.name} ends after its name; the output is cut off")
    return Device(
        name=block.name,
        fw_ver=own.get("fw_ver") or None,
        board_id=own.get("board_id") or None,
        node_guid=own.get("node_guid") or None,
        vendor_part_id=own.get("vendor_part_id") or None,
        transport=_word(own.get("transport")),
        ports=tuple(_port(f"{block.name} port {n}", n, values) for n, values in block.ports),
    )


def _port(where: str, port: int | None, own: dict[str, str]) -> Port:
    state = _word(own.get("state"))
    if state is None:
        raise ParseError(f"ibv_devinfo: {where} has no state; the output is cut off")
    width, speed = _WIDTH.match(own.get("active_width", "")), _SPEED.match(own.get("active_speed", ""))
    mtu = _word(own.get("active_mtu"))
    return Port(
        number=port,
        state=state.removeprefix("PORT_"),
        phys_state=_word(own.get("phys_state")),
        link_layer={"IB": "InfiniBand"}.get(own.get("link_layer", ""), own.get("link_layer")) or None,
        active_mtu=whole(mtu, f"{where} active_mtu") if mtu else None,
        sm_lid=whole(own["sm_lid"], f"{where} sm_lid") if own.get("sm_lid") else None,
        port_lid=whole(own["port_lid"], f"{where} port_lid") if own.get("port_lid") else None,
        lanes=int(width["lanes"]) if width else None,
        lane_gbps=number(speed["gbps"], f"{where} active_speed") if speed else None,
    )


def _word(text: str | None) -> str | None:
    """The word before the number in brackets, as in `PORT_ACTIVE (4)`."""
    match = _WORD.fullmatch(text or "")
    return (match["word"] if match else text) or None
