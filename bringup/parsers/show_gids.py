"""`show_gids`: the RoCE addresses of every RDMA port, by index.

The index of an address differs between nodes, so whoever needs one chooses by version and address. The script
belongs to the vendor's driver package; the kernel shows the same below ports/*/gid_attrs. Empty columns leave no
trace in its table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

GIDS = Command("show_gids", needs=("show_gids",), timeout_s=60.0)

_ROW = re.compile(
    r"(?P<dev>[\w.-]{1,64})\s+(?P<port>[0-9]{1,3})\s+(?P<index>[0-9]{1,4})\s+"
    r"(?P<gid>(?:[0-9a-fA-F]{4}:){7}[0-9a-fA-F]{4})(?:\s+(?P<ip>[0-9]{1,3}(?:\.[0-9]{1,3}){3}))?"
    r"(?:\s+(?P<version>v1|v2))?(?:\s+(?P<net>\S{1,64}))?",
    re.ASCII,
)
_END = re.compile(r"n_gids_found=(?P<count>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Gid:
    """One address. None: an empty cell. `version` is v1 (Ethernet frames) or v2 (UDP), None on InfiniBand."""

    device: str
    port: int
    index: int
    gid: str
    ipv4: str | None
    version: str | None
    netdev: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """The addresses in their order. `whole` is False where the line that counts them is missing: cut off."""

    gids: tuple[Gid, ...]
    whole: bool


def parse(text: str) -> Table:
    """The table. Raises ParseError where it has no row and no count, or where they disagree."""
    found: list[Gid] = []
    expected: int | None = None
    for line in text.splitlines():
        words = line.strip()
        if not words or words.startswith(("DEV", "---")):
            continue
        if match := _END.fullmatch(words):
            expected = int(match["count"])
        elif match := _ROW.fullmatch(words):
            found.append(
                Gid(
                    device=match["dev"],
                    port=int(match["port"]),
                    index=int(match["index"]),
                    gid=match["gid"].lower(),
                    ipv4=match["ip"],
                    version=match["version"],
                    netdev=match["net"],
                )
            )
        else:
            raise ParseError(f"show_gids: {quoted(line)} is not known")
    if expected is None and not found:
        raise ParseError(f"show_gids: no address in {quoted(text)}")
    if expected is not None and expected != len(found):
        raise ParseError(f"show_gids lists {len(found)} addresses and counts {expected}")
    return Table(tuple(found), expected is not None)
