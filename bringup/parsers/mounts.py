"""Network file systems: which are mounted, which should be, and whether each of them answers.

A dead server holds up whoever asks for its files, often beyond any signal. So each mount is asked by a process of its
own, and what has not answered within seconds is left behind.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

DEADLINE_S = 10
_MOST = 128
_PATH = re.compile(r"/[A-Za-z0-9_./+@:,=-]{0,200}")
_KINDS = (
    "^(nfs|nfs4|cifs|smb3|lustre|beegfs|gpfs|ceph|wekafs|glusterfs|orangefs|pvfs2|panfs|afs"
    "|fuse[.](ceph.*|glusterfs|sshfs|juicefs|gcsfuse|s3fs|weka.*|beegfs))$"
)

_SCRIPT = """kinds='@KINDS@'
awk -v kinds="$kinds" '$3 ~ kinds { print $2 }' "$ROOT"/proc/mounts >"$TMP"/network || exit 1
awk -v kinds="$kinds" '$1 !~ /^#/ && $3 ~ kinds && $4 !~ /(^|,)(noauto|x-systemd[.]automount)(,|$)/ { print $2 }' \\
  "$ROOT"/etc/fstab >"$TMP"/fstab 2>/dev/null
for at in @PLANNED@; do echo "$at"; done >"$TMP"/planned
sort -u "$TMP"/network "$TMP"/fstab "$TMP"/planned | grep . >"$TMP"/all
head -n @MOST@ "$TMP"/all >"$TMP"/asked
: >"$TMP"/pids
n=0
while read -r at; do
  n=$((n + 1))
  { ls -d "$ROOT$at"/. >/dev/null 2>"$TMP/e$n" && df -Pk "$ROOT$at" >/dev/null 2>"$TMP/e$n"
    echo $? >"$TMP/s$n"; } </dev/null >/dev/null 2>&1 &
  echo "$n $! $at" >>"$TMP"/pids
done <"$TMP"/asked
waited=0
while [ "$waited" -lt @TENTHS@ ]; do
  open=
  while read -r n pid at; do [ -s "$TMP/s$n" ] || open=yes; done <"$TMP"/pids
  [ "$open" ] || break
  if sleep 0.1 2>/dev/null; then waited=$((waited + 1)); else sleep 1; waited=$((waited + 10)); fi
done
while read -r n pid at; do
  if [ -s "$TMP/s$n" ]; then
    echo "answer $(cat "$TMP/s$n") $at $(tr -c '[:print:]' ' ' <"$TMP/e$n" | cut -c 1-200)"
  else
    echo "silent $at"
    kill -9 "$pid" 2>/dev/null
  fi
done <"$TMP"/pids
sed 's/^/fstab /' "$TMP"/fstab
awk -v kinds="$kinds" '{ print ($3 ~ kinds ? "network " : "mounted ") $2 " " $1 " " $3 }' "$ROOT"/proc/mounts
echo "count $(wc -l <"$TMP"/all)"
echo end
"""


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted network file system: where, what is mounted there, and its kind."""

    at: str
    device: str
    kind: str


@dataclass(frozen=True, slots=True)
class Mounts:
    """`answers` tells of each place that was asked what it said: empty when it answered well, else what was wrong.

    `in_fstab` are the network file systems that the node mounts at boot; `mounted` are all places where anything is
    mounted. `unasked` is how many there were beyond those that were asked.
    """

    network: tuple[Mount, ...]
    mounted: frozenset[str]
    in_fstab: tuple[str, ...]
    answers: Mapping[str, str]
    unasked: int


def is_place(path: str) -> bool:
    """Whether a text can be a place of the plan: an absolute path without blanks or signs of the shell."""
    return bool(_PATH.fullmatch(path))


def ask(planned: Sequence[str]) -> Command:
    """Asks all network mounts of the node and the planned ones."""
    for path in planned:
        if not is_place(path):
            raise ValueError(f"{path!r} is no place of a mount")
    script = _SCRIPT.replace("@KINDS@", _KINDS).replace("@MOST@", str(_MOST))
    script = script.replace("@TENTHS@", str(DEADLINE_S * 10))
    script = script.replace("@PLANNED@", " ".join(shlex.quote(path) for path in planned))
    return Command(script, timeout_s=45.0, max_bytes=512 << 10, needs=("df",), estimate_s=0.4)


def parse(text: str) -> Mounts:
    """The answer of `ask`. Raises ParseError if it is cut off or not understood."""
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"mounts: the answer {quoted(text)} is cut off")
    network: list[Mount] = []
    mounted: set[str] = set()
    fstab: list[str] = []
    answers: dict[str, str] = {}
    count: int | None = None
    for line in lines[:-1]:
        key, _, rest = line.partition(" ")
        words = rest.split(" ", 2)
        if key == "answer" and len(words) >= 2:
            status = whole(words[0], "mounts: the status of an answer")
            said = " ".join(words[2].split()) if len(words) > 2 else ""
            answers[words[1]] = (said or f"status {status}") if status else ""
        elif key == "silent" and rest:
            answers[rest] = f"no answer within {DEADLINE_S} s"
        elif key == "fstab" and rest:
            fstab.append(rest)
        elif key in ("network", "mounted") and len(words) == 3:
            mounted.add(words[0])
            if key == "network":
                network.append(Mount(words[0], words[1], words[2]))
        elif key == "count":
            count = whole(rest.strip(), "mounts: their number")
        else:
            raise ParseError(f"mounts: {quoted(line)} is not known")
    if count is None:
        raise ParseError("mounts: their number is missing")
    return Mounts(
        tuple(network), frozenset(mounted), tuple(dict.fromkeys(fstab)), answers, count - len(answers)
    )
