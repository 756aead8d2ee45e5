"""How fast a node reaches a server of another network (storage, front end) over TCP: iperf3, both ways.

One iperf3 server serves one test at a time and tells everybody else that it is busy, so a node asks again until its
turn comes, and beginning with another port than its neighbours where the server listens on several. iperf3 ends well
whatever happened: its document is read, never its exit status.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import CannotJudge, ParseError
from bringup.parsers import inside, iperf3
from bringup.parsers.inside import Section

WAYS: Mapping[str, str] = {"to": "", "from": "-R"}
"""To the server, and from it."""
_LATE_S = 20
_STREAMS = 4
_GONE = 5
"""So often in a row a server may refuse or reset before it counts as gone."""
_MOST_PORTS = 64
_TARGET = re.compile(
    r"(?:(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,200})|\[(?P<v6>[0-9A-Fa-f:.]{2,45})\])"
    r":(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?(?: gbps (?P<gbps>[0-9]{1,4}(?:\.[0-9]{1,3})?))?"
)

_TURN = """host=@HOST@ left=$(($$ % @COUNT@))
set -- @PORTS@
while [ "$left" -gt 0 ]; do
  first=$1
  shift
  set -- "$@" "$first"
  left=$((left - 1))
done
gone=0
while :; do
  for port in "$@"; do
    $limit iperf3 -c "$host" -p "$port" -t @SECONDS@ -P @STREAMS@ -J @WAY@ >"$TMP/iperf3" 2>&1 </dev/null
    grep -q '@BEGUN@' "$TMP/iperf3" && break 2
    if grep -q '@BUSY@' "$TMP/iperf3"; then
      gone=0
      continue
    fi
    [ "$gone" -lt @GONE@ ] && grep -Eq '@BETWEEN@' "$TMP/iperf3" || break 2
    gone=$((gone + 1))
    sleep 0.5 2>/dev/null || sleep 1
  done
  [ "$(date +%s)" -lt "$until" ] || break
  [ "$gone" -gt 0 ] || sleep $((1 + $$ % 3))
done
cat "$TMP/iperf3"
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A server of iperf3 with its ports. `least_gbps` None: no floor is known."""

    name: str
    host: str
    ports: tuple[int, ...]
    least_gbps: float | None


def target(text: str) -> Target | None:
    """`HOST:PORT`, `HOST:PORT-PORT`, each with ` gbps NUMBER` behind it or not; None for anything else."""
    match = _TARGET.fullmatch(text)
    if match is None:
        return None
    first = int(match["first"])
    last = int(match["last"] or first)
    if not 0 < first <= last < 65536 or last - first >= _MOST_PORTS:
        return None
    least = float(match["gbps"]) if match["gbps"] else None
    return Target(text.split(" ")[0], match["host"] or match["v6"], tuple(range(first, last + 1)), least)


def measure(targets: Sequence[Target], seconds: int, patience_s: int) -> Command:
    """Sends to each server and receives from it, `seconds` each; waits for its turns for `patience_s` in all."""
    script = (
        f"limit=\ncommand -v timeout >/dev/null 2>&1 && limit='timeout {seconds + _LATE_S}'\n"
        f"until=$(($(date +%s) + {patience_s:d}))\n"
    )
    for number, one in enumerate(targets):
        for way, option in WAYS.items():
            body = _TURN
            for word, value in (
                ("@HOST@", shlex.quote(one.host)),
                ("@COUNT@", str(len(one.ports))),
                ("@PORTS@", " ".join(map(str, one.ports))),
                ("@SECONDS@", str(seconds)),
                ("@STREAMS@", str(_STREAMS)),
                ("@WAY@", option),
                ("@BUSY@", iperf3.BUSY),
                ("@BEGUN@", iperf3.BEGUN),
                ("@BETWEEN@", iperf3.BETWEEN),
                ("@GONE@", str(_GONE)),
            ):
                body = body.replace(word, value)
            script += inside.section(f"{way}-{number}", body)
    tests = len(targets) * len(WAYS)
    return Command(
        script,
        timeout_s=patience_s + tests * (seconds + _LATE_S + 5.0) + 30.0,
        max_bytes=4 << 20,
        needs=("iperf3",),
        alone=True,
        estimate_s=tests * (seconds + 1.0),
    )


@dataclass(frozen=True, slots=True)
class Speed:
    """One direction: what arrived, and how often the sender had to send again (None: not told)."""

    gbps: float
    retransmits: int | None


def parse(text: str, number: int, way: str) -> Speed:
    """The speed to or from the target of this number.

    Raises CannotJudge where the test did not take place, with iperf3's own words, and ParseError for anything unknown.
    """
    part = inside.parse(text).one(f"{way}-{number}")
    if part is None or part.status is None:
        raise ParseError("iperf3: the answer is cut off")
    return _speed(part)


def _speed(part: Section) -> Speed:
    body = part.text[part.text.find("{") :] if "{" in part.text else part.text
    if not body.strip():
        raise CannotJudge("iperf3 printed nothing: the server did not answer in time")
    if not body.startswith("{"):
        raise CannotJudge(f"iperf3: {' '.join(body.split())[-200:]}")
    transfer = iperf3.parse(body)
    if transfer.error is not None:
        raise CannotJudge(f"iperf3: {transfer.error[:200]}")
    flow = transfer.forward
    if flow is None or flow.received_gbps is None:
        raise ParseError("iperf3 does not tell what arrived")
    return Speed(flow.received_gbps, flow.retransmits)
