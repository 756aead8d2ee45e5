"""One program asked about every network interface of the RDMA devices, in one command.

Which interface belongs to which device is only known on the node, so the loop runs there. Each answer stands between
a line with the names and a line with the exit status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

_NONE = "no interface"


def each(program: str, arguments: str, *, after: str = "", root: bool = False) -> Command:
    """Runs `program arguments INTERFACE after` for each interface. Both texts are a check's, never a node's."""
    return Command(
        f"""found=
for net in "$ROOT"/sys/class/infiniband/*/device/net/*; do
  [ -e "$net" ] || continue
  found=yes
  dev=${{net%/device/net/*}}
  echo "=== ${{dev##*/}} ${{net##*/}}"
  {program} {arguments} "${{net##*/}}" {after} 2>&1
  echo "=== status $?"
done
[ -n "$found" ] || echo "=== {_NONE}"
""",
        needs=(program,),
        root=root,
        timeout_s=60.0,
        estimate_s=0.5,
    )


_ETHTOOL = "ethtool"
SETTINGS = each(_ETHTOOL, "")
FEC = each(_ETHTOOL, "--show-fec")
MODULE = each(_ETHTOOL, "-m", root=True)
QOS = each("mlnx_qos", "-i", root=True)
SUPPLICANT = each("wpa_cli", "-i", after="status", root=True)

_HEAD = re.compile(r"=== (?P<dev>[\w.-]{1,64}) (?P<net>[\w.@-]{1,64})", re.ASCII)
_END = re.compile(r"=== status (?P<status>[0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the program said about one interface."""

    device: str
    netdev: str
    status: int
    text: str


def parse(text: str) -> tuple[Answer, ...]:
    """The answers in their order; none only where the text says that there is no interface."""
    found: list[Answer] = []
    head: re.Match[str] | None = None
    body: list[str] = []
    for line in text.splitlines():
        if line == f"=== {_NONE}" and not found:
            return ()
        if end := _END.fullmatch(line):
            if head is None:
                raise ParseError(f"answers of interfaces: {quoted(line)} ends nothing")
            found.append(Answer(head["dev"], head["net"], int(end["status"]), "\n".join(body)))
            head, body = None, []
        elif match := _HEAD.fullmatch(line) if head is None else None:
            head = match
        elif head is not None:
            body.append(line)
        elif line.strip():
            raise ParseError(f"answers of interfaces: {quoted(line)} belongs to no interface")
    if head is not None or not found:
        raise ParseError(f"answers of interfaces: {quoted(text)} is cut off")
    return tuple(found)
