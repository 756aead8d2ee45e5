"""`ibdev2netdev`: which network interface belongs to which RDMA port.

A script of the vendor's driver package, missing elsewhere; /sys/class/infiniband/*/device/net tells the same and
`rdma_sysfs` reads it. An Azure front-end card is called mlx5_an0 and is no training port.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import quoted

MAP = Command("ibdev2netdev", needs=("ibdev2netdev",))

_LINE = re.compile(
    rf"(?:(?P<bdf>{bdf.PATTERN}) )?(?P<dev>[\w.-]{{1,64}})(?: .{{1,160}}?)? port (?P<port>[0-9]{{1,3}})(?: \([A-Z_]{{1,16}}\))?"
    r" ==> (?P<net>\S{0,64}) ?\((?P<state>[A-Za-z]{1,16})\)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Binding:
    """One RDMA port and its interface. `state` is the interface's word; `address` is only printed with -v."""

    device: str
    port: int
    netdev: str | None
    state: str
    address: str | None = None


def parse(text: str) -> tuple[Binding, ...]:
    """The ports in their order. Raises ParseError where there is none."""
    found: list[Binding] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ParseError(f"ibdev2netdev: {quoted(line)} is not known")
        address = bdf.normalise(match["bdf"]) if match["bdf"] else None
        found.append(Binding(match["dev"], int(match["port"]), match["net"] or None, match["state"], address))
    if not found:
        raise ParseError("ibdev2netdev printed nothing")
    return tuple(found)
