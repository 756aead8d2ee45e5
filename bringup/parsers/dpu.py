"""BlueField cards as their host sees them: on the PCI bus, their firmware, and the mode that their settings ask for.

In NIC mode a card is an adapter of its host; in DPU mode its own processors rule its ports, and the host has only what
they give it. The tool is mlxconfig, or mstconfig of the kernel's package, whose words are the same. What the card itself
runs in is told by its management interface (rshim), where the host has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import mlxconfig
from bringup.parsers.mlxconfig import Setting
from bringup.parsers.reading import quoted

MODEL, ENGINE = "INTERNAL_CPU_MODEL", "INTERNAL_CPU_OFFLOAD_ENGINE"
GENERATIONS: Mapping[str, str] = {
    "0xa2d2": "BlueField",
    "0xa2d6": "BlueField-2",
    "0xa2dc": "BlueField-3",
    "0xa2df": "BlueField-4",
}
"""The network function of each generation by its PCI device number (PCI ID repository)."""

DPUS = Command(
    f"""tool=none limit=
command -v timeout >/dev/null 2>&1 && limit='timeout 5'
for name in mlxconfig mstconfig; do
  if command -v $name >/dev/null 2>&1; then tool=$name; break; fi
done
echo "tool=$tool"
for dev in "$ROOT"/sys/bus/pci/devices/*.0; do
  [ -r "$dev"/device ] || continue
  read -r vendor <"$dev"/vendor
  read -r device <"$dev"/device
  case $vendor$device in {"|".join(f"0x15b3{device}" for device in GENERATIONS)}) ;; *) continue ;; esac
  name=- firmware=-
  for ib in "$dev"/infiniband/*; do
    [ -r "$ib"/fw_ver ] || continue
    name=${{ib##*/}}
    read -r firmware <"$ib"/fw_ver
  done
  echo "== ${{dev##*/}} $device $name $firmware"
  if [ "$tool" != none ]; then
    "$tool" -d "${{dev##*/}}" -e query {MODEL} {ENGINE} 2>&1
    echo "== status $?"
  fi
done
for misc in "$ROOT"/dev/rshim*/misc; do
  [ -r "$misc" ] || continue
  dev=- mode=-
  $limit cat "$misc" >"$TMP"/rshim 2>/dev/null || continue
  while read -r key value rest; do
    case $key in
    DEV_NAME) dev=$value ;;
    BF_MODE) mode=$value ;;
    esac
  done <"$TMP"/rshim
  echo "== rshim $dev $mode"
done
echo "== end"
""",
    root=True,
    timeout_s=60.0,
    max_bytes=256 << 10,
)

_CARD = re.compile(
    r"== (?P<bdf>[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.0) (?P<device>0x[0-9a-f]{4}) (?P<name>\S{1,64}) (?P<fw>\S{1,40})"
)
_RSHIM = re.compile(r"== rshim (?P<dev>\S{1,64}) (?P<mode>\S{1,20})")
_BUS = re.compile(r"pcie-(?P<bus>[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})\.[0-7]")
_STATUS = re.compile(r"== status (?P<status>[0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Dpu:
    """One card. `name` is its RDMA device, `mode` and `next_mode` are `nic`, `dpu` or `separated`, `own` is the mode that
    the card itself tells (`nic` or `dpu`).

    None: not told. `why` is what the tool said where the modes are not known.
    """

    address: str
    generation: str
    name: str | None
    firmware: str | None
    mode: str | None
    next_mode: str | None
    why: str = ""
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Dpus:
    """All cards; `tool` is whether a program was there that can tell their mode."""

    cards: tuple[Dpu, ...]
    tool: bool


def parse(text: str) -> Dpus:
    """The answer of DPUS. Raises ParseError if it is cut off or not understood."""
    lines = text.splitlines()
    if len(lines) < 2 or lines[-1] != "== end" or not lines[0].startswith("tool="):
        raise ParseError(f"BlueField cards: the answer {quoted(text)} is cut off")
    tool = lines[0] != "tool=none"
    cards: list[Dpu] = []
    told: dict[str, str] = {}
    head: re.Match[str] | None = None
    body: list[str] = []
    for line in lines[1:-1]:
        if match := _CARD.fullmatch(line) if head is None else None:
            if match["device"] not in GENERATIONS:
                raise ParseError(f"BlueField cards: {quoted(line)} is no known card")
            head = match if tool else None
            if not tool:
                cards.append(_card(match, None, None, "neither mlxconfig nor mstconfig is installed"))
        elif (end := _STATUS.fullmatch(line)) and head is not None:
            cards.append(_asked(head, int(end["status"]), body))
            head, body = None, []
        elif head is not None:
            body.append(line)
        elif rshim := _RSHIM.fullmatch(line):
            bus, mode = _BUS.fullmatch(rshim["dev"]), rshim["mode"].lower()
            if bus is not None and mode in ("nic", "dpu"):
                told[bus["bus"]] = mode
        elif line.strip():
            raise ParseError(f"BlueField cards: {quoted(line)} belongs to no card")
    if head is not None:
        raise ParseError(f"BlueField cards: the answer of {head['bdf']} is cut off")
    return Dpus(tuple(replace(card, own=told.get(card.address.rsplit(".", 1)[0])) for card in cards), tool)


def _asked(head: re.Match[str], status: int, body: list[str]) -> Dpu:
    said = next((line.strip() for line in reversed(body) if line.strip()), "no text")
    if status:
        return _card(head, None, None, said[:200])
    settings = {one.name: one for one in mlxconfig.parse("\n".join(body))}
    model, engine = settings.get(MODEL), settings.get(ENGINE)
    if model is None:
        raise ParseError(f"BlueField cards: {head['bdf']} does not tell {MODEL}")
    after = _mode(model.next_boot, engine.next_boot if engine else None)
    return _card(head, _current(model, engine), after, "")


def _current(model: Setting, engine: Setting | None) -> str | None:
    if model.current is None:
        return None
    return _mode(model.current, engine.current if engine else None)


def _mode(model: str, engine: str | None) -> str:
    """The mode by two settings: processors of its own (1) or apart (0); offloading switched off (1) makes it a NIC."""
    own, off = mlxconfig.code(model), None if engine is None else mlxconfig.code(engine)
    if own not in (0, 1) or off not in (None, 0, 1):
        raise ParseError(f"BlueField cards: {MODEL} is {quoted(model)}, {ENGINE} is {quoted(engine or '')}")
    if own == 0:
        return "separated"
    return "nic" if off == 1 else "dpu"


def _card(head: re.Match[str], mode: str | None, after: str | None, why: str) -> Dpu:
    return Dpu(
        address=head["bdf"],
        generation=GENERATIONS[head["device"]],
        name=None if head["name"] == "-" else head["name"],
        firmware=None if head["fw"] == "-" else head["fw"],
        mode=mode,
        next_mode=after,
        why=why,
    )
