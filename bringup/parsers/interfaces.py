"""Network interfaces by name, as the kernel shows them: state, MTU and speed. For networks other than the fabric."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

INTERFACES = Command(
    """cd "$ROOT"/sys/class/net || exit 1
for name in *; do
  [ -e "$name/operstate" ] || continue
  speed=$(cat "$name"/speed 2>/dev/null)
  echo "$name $(cat "$name"/operstate 2>/dev/null) $(cat "$name"/mtu 2>/dev/null || echo -) ${speed:--}"
done
echo end
""",
    max_bytes=256 << 10,
)

_ROW = re.compile(
    r"(?P<name>\S{1,32}) (?P<state>[a-z-]{1,20}) (?P<mtu>[0-9]{1,7}|-) (?P<speed>-?[0-9]{1,9}|-)"
)


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface. `mtu` and `speed_mbps` are None where the kernel does not tell, as for a link that is down."""

    state: str
    mtu: int | None
    speed_mbps: int | None


def parse(text: str) -> Mapping[str, Interface]:
    """The interfaces by name. Raises ParseError if the answer is cut off or not understood."""
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"interfaces: the answer {quoted(text)} is cut off")
    found: dict[str, Interface] = {}
    for line in lines[:-1]:
        row = _ROW.fullmatch(line)
        if row is None:
            raise ParseError(f"interfaces: {quoted(line)} is not known")
        mtu, speed = row["mtu"], row["speed"]
        found[row["name"]] = Interface(
            row["state"],
            int(mtu) if mtu != "-" else None,
            int(speed) if speed != "-" and int(speed) > 0 else None,
        )
    return found
