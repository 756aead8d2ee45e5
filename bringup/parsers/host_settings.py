"""Settings of the operating system that change how fast or how steadily a node computes, from /proc and /sys alone.

One command serves all checks of settings. None always means that the kernel does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole
from bringup.parsers.remembered import remembered

SETTINGS = Command(
    """count() { sort | uniq -c | while read -r n word; do echo "$1=$n $word"; done; }
if [ -r "$ROOT"/proc/cmdline ]; then echo "cmdline=$(cat "$ROOT"/proc/cmdline)"; fi
if grep -qs '^flags.* hypervisor' "$ROOT"/proc/cpuinfo || [ -e "$ROOT"/sys/hypervisor/type ]; then echo virtual=yes
else echo virtual=no
fi
if [ -d "$ROOT"/sys/kernel/iommu_groups ]; then
  echo iommu_known=yes
  cat "$ROOT"/sys/kernel/iommu_groups/*/type 2>/dev/null | count iommu
  ls "$ROOT"/sys/kernel/iommu_groups | sed 's/.*/group/' | count iommu_groups
fi
if [ -r "$ROOT"/proc/sys/kernel/numa_balancing ]; then
  echo "numa_balancing=$(cat "$ROOT"/proc/sys/kernel/numa_balancing)"
fi
cat "$ROOT"/sys/devices/system/cpu/cpufreq/policy[0-9]*/scaling_governor 2>/dev/null | count governor
if [ -r "$ROOT"/proc/swaps ]; then
  echo swaps=read
  awk 'NR > 1 && NF >= 3 { print "swap=" $3 " " $1 }' "$ROOT"/proc/swaps
fi
echo end=settings
""",
    max_bytes=256 << 10,
)

_LOCAL_WORDS = re.compile(
    r"BOOT_IMAGE=.*|initrd=.*|root=.*|rootflags=.*|resume=.*|resume_offset=.*|rd\..*|ip=.*|ifname=.*|BOOTIF=.*"
    r"|crashkernel=.*|hostname=.*|systemd\.hostname=.*|ds=.*|cloud-config-url=.*|ostree=.*|inst\..*|ro|rw",
    re.ASCII,
)
"""Words that name the node's own disk, network or image; they differ between equal nodes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`iommu` counts the device groups by how their addresses are treated; None where the kernel does not tell.

    `iommu_groups` is the number of groups: without any, no IOMMU is in use. `governors` counts
    groups of processors that share a clock.
    """

    cmdline: tuple[str, ...] | None
    virtual: bool
    iommu: Mapping[str, int] | None
    iommu_groups: int | None
    numa_balancing: int | None
    governors: Mapping[str, int]
    swaps: tuple[Swap, ...] | None

    @property
    def iommu_mode(self) -> str | None:
        """off, passthrough or translating; from the groups where the kernel tells, else from the command line."""
        if self.iommu_groups == 0:
            return "off"
        if self.iommu:
            return "passthrough" if set(self.iommu) == {"identity"} else "translating"
        return None if self.cmdline is None else _asked_for(self.cmdline)

    @property
    def common_cmdline(self) -> str | None:
        """The command line without the words that belong to one node only, sorted: equal on equal nodes."""
        if self.cmdline is None:
            return None
        return " ".join(sorted(w for w in self.cmdline if not _LOCAL_WORDS.fullmatch(w)))


@dataclass(frozen=True, slots=True)
class Swap:
    """One swap area in use."""

    name: str
    kib: int


@remembered
def parse(text: str) -> Settings:
    """The settings in an answer of SETTINGS. Raises ParseError if it is cut off or holds an unknown line."""
    single: dict[str, str] = {}
    counts: dict[str, dict[str, int]] = {"iommu": {}, "governor": {}, "iommu_groups": {}}
    swaps: list[Swap] = []
    ended = False
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if not equals:
            raise ParseError(f"settings: {quoted(line)} is not key=value")
        if key in counts:
            number, _, word = value.strip().partition(" ")
            counts[key][word.strip()] = whole(number, f"settings {key}")
        elif key == "swap":
            size, _, name = value.partition(" ")
            swaps.append(Swap(name[:200], whole(size, "size of a swap area")))
        elif key in ("cmdline", "virtual", "iommu_known", "numa_balancing", "swaps", "end"):
            single[key] = value.strip()
        else:
            raise ParseError(f"settings: {quoted(line)} is not known")
        ended = ended or line == "end=settings"
    if not ended or single.get("virtual") not in ("yes", "no"):
        raise ParseError(f"settings: the answer {quoted(text)} is cut off")
    told = "iommu_known" in single
    balancing = single.get("numa_balancing")
    return Settings(
        cmdline=tuple(single["cmdline"].split()) if "cmdline" in single else None,
        virtual=single["virtual"] == "yes",
        iommu=counts["iommu"] or None,
        iommu_groups=counts["iommu_groups"].get("group", 0) if told else None,
        numa_balancing=None if balancing is None else whole(balancing, "numa_balancing"),
        governors=counts["governor"],
        swaps=tuple(swaps) if "swaps" in single else None,
    )


def _asked_for(words: tuple[str, ...]) -> str | None:
    """What the command line asks of the IOMMU. None where it says nothing: then the kernel's build decides."""
    asked = None
    for word in words:
        name, _, value = word.partition("=")
        if name not in ("iommu", "intel_iommu", "amd_iommu", "iommu.passthrough"):
            continue
        options = value.split(",")
        if "pt" in options or (name == "iommu.passthrough" and value == "1"):
            return "passthrough"
        if "off" in options:
            asked = "off"
        elif ("on" in options or "force" in options or value == "0") and asked is None:
            asked = "translating"
    return asked
