"""Which kernel modules a node has, and what its kernel and NVIDIA driver are: loaded ones and built-in ones.

A module that is built in stands in no list of loaded modules, but has a folder below /sys/module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted
from bringup.parsers.remembered import remembered

MODULES = Command(
    """cat "$ROOT"/proc/modules || exit 1
echo "== built in"
for dir in "$ROOT"/sys/module/*; do
  [ -e "$dir/initstate" ] || echo "${dir##*/}"
done
echo "== kernel"
cat "$ROOT"/proc/sys/kernel/osrelease || exit 1
echo "== nvidia"
[ ! -e "$ROOT"/proc/driver/nvidia/version ] || head -n 1 "$ROOT"/proc/driver/nvidia/version
""",
)

_LOADED = re.compile(r"(?P<name>[\w-]{1,64}) [0-9]{1,12} -?[0-9]{1,9} .*", re.ASCII)
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_KERNEL = re.compile(r"(?P<major>[0-9]{1,3})\.(?P<minor>[0-9]{1,4})\b.*")
_NVIDIA = re.compile(
    r"NVRM version: .*?(?P<open>Open )?Kernel Module.*?\s(?P<major>[0-9]{1,4})\.[0-9.]{1,12}\b.*"
)


@dataclass(frozen=True, slots=True)
class Modules:
    """The modules in memory. `kernel` is major and minor; `driver` the NVIDIA driver's major version, None without it.

    `open_driver` is whether the driver is the one with open kernel modules.
    """

    loaded: frozenset[str]
    built_in: frozenset[str]
    kernel: tuple[int, int]
    driver: int | None
    open_driver: bool

    def has(self, name: str) -> bool:
        """Whether a module is in the kernel, loaded or built in."""
        return name in self.loaded or name in self.built_in


@remembered
def parse(text: str) -> Modules:
    """The answer of MODULES. Raises ParseError where a part is missing."""
    loaded, *parts = re.split(r"^== .*\n", text, flags=re.MULTILINE)
    if len(parts) != 3:
        raise ParseError(f"kernel modules: {quoted(text)} is cut off")
    names = [match for line in loaded.splitlines() if (match := _LOADED.fullmatch(line))]
    if len(names) != len(loaded.splitlines()):
        raise ParseError(f"kernel modules: {quoted(loaded)} is no list of modules")
    kernel = _KERNEL.fullmatch(parts[1].strip())
    if kernel is None:
        raise ParseError(f"kernel modules: the kernel is {quoted(parts[1])}")
    driver = _NVIDIA.fullmatch(parts[2].strip())
    if parts[2].strip() and driver is None:
        raise ParseError(f"kernel modules: the NVIDIA driver is {quoted(parts[2])}")
    return Modules(
        loaded=frozenset(match["name"].replace("-", "_") for match in names),
        built_in=frozenset(n.replace("-", "_") for n in parts[0].split() if _NAME.fullmatch(n)),
        kernel=(int(kernel["major"]), int(kernel["minor"])),
        driver=int(driver["major"]) if driver else None,
        open_driver=bool(driver and driver["open"]),
    )
