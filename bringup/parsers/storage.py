"""Local file systems, shared memory and NVMe drives: what is mounted, how full, how many drives answer.

Only local file systems are asked for their size: a dead network mount would hold the command up, and what it says
about is the server's disk, not the node's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole
from bringup.parsers.remembered import remembered

FILESYSTEMS = Command(
    r"""awk '$3 ~ /^(ext[234]|xfs|btrfs|f2fs|zfs)$/ || $2 == "/dev/shm" || ($2 == "/tmp" && $3 == "tmpfs") ||
  ($2 == "/" && $3 !~ /^(nfs|rootfs)/) {
  print "mount " $2 " " $1 " " $3 " " $4
}' "$ROOT"/proc/mounts >"$TMP"/mounts || exit 1
cat "$TMP"/mounts
set --
for at in $(awk '!seen[$4 == "tmpfs" ? $2 : $3 " " $4]++ { print $2 }' "$TMP"/mounts); do
  case $at in *\\*) ;; *) set -- "$@" "$ROOT$at" ;; esac
done
[ $# = 0 ] || df -Pk "$@" | awk -v root="$ROOT" 'NR > 1 {
  at = $6
  if (root != "" && index(at, root) == 1) at = substr(at, length(root) + 1)
  print "size " (at == "" ? "/" : at) " " $2 " " $3 " " $5
}'
echo end
""",
    timeout_s=20.0,
    max_bytes=256 << 10,
    needs=("df",),
)
"""Every local mount once with its device and options, then the sizes of each device's first mount.

Of what lies in memory, shared memory and temporary files: each tmpfs is a device of its own.
"""

NVME = Command(
    """cd "$ROOT"/sys/class/nvme 2>/dev/null && grep -Hs . nvme[0-9]*/transport nvme[0-9]*/state nvme[0-9]*/model \
nvme[0-9]*/serial nvme[0-9]*/firmware_rev
echo end
""",
    max_bytes=256 << 10,
)

_NVME = re.compile(r"(nvme[0-9]{1,4})/(transport|state|model|serial|firmware_rev):(.{0,100})")
_PERCENT = re.compile(r"([0-9]{1,3})%")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted local file system."""

    at: str
    device: str
    kind: str
    options: tuple[str, ...]

    @property
    def read_only(self) -> bool:
        return "ro" in self.options


@dataclass(frozen=True, slots=True)
class Size:
    """`used_percent` is what df says: blocks that only root may use count as used."""

    at: str
    total_kib: int
    used_kib: int
    used_percent: int


@dataclass(frozen=True, slots=True)
class Nvme:
    """One NVMe controller. None: the kernel has no such file."""

    name: str
    transport: str | None
    state: str | None
    model: str | None
    serial: str | None
    firmware: str | None


@remembered
def parse_filesystems(text: str) -> tuple[tuple[Mount, ...], tuple[Size, ...]]:
    """Mounts and sizes in an answer of FILESYSTEMS. Raises ParseError if it is cut off or not understood."""
    mounts: list[Mount] = []
    sizes: list[Size] = []
    for line in _before_end(text, "file systems"):
        words = line.split()
        if words[:1] == ["mount"] and len(words) == 5:
            mounts.append(Mount(words[1], words[2], words[3], tuple(words[4].split(","))))
        elif words[:1] == ["size"] and len(words) == 5:
            percent = _PERCENT.fullmatch(words[4])
            if percent is None:
                raise ParseError(f"file systems: {quoted(line)} has no percentage")
            sizes.append(
                Size(words[1], whole(words[2], "size"), whole(words[3], "used space"), int(percent[1]))
            )
        else:
            raise ParseError(f"file systems: {quoted(line)} is not known")
    return tuple(mounts), tuple(sizes)


@remembered
def parse_nvme(text: str) -> tuple[Nvme, ...]:
    """The controllers in an answer of NVME; none is an answer too."""
    files: dict[str, dict[str, str]] = {}
    for line in _before_end(text, "NVMe drives"):
        match = _NVME.fullmatch(line)
        if match is None:
            raise ParseError(f"NVMe drives: {quoted(line)} is not known")
        files.setdefault(match[1], {})[match[2]] = " ".join(match[3].split())
    return tuple(
        Nvme(
            name,
            own.get("transport"),
            own.get("state"),
            own.get("model"),
            own.get("serial"),
            own.get("firmware_rev"),
        )
        for name, own in sorted(files.items(), key=lambda item: int(item[0][4:]))
    )


def _before_end(text: str, what: str) -> list[str]:
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"{what}: the answer {quoted(text)} is cut off")
    return lines[:-1]
