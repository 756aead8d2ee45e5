"""`rocm-smi -a`: AMD GPUs from its JSON or from its lines, which carry the same keys.

Keys were renamed from release to release ("GPU ID" to "Device ID"), so each field names all that were seen. The part
`system` is no card. The tool is being retired in favour of amd-smi.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import number, quoted, whole
from bringup.parsers.reading_json import document_among_lines, mapping

ALL = Command("rocm-smi -a --json", needs=("rocm-smi",), timeout_s=60.0, max_bytes=8 << 20)

_CARD = re.compile(r"card(?P<index>[0-9]{1,3})")
_LINE = re.compile(r"GPU\[(?P<index>[0-9]{1,3})\]\s*:(?P<rest>.*)")
_PCIE = re.compile(r"[0-9]{1,2} \((?P<gts>[0-9.]{1,6})GT/s x(?P<width>[0-9]{1,2})\)")
_LINK = re.compile(
    r"\(Topology\) (?P<what>\w[\w ]{1,20}?) between DRM devices (?P<a>[0-9]{1,3}) and (?P<b>[0-9]{1,3})",
    re.ASCII,
)
_PID = re.compile(r"PID ?(?P<pid>[0-9]{1,10})(?: is using .*)?")
_DRIVER = re.compile(r"Driver version: (?P<version>\S{1,40})")
_END = "End of ROCm SMI Log"
_NOT_REPORTED = frozenset({"", "N/A", "None", "unknown"})

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU. None: not reported, or not asked for. `gts` and `width` are the PCIe link's present ones."""

    index: int
    device_id: str | None
    name: str | None
    unique_id: str | None
    serial: str | None
    address: str | None
    vbios: str | None
    edge_c: float | None
    junction_c: float | None
    memory_c: float | None
    power_w: float | None
    power_cap_w: float | None
    busy_percent: float | None
    vram_bytes: int | None
    vram_used_bytes: int | None
    gts: float | None
    width: int | None
    replays: int | None


@dataclass(frozen=True, slots=True)
class Smi:
    """One answer. `links` are the words about two GPUs by what they say: `Link type`, `Hops`, `Weight`."""

    driver: str | None
    cards: tuple[Card, ...]
    links: Mapping[tuple[int, int], Mapping[str, str]]
    pids: tuple[int, ...]


def parse(text: str) -> Smi:
    """The answer, in JSON or lines. Raises ParseError where there is no card."""
    begin = next((line.strip() for line in text.splitlines() if line.strip()[:1] in ("{", "=")), "")
    driver, cards, system = _from_json(text) if begin.startswith("{") else _from_lines(text)
    if not cards:
        raise ParseError(f"rocm-smi: no card in {quoted(text)}")
    return Smi(
        driver=driver,
        cards=tuple(_card(index, own) for index, own in sorted(cards.items())),
        links=_links(system),
        pids=tuple(int(m["pid"]) for key in system if (m := _PID.fullmatch(key))),
    )


def _from_json(text: str) -> tuple[str | None, dict[int, Values], Values]:
    root = mapping(document_among_lines(text, "rocm-smi"), "rocm-smi: the document")
    cards: dict[int, Values] = {}
    for key, value in root.items():
        if match := _CARD.fullmatch(key):
            cards[int(match["index"])] = _texts(value, key)
    system = _texts(root.get("system", {}), "system")
    return system.get("Driver version"), cards, system


def _texts(value: object, what: str) -> Values:
    return {key: str(own).strip() for key, own in mapping(value, f"rocm-smi: {what}").items()}


def _from_lines(text: str) -> tuple[str | None, dict[int, Values], Values]:
    """`GPU[0] : key: value`; lines without a value say what is not supported, or begin a list."""
    if _END not in text:
        raise ParseError(f"rocm-smi: {quoted(text)} has no end; it is cut off, or not its output")
    cards: dict[int, dict[str, str]] = {}
    system: dict[str, str] = {}
    driver = None
    for line in text.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            own = cards.setdefault(int(match["index"]), {})
            key, colon, value = match["rest"].strip().partition(": ")
            if colon:
                own.setdefault(key, value.strip())
        elif match := _DRIVER.fullmatch(line.strip()):
            driver = match["version"]
        elif match := _PID.fullmatch(line.strip()):
            system[line.strip()] = ""
    return driver, {**cards}, system


def _card(index: int, own: Values) -> Card:
    address = _text(own, "PCI Bus")
    link = _pcie(own.get("pcie clock level"))
    card = Card(
        index=index,
        device_id=_text(own, "Device ID", "GPU ID"),
        name=_name(own),
        unique_id=_text(own, "Unique ID"),
        serial=_text(own, "Serial Number"),
        address=bdf.normalise(address) if address else None,
        vbios=_text(own, "VBIOS version"),
        edge_c=_number(own, "Temperature (Sensor edge) (C)"),
        junction_c=_number(own, "Temperature (Sensor junction) (C)"),
        memory_c=_number(own, "Temperature (Sensor memory) (C)"),
        power_w=_number(
            own, "Current Socket Graphics Package Power (W)", "Average Graphics Package Power (W)"
        ),
        power_cap_w=_number(own, "Max Graphics Package Power (W)"),
        busy_percent=_number(own, "GPU use (%)"),
        vram_bytes=_whole(own, "VRAM Total Memory (B)"),
        vram_used_bytes=_whole(own, "VRAM Total Used Memory (B)"),
        gts=link[0] if link else None,
        width=link[1] if link else None,
        replays=_whole(own, "PCIe Replay Count"),
    )
    if card.device_id is None and card.name is None and card.address is None:
        raise ParseError(f"rocm-smi: nothing tells what card {index} is")
    return card


def _text(own: Values, *keys: str) -> str | None:
    return next((own[key] for key in keys if own.get(key, "") not in _NOT_REPORTED), None)


def _name(own: Values) -> str | None:
    """Old releases print the vendor's number where the name should be."""
    name = _text(own, "Device Name", "Card Series", "Card series")
    return None if name is None or name.startswith("0x") else name


def _number(own: Values, *keys: str) -> float | None:
    value = _text(own, *keys)
    return number(value, f"rocm-smi: {keys[0]}") if value else None


def _whole(own: Values, key: str) -> int | None:
    value = _text(own, key)
    return whole(value, f"rocm-smi: {key}") if value else None


def _pcie(value: str | None) -> tuple[float, int] | None:
    if value is None or value in _NOT_REPORTED:
        return None
    match = _PCIE.fullmatch(value)
    if match is None:
        raise ParseError(f"rocm-smi: the PCIe link is {quoted(value)}")
    return number(match["gts"], "rocm-smi: PCIe speed"), int(match["width"])


def _links(system: Values) -> Mapping[tuple[int, int], Mapping[str, str]]:
    found: dict[tuple[int, int], dict[str, str]] = {}
    for match, value in _link_keys(system):
        found.setdefault((int(match["a"]), int(match["b"])), {})[match["what"]] = value
    return found


def _link_keys(system: Values) -> Iterator[tuple[re.Match[str], str]]:
    for key, value in system.items():
        if match := _LINK.fullmatch(key):
            yield match, value
