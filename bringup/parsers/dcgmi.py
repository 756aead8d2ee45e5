"""`dcgmi discovery`, `dcgmi topo` and `dcgmi -v`: what NVIDIA's data center tool sees on a node.

`topo` says of two GPUs how they are connected twice: `value` may name the way through the CPU while only `overflow`
tells of the NVLinks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import quoted
from bringup.parsers.reading_json import document_among_lines, items, mapping, words

DISCOVERY = Command("dcgmi discovery -l", needs=("dcgmi",), root=True, timeout_s=60.0)
VERSION = Command("dcgmi -v", needs=("dcgmi",))

_FOUND = re.compile(r"(?P<count>[0-9]{1,4}) (?P<what>[A-Za-z][\w ]{0,30}) found\.", re.ASCII)
_KINDS = ("GPU", "NvSwitch")
_ROW = re.compile(r"\|(?P<id>[^|]{3,12})\|(?P<cell>[^|]+)\|?")
_NAME = re.compile(r"Name: (?P<name>\S.{0,80})")
_BUS = re.compile(rf"PCI Bus ID: (?P<bdf>{bdf.PATTERN})")
_UUID = re.compile(r"Device UUID: (?P<uuid>\S{8,60})")
_VERSION = re.compile(r"[Vv]ersion\s*: (?P<version>[0-9][0-9.]{1,20})")
_TO = re.compile(r"To GPU (?P<gpu>[0-9]{1,3})")
_OF = re.compile(r"GPU ID: (?P<gpu>[0-9]{1,3})")
_LINKS = re.compile(r"NVLINKs?\b.*\(Links: (?P<links>[0-9, ]{1,200})\)")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU by the tool's own number."""

    id: int
    name: str
    address: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found. `switches` None: this version does not say. 0 does not prove that there is none."""

    gpus: tuple[Gpu, ...]
    switches: int | None


def parse_discovery(text: str) -> Discovery:
    """The devices. The count above the table must agree with its rows."""
    counts: dict[str, int] = {}
    gpus: list[Gpu] = []
    table, number = "", -1
    cells: list[str] = []
    for line in (raw.strip() for raw in text.splitlines()):
        if match := _FOUND.fullmatch(line):
            table = next((kind for kind in _KINDS if match["what"].startswith(kind)), match["what"])
            counts[table] = int(match["count"])
        elif (match := _ROW.fullmatch(line)) and table == "GPU":
            if (own := match["id"].strip()).isascii() and own.isdigit():
                number, cells = int(own), []
            cells.append(match["cell"].strip())
        elif line.startswith("+") and cells:
            if number >= 0:
                gpus.append(_gpu(number, cells))
            number, cells = -1, []
    if "GPU" not in counts:
        raise ParseError(f"dcgmi discovery: {quoted(text)} counts no GPU")
    if counts["GPU"] != len(gpus):
        raise ParseError(f"dcgmi discovery counts {counts['GPU']} GPUs and lists {len(gpus)}")
    return Discovery(tuple(gpus), counts.get("NvSwitch"))


def _gpu(number: int, cells: list[str]) -> Gpu:
    name, bus, uuid = (next((m for c in cells if (m := p.fullmatch(c))), None) for p in (_NAME, _BUS, _UUID))
    if name is None or bus is None or uuid is None:
        raise ParseError(f"dcgmi discovery: GPU {number} lacks its name, address or UUID")
    return Gpu(number, name["name"], bdf.normalise(bus["bdf"]), uuid["uuid"])


@dataclass(frozen=True, slots=True)
class Versions:
    """The version of the program, and of the daemon that it asked. None: the daemon did not answer."""

    client: str
    daemon: str | None


def parse_version(text: str) -> Versions:
    """The answer of VERSION."""
    client, heading, daemon = text.partition("Hostengine build info:")
    own = [m["version"] for line in client.splitlines() if (m := _VERSION.fullmatch(line.strip()))]
    other = [m["version"] for line in daemon.splitlines() if (m := _VERSION.fullmatch(line.strip()))]
    if len(own) != 1 or len(other) > 1 or "Build ID" not in client:
        raise ParseError(f"dcgmi -v: {quoted(text)} is not known")
    if heading and not other:
        raise ParseError("dcgmi -v: the daemon's version is cut off")
    return Versions(own[0], other[0] if other else None)


def topo(gpu: int) -> Command:
    """Asks how one GPU is connected to the others."""
    return Command(f"dcgmi topo --gpuid {gpu:d} -j", needs=("dcgmi",), root=True)


@dataclass(frozen=True, slots=True)
class Path:
    """How two GPUs are connected. `nvlinks` are the links of the first one; empty: only the way in `words`."""

    gpu: int
    peer: int
    words: str
    nvlinks: tuple[int, ...]


def parse_topo(text: str) -> tuple[Path, ...]:
    """The paths of one GPU."""
    root = mapping(document_among_lines(text, "dcgmi topo"), "dcgmi topo: the document")
    heads = [words(h, "dcgmi topo: header") for h in items(root.get("header"), "dcgmi topo: header")]
    mine = next((int(m["gpu"]) for head in heads if (m := _OF.fullmatch(head))), None)
    body = mapping(root.get("body"), "dcgmi topo: body")
    paths = [(match, value) for key, value in body.items() if (match := _TO.fullmatch(key))]
    if mine is None or not paths:
        raise ParseError(f"dcgmi topo: {quoted(text)} names no GPU, or no other one")
    return tuple(
        _path(mine, int(match["gpu"]), mapping(value, "dcgmi topo: a path")) for match, value in paths
    )


def _path(gpu: int, peer: int, entry: dict[str, object]) -> Path:
    told = words(entry.get("value"), "dcgmi topo: value")
    more = [
        words(o, "dcgmi topo: overflow") for o in items(entry.get("overflow", []), "dcgmi topo: overflow")
    ]
    links = next((m["links"] for text in (told, *more) if (m := _LINKS.search(text))), "")
    numbers = [part.strip() for part in links.split(",") if part.strip()]
    if any(not number.isdigit() or len(number) > 3 for number in numbers):
        raise ParseError(f"dcgmi topo: links {quoted(links)} are not known")
    return Path(gpu, peer, told, tuple(int(number) for number in numbers))
