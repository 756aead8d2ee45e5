"""What programs of tenants leave behind: files in places for temporary ones, shared memory, huge pages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

_MOST = 50

FILES = Command(
    """me=${SUDO_UID:-$(id -u)}
for place in /dev/shm /tmp /var/tmp; do
  cd "$ROOT$place" 2>/dev/null || continue
  echo "@ $place"
  find . ! -name . -prune \\( -type d -o -type f -size +0 \\) -exec ls -dn {} + 2>/dev/null
done | awk -v me="$me" '
$1 == "@" { place = $2; next }
{
  name = $0
  for (i = 1; i <= 8; i++) sub(/^[^ ]+ +/, "", name)
  sub(/^[.][/]/, "", name)
  if (name ~ /^bringup[.-]/) next
  foreign = $3 >= 1000 && ($3 < 60000 || $3 > 65535) && $3 != me
  shared = place == "/dev/shm" && name ~ /^(nccl-|rccl-|torch_|psm2_shm|sem[.]mp-|pymp-|ompi|vader_segment|cuda[.]shm)/
  if (!foreign && !shared) next
  total++
  size = $1 ~ /^d/ ? 0 : $5
  bytes += size
  if (total <= @MOST@) print ($1 ~ /^d/ ? "folder " : "file ") $3 " " size " " place "/" name
}
END { printf "total %d %.0f\\n", total, bytes; print "end" }'
""".replace("@MOST@", str(_MOST)),
    root=True,
    max_bytes=256 << 10,
)
"""Files and folders of users that are not the login, and shared memory of collectives whoever owns it.

Only what lies right in these places is listed: a folder can hold millions of files.
"""

MEMORY = Command(
    """grep -E '^HugePages_(Total|Free|Rsvd):' "$ROOT"/proc/meminfo
if [ -r "$ROOT"/proc/sysvipc/shm ]; then
  echo segments=read
  awk 'NR > 1 && $7 == 0 { print "segment " $2 " " $4 " " $8 }' "$ROOT"/proc/sysvipc/shm
fi
echo end
""",
    max_bytes=256 << 10,
)
"""Huge pages in use, and System V shared memory to which no process is attached."""

_HUGE = re.compile(r"HugePages_(Total|Free|Rsvd):\s+([0-9]{1,15})(?: kB)?\s*")


@dataclass(frozen=True, slots=True)
class File:
    """One file or folder that somebody left. The size of a folder is not known."""

    uid: int
    size_bytes: int | None
    path: str


@dataclass(frozen=True, slots=True)
class Files:
    """`named` are the first of them; `total` and `total_bytes` count all."""

    named: tuple[File, ...]
    total: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Shared memory that nobody uses any more."""

    id: int
    size_bytes: int
    uid: int


@dataclass(frozen=True, slots=True)
class Memory:
    """`huge_pages` in use, None where the kernel has none of them; `segments` None where it does not tell."""

    huge_pages: int | None
    segments: tuple[Segment, ...] | None


def parse_files(text: str) -> Files:
    """The answer of FILES. Raises ParseError if it is cut off or not understood."""
    named: list[File] = []
    total: tuple[int, int] | None = None
    for line in _before_end(text, "leftover files"):
        cells = line.split(" ", 3)
        if cells[0] in ("file", "folder") and len(cells) == 4:
            uid, size = whole(cells[1], "owner of a file"), whole(cells[2], "size of a file")
            named.append(File(uid, size if cells[0] == "file" else None, cells[3][:300]))
        elif cells[0] == "total" and len(cells) == 3:
            total = whole(cells[1], "number of files"), whole(cells[2], "size of all files")
        else:
            raise ParseError(f"leftover files: {quoted(line)} is not known")
    if total is None or total[0] < len(named):
        raise ParseError("leftover files: their number is missing")
    return Files(tuple(named), *total)


def parse_memory(text: str) -> Memory:
    """The answer of MEMORY. Raises ParseError if it is cut off or not understood."""
    huge: dict[str, int] = {}
    segments: list[Segment] = []
    told = False
    for line in _before_end(text, "shared memory"):
        cells = line.split()
        if match := _HUGE.fullmatch(line):
            huge[match[1]] = int(match[2])
        elif line == "segments=read":
            told = True
        elif cells[:1] == ["segment"] and len(cells) == 4:
            segments.append(Segment(*(whole(cell, "shared memory segment") for cell in cells[1:])))
        else:
            raise ParseError(f"shared memory: {quoted(line)} is not known")
    used = huge["Total"] - huge["Free"] if {"Total", "Free"} <= huge.keys() else None
    return Memory(used, tuple(segments) if told else None)


def _before_end(text: str, what: str) -> list[str]:
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"{what}: the answer {quoted(text)} is cut off")
    return lines[:-1]
