"""Whether a node reaches servers of other networks (storage, front end, licences): a TCP connection, nothing sent.

With what the node has: `nc -z` (not every nc can do that), else the shell's own /dev/tcp (bash), else Python. All are
tried at once and each has a deadline of its own, so that a firewall which drops packets does not hold the others up.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

DEADLINE_S = 4
_ENDPOINT = re.compile(
    r"(?:(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,200})|\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]):(?P<port>[0-9]{1,5})"
)

_SCRIPT = """means=none
help=$(nc -h 2>&1 </dev/null)
case $help in
*-z*) means=nc ;;
*)
  for name in bash python3; do
    if command -v $name >/dev/null 2>&1; then means=$name; break; fi
  done
  ;;
esac
echo "means=$means"
connect() {
  case $means in
  nc) nc -z -w @DEADLINE@ "$1" "$2" ;;
  bash) bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" ;;
  python3) python3 -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), @DEADLINE@)' \\
    "$1" "$2" ;;
  esac
}
if [ "$means" != none ]; then
  : >"$TMP"/pids
  n=0
  for endpoint in @ENDPOINTS@; do
    n=$((n + 1))
    { connect "${endpoint%:*}" "${endpoint##*:}" >"$TMP/o$n" 2>&1
      echo $? >"$TMP/s$n"; } </dev/null >/dev/null 2>&1 &
    echo "$n $! $endpoint" >>"$TMP"/pids
  done
  waited=0
  while [ "$waited" -lt @TENTHS@ ]; do
    open=
    while read -r n pid endpoint; do [ -s "$TMP/s$n" ] || open=yes; done <"$TMP"/pids
    [ "$open" ] || break
    if sleep 0.1 2>/dev/null; then waited=$((waited + 1)); else sleep 1; waited=$((waited + 10)); fi
  done
  while read -r n pid endpoint; do
    if [ -s "$TMP/s$n" ]; then
      echo "answer $(cat "$TMP/s$n") $endpoint $(tail -n 1 "$TMP/o$n" | tr -c '[:print:]' ' ' | cut -c 1-200)"
    else
      echo "silent $endpoint"
      kill -9 "$pid" 2>/dev/null
    fi
  done <"$TMP"/pids
fi
echo end
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """`answers` tells of each endpoint what was wrong, empty where the connection was made.

    `means` is the program that was used; None where the node has none, and then nothing was tried.
    """

    means: str | None
    answers: Mapping[str, str]


def is_endpoint(text: str) -> bool:
    """Whether a text is `host:port` or `[address]:port`."""
    match = _ENDPOINT.fullmatch(text)
    return match is not None and 0 < int(match["port"]) < 65536


def reach(endpoints: Sequence[str]) -> Command:
    """Tries to connect to each of them."""
    plain: list[str] = []
    for endpoint in endpoints:
        match = _ENDPOINT.fullmatch(endpoint)
        if match is None or not is_endpoint(endpoint):
            raise ValueError(f"{endpoint!r} is no host:port")
        plain.append(f"{match['host'] or match['v6']}:{int(match['port'])}")
    script = _SCRIPT.replace("@ENDPOINTS@", " ".join(shlex.quote(endpoint) for endpoint in plain))
    script = script.replace("@DEADLINE@", str(DEADLINE_S)).replace("@TENTHS@", str((DEADLINE_S + 1) * 10))
    return Command(script, timeout_s=30.0, max_bytes=64 << 10, estimate_s=0.4)


def parse(text: str, endpoints: Sequence[str]) -> Reached:
    """The answer of `reach`. Raises ParseError if it is cut off or does not tell of each endpoint."""
    lines = text.splitlines()
    if len(lines) < 2 or lines[-1] != "end" or not lines[0].startswith("means="):
        raise ParseError(f"endpoints: the answer {quoted(text)} is cut off")
    means = lines[0].removeprefix("means=")
    if means == "none":
        return Reached(None, {})
    said: list[str] = []
    for line in lines[1:-1]:
        key, _, rest = line.partition(" ")
        words = rest.split(" ", 2)
        if key == "answer" and len(words) >= 2:
            status = whole(words[0], "endpoints: the status of an answer")
            why = " ".join(words[2].split()) if len(words) > 2 else ""
            said.append((why.rpartition(": ")[2] or "no connection") if status else "")
        elif key == "silent":
            said.append(f"no answer within {DEADLINE_S + 1} s")
        else:
            raise ParseError(f"endpoints: {quoted(line)} is not known")
    if len(said) != len(endpoints):
        raise ParseError(f"endpoints: {len(said)} answers for {len(endpoints)} endpoints")
    return Reached(means, dict(zip(endpoints, said, strict=True)))
