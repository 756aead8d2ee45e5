"""What a node says about itself: identity, processors, memory, limits, installed tools, software versions.

The commands read files below $ROOT and print `key=value` lines or the files as they are. None always means that the
node did not report the value.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole
from bringup.parsers.remembered import remembered

UNREADABLE = "!unreadable"

# A file that only root may read answers `!unreadable`, one that is absent answers nothing.
_SHOW = f"""show() {{
  if [ -r "$2" ]; then read -r value < "$2"; echo "$1=$value"
  elif [ -e "$2" ]; then echo "$1={UNREADABLE}"
  fi
}}
"""

IDENTITY = Command(
    _SHOW
    + """hostname=$(cat "$ROOT"/proc/sys/kernel/hostname 2>/dev/null || hostname 2>/dev/null || uname -n)
echo "hostname=$hostname"
show boot_id "$ROOT"/proc/sys/kernel/random/boot_id
show serial "$ROOT"/sys/class/dmi/id/product_serial
show product "$ROOT"/sys/class/dmi/id/product_name
show vendor "$ROOT"/sys/class/dmi/id/sys_vendor
echo end=identity
""",
    root=True,
)
"""Who the node is. The serial number needs root."""

CPU = Command(
    """grep -sE '^(processor|physical id|model name|CPU implementer|CPU part)[[:space:]]*:' "$ROOT"/proc/cpuinfo
grep -s . /dev/null "$ROOT"/sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id
exit 0
"""
)

MEMORY = Command(
    """cat "$ROOT"/proc/meminfo
cd "$ROOT"/sys/devices/system/node 2>/dev/null && for node in node[0-9]*; do
  cpus=
  [ -r "$node"/cpulist ] && read -r cpus < "$node"/cpulist
  [ -n "$cpus" ] && sed -n 's/^Node \\([0-9]*\\) MemTotal:/NodeTotal: \\1/p' "$node"/meminfo
done
true
"""
)
"""The whole memory, and that of each NUMA node that has processors: on Grace the GPUs' memory counts to the whole."""

LIMITS = Command('cat "$ROOT"/proc/self/limits\n')
"""The limits of the very shell that runs the tests."""

VERSIONS = Command(
    _SHOW
    + """kernel=$(cat "$ROOT"/proc/sys/kernel/osrelease 2>/dev/null || uname -r)
echo "kernel=$kernel"
show nvidia "$ROOT"/sys/module/nvidia/version
[ -e "$ROOT"/sys/module/nvidia/version ] || awk '/^NVRM version/ {
  for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+[.][0-9]/) { print "nvidia=" $i; exit }
}' "$ROOT"/proc/driver/nvidia/version 2>/dev/null
show amdgpu "$ROOT"/sys/module/amdgpu/version
sed -n 's/^PRETTY_NAME=/os=/p' "$ROOT"/etc/os-release 2>/dev/null
if [ -d "$ROOT"/sys/module/mlx5_core ]; then
  if [ -r "$ROOT"/sys/module/mlx5_core/version ]; then show mlx5 "$ROOT"/sys/module/mlx5_core/version
  else echo mlx5=inbox
  fi
fi
if command -v ofed_info >/dev/null 2>&1; then echo "ofed=$(ofed_info -s)"; else echo ofed=none; fi
show bios "$ROOT"/sys/class/dmi/id/bios_version
microcode=$(sed -n 's/^microcode[[:space:]]*:[[:space:]]*//p' "$ROOT"/proc/cpuinfo 2>/dev/null | sort -u | head -n 4)
[ -z "$microcode" ] || echo "microcode="$microcode
for name in nccl rccl; do
  found=
  for file in "$ROOT"/usr/lib/*/lib$name.so.[0-9]*.* "$ROOT"/usr/lib64/lib$name.so.[0-9]*.* \
    "$ROOT"/usr/local/lib/lib$name.so.[0-9]*.* "$ROOT"/usr/local/cuda/lib64/lib$name.so.[0-9]*.* \
    "$ROOT"/opt/rocm/lib/lib$name.so.[0-9]*.*; do
    [ -e "$file" ] || continue
    version=${file##*/lib$name.so.}
    case " $found " in *" $version "*) ;; *) found="$found${found:+ }$version" ;; esac
  done
  [ -z "$found" ] || echo "$name=$found"
done
echo end=versions
"""
)
"""Versions to compare over the fleet. `inbox`: the kernel's own mlx5 driver, which names no version.

A library can be installed more than once; then all its versions are told. What a container brings along is not seen.
"""


