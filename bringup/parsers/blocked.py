"""Processes that hang inside the kernel (state D) for as long as the look lasts.

Every process waits for a disk now and then: only one that is in state D, looked at twice a second apart, without
having run in between, is blocked. A node without such a process answers at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted

BLOCKED = Command(
    r"""waiting() {
  cat "$ROOT"/proc/[0-9]*/status 2>/dev/null | awk '
    function told() { if (pid != "" && state == "D") print "blocked " pid " " kind " " runs " " name }
    /^Name:/ { told(); name = $2; pid = ""; state = ""; kind = "kernel"; runs = 0; all++ }
    /^State:/ { state = $2 }
    /^Pid:/ { pid = $2 }
    /^VmSize:/ { kind = "user" }
    /^(non)?voluntary_ctxt_switches:/ { runs += $2 }
    END { told(); print "processes " all + 0 }'
}
waiting >"$TMP"/first
if grep -q '^blocked' "$TMP"/first; then
  sleep 1
  waiting >"$TMP"/second
  grep -Fx -f "$TMP"/first "$TMP"/second | grep '^blocked'
fi
tail -n 1 "$TMP"/first
echo end
""",
    timeout_s=30.0,
    max_bytes=256 << 10,
    estimate_s=0.4,
)

_LINE = re.compile(r"blocked ([0-9]{1,10}) (user|kernel) [0-9]{1,20} ?(.{0,64})")
_ALL = re.compile(r"processes ([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Process:
    """One process that did not run for a second. A kernel thread may wait so by design."""

    pid: int
    name: str
    kernel: bool


def parse(text: str) -> tuple[Process, ...]:
    """The blocked processes in an answer of BLOCKED. Raises ParseError if it is cut off or no process was seen."""
    lines = text.splitlines()
    if len(lines) < 2 or lines[-1] != "end":
        raise ParseError(f"processes: the answer {quoted(text)} is cut off")
    seen = _ALL.fullmatch(lines[-2])
    if seen is None or int(seen[1]) == 0:
        raise ParseError("processes: /proc shows none, so it proves nothing")
    found: list[Process] = []
    for line in lines[:-2]:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"processes: {quoted(line)} is not known")
        found.append(Process(int(match[1]), match[3], match[2] == "kernel"))
    return tuple(found)
