"""What only the capabilities of a PCI device tell: access control (ACS) of bridges, the size of read requests.

`lspci` shows them to root alone. Without root's rights it says so for every device, and an ACS line that is missing
then means nothing: `hidden` keeps the two apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import quoted
from bringup.parsers.remembered import remembered

CAPABILITIES = Command(
    "lspci -D -vvv | grep -E '^[0-9a-fA-F]|ACSCtl:|MaxReadReq|<access denied>|Express \\('",
    timeout_s=30.0,
    max_bytes=1 << 20,
    needs=("lspci",),
    root=True,
    estimate_s=1.0,
)

_HEAD = re.compile(rf"({bdf.PATTERN}) [A-Za-z0-9].{{0,300}}")
_ACS = re.compile(r"\b(\w{1,20})([+-])")
_READ = re.compile(r"MaxReadReq ([0-9]{1,5}) bytes")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One device. `acs` are the functions that are switched on, None where the device has no access control.

    `read_request` is in bytes, None where the device has none. With `hidden` both are unknown.
    """

    address: str
    acs: frozenset[str] | None
    read_request: int | None
    hidden: bool


@remembered
def parse(text: str) -> tuple[Capabilities, ...]:
    """The devices in an answer of CAPABILITIES. Raises ParseError for anything else."""
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _HEAD.fullmatch(line.rstrip())
        if match is not None:
            blocks.append((bdf.normalise(match[1]), []))
        elif blocks and line[0] in " \t":
            blocks[-1][1].append(line.strip())
        else:
            raise ParseError(f"lspci printed {quoted(line)}")
    if not blocks:
        raise ParseError("lspci printed nothing")
    return tuple(_device(address, lines) for address, lines in blocks)


def _device(address: str, lines: list[str]) -> Capabilities:
    acs = next((line for line in lines if line.startswith("ACSCtl:")), None)
    read = next((m for line in lines if (m := _READ.search(line))), None)
    return Capabilities(
        address=address,
        acs=None if acs is None else frozenset(name for name, sign in _ACS.findall(acs) if sign == "+"),
        read_request=int(read[1]) if read else None,
        hidden=any("<access denied>" in line for line in lines),
    )