def tools(names: Sequence[str]) -> Command:
    """Where each of these programs is."""
    words = " ".join(shlex.quote(name) for name in names)
    return Command(
        f'for tool in {words}; do\n  echo "$tool=$(command -v "$tool" 2>/dev/null)"\ndone\necho end=tools\n'
    )


# ------------------------------------------------------------------------------------------------ rows


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a node is. `serial_readable` is False where the serial exists but only root may read it.

    `placeholder` is what stands where the serial number should be, if its maker never wrote one.
    """

    hostname: str
    boot_id: str | None = None
    serial: str | None = None
    product: str | None = None
    vendor: str | None = None
    serial_readable: bool = True
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class Cpu:
    """Hardware threads and sockets. `sockets` is None where the kernel does not tell (some virtual machines)."""

    threads: int
    sockets: int | None
    model: str | None


@dataclass(frozen=True, slots=True)
class Bound:
    """The soft limit of a resource: a number of its unit, or none at all."""

    name: str
    soft: int | None
    unit: str

    @property
    def unlimited(self) -> bool:
        return self.soft is None


@dataclass(frozen=True, slots=True)
class Versions:
    """Software versions. `mlx5` is None where the driver is not loaded, `ofed` is "none" without OFED.

    `bios` and `microcode` are the machine's own; `nccl` and `rccl` the installed libraries of collectives.
    """

    kernel: str
    os: str | None = None
    nvidia: str | None = None
    mlx5: str | None = None
    ofed: str | None = None
    bios: str | None = None
    microcode: str | None = None
    nccl: str | None = None
    rccl: str | None = None
    amdgpu: str | None = None


# --------------------------------------------------------------------------------------------- parsers

_NO_SERIAL = re.compile(
    r"|0+|none|n/?a|not (?:specified|available|applicable|provided)|to be filled.*|default string|system serial number"
    r"|unknown|x+|0?123456789",
    re.ASCII | re.IGNORECASE,
)
_PACKAGE = re.compile(r".{0,200}/cpu[0-9]{1,5}/topology/physical_package_id:(?P<id>-?[0-9]{1,6})", re.ASCII)
_LIMIT = re.compile(
    r"Max (?P<name>[a-z ]+?)\s{2,}(?P<soft>\S+)\s+(?P<hard>\S+)(?:\s+(?P<unit>\S+))?\s*", re.ASCII
)
_LAST_LIMIT = "realtime timeout"
"""The kernel's last row of /proc/PID/limits."""


@remembered
def parse_identity(text: str) -> Identity:
    """Who the node is. A placeholder of the maker ("To be filled by O.E.M.") is no serial."""
    own = _pairs(text, "identity")
    if not own.get("hostname"):
        raise ParseError(f"identity: no host name in {quoted(text)}")
    serial = own.get("serial", "")
    readable = serial != UNREADABLE
    real = readable and not _NO_SERIAL.fullmatch(serial)
    return Identity(
        hostname=own["hostname"],
        boot_id=own.get("boot_id") or None,
        serial=serial if real else None,
        product=own.get("product") or None,
        vendor=own.get("vendor") or None,
        serial_readable=readable,
        placeholder=serial if readable and not real else "",
    )


@remembered
def parse_cpu(text: str) -> Cpu:
    """Threads from /proc/cpuinfo; sockets from there or, where it does not tell (Arm), from the topology."""
    threads = 0
    packages: set[str] = set()
    topology: set[str] = set()
    model: str | None = None
    arm: dict[str, str] = {}
    for line in text.splitlines():
        if package := _PACKAGE.fullmatch(line):
            topology.add(package["id"])
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if key == "processor" and colon:
            whole(value, "cpuinfo processor")
            threads += 1
        elif key == "physical id" and colon:
            packages.add(str(whole(value, "cpuinfo physical id")))
        elif key == "model name" and colon:
            model = model or value or None
        elif key in ("CPU implementer", "CPU part") and colon:
            arm.setdefault(key, value)
        elif line.strip():
            raise ParseError(f"cpuinfo: {quoted(line)} is not known")
    if threads == 0:
        raise ParseError(f"cpuinfo: no processor in {quoted(text)}")
    if model is None and len(arm) == 2:  # Arm names its parts by numbers only
        model = f"Arm, implementer {arm['CPU implementer']}, part {arm['CPU part']}"
    known = packages or {p for p in topology if not p.startswith("-")}
    return Cpu(threads, len(known) or None, model)


def parse_memory_kib(text: str) -> int:
    """The memory of the processors in KiB (the files say kB and mean KiB), without that of GPUs."""
    total: int | None = None
    nodes: list[int] = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["MemTotal:"]:
            if len(words) != 3 or words[2] != "kB":
                raise ParseError(f"meminfo: {quoted(line)} is not known")
            total = whole(words[1], "meminfo MemTotal")
        elif words[:1] == ["NodeTotal:"]:
            if len(words) != 4 or words[3] != "kB":
                raise ParseError(f"meminfo: {quoted(line)} is not known")
            nodes.append(whole(words[2], "meminfo of a NUMA node"))
    if total is None:
        raise ParseError(f"meminfo: no MemTotal in {quoted(text)}")
    return min(total, sum(nodes)) if nodes else total


@remembered
def parse_limits(text: str) -> tuple[Bound, ...]:
    """The soft limits of /proc/self/limits."""
    lines = text.splitlines()
    if not lines or lines[0].split() != ["Limit", "Soft", "Limit", "Hard", "Limit", "Units"]:
        raise ParseError(f"limits: {quoted(text)} is not known")
    bounds: list[Bound] = []
    for line in lines[1:]:
        match = _LIMIT.fullmatch(line)
        if match is None:
            raise ParseError(f"limits: {quoted(line)} is not known")
        soft = None if match["soft"] == "unlimited" else whole(match["soft"], f"limit {match['name']}")
        bounds.append(Bound(match["name"], soft, match["unit"] or ""))
    if not bounds or bounds[-1].name != _LAST_LIMIT:
        raise ParseError(f"limits: the table does not end with {_LAST_LIMIT}; it is cut off")
    return tuple(bounds)


def limit_of(bounds: Sequence[Bound], name: str) -> Bound:
    """The limit of this name. Raises ParseError where it is not in the table."""
    for bound in bounds:
        if bound.name == name:
            return bound
    raise ParseError(f"limits: no {name}")


@remembered
def parse_tools(text: str) -> Mapping[str, str | None]:
    """Where each program is; None for one that was not found."""
    return {name: path or None for name, path in _pairs(text, "tools").items()}


@remembered
def parse_versions(text: str) -> Versions:
    """The versions that the node reports."""
    own = _pairs(text, "versions")
    if not own.get("kernel"):
        raise ParseError(f"versions: no kernel in {quoted(text)}")
    return Versions(
        kernel=own["kernel"],
        os=own.get("os", "").strip("\"'") or None,
        nvidia=_readable(own.get("nvidia")),
        mlx5=_readable(own.get("mlx5")),
        ofed=own.get("ofed", "").rstrip(":") or None,
        bios=_readable(own.get("bios")),
        microcode=own.get("microcode") or None,
        nccl=own.get("nccl") or None,
        rccl=own.get("rccl") or None,
        amdgpu=_readable(own.get("amdgpu")),
    )


def _readable(value: str | None) -> str | None:
    return None if value in (None, "", UNREADABLE) else value


def _pairs(text: str, end: str) -> dict[str, str]:
    """The `key=value` lines before the line `end=NAME`, without which the answer is cut off."""
    own: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if not equals or not key:
            raise ParseError(f"{end}: {quoted(line)} is not key=value")
        if key == "end" and value == end:
            return own
        own[key] = value.strip()
    raise ParseError(f"{end}: the answer {quoted(text)} is cut off")
