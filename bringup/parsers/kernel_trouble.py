"""What else goes wrong in a kernel log, beside GPUs and the PCI bus: memory, disks, file systems, hangs, crashes.

Only sentences that name trouble by themselves are known here. A healthy boot is full of words like "error" and
"failed", so nothing is found by such words alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bringup.parsers.kernel_log import KernelLog, opening
from bringup.parsers.kernel_log import parse as parse_events
from bringup.parsers.kernel_records import Record
from bringup.parsers.remembered import remembered


class Kind(StrEnum):
    """What a record is about; the value is how people call it."""

    MACHINE_CHECK = "machine check"
    MEMORY_ERROR = "memory error"
    HUNG_TASK = "hung task"
    LOCKUP = "lockup"
    CRASH = "kernel bug"
    OUT_OF_MEMORY = "out of memory"
    DISK = "disk error"
    FILE_SYSTEM = "file system error"
    ADAPTER = "adapter failure"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One record. `corrected`: the hardware repaired it. `age_s` is None where the record has no usable stamp."""

    kind: Kind
    text: str
    age_s: float | None
    corrected: bool = False


_SENTENCES: dict[Kind, tuple[str, ...]] = {
    Kind.MACHINE_CHECK: (
        r"mce: \[Hardware Error\]",
        r"\bMachine [Cc]heck(?: Exception)?:",
        r"\[Hardware Error\]: (?:event severity|Corrected error|Uncorrected error|.{0,80}\bMC[0-9]{1,3}_STATUS)",
    ),
    Kind.MEMORY_ERROR: (r"EDAC .{0,40}\b[0-9]{1,9} [CU]E\b", r"\bMemory failure: 0x[0-9a-f]+"),
    Kind.HUNG_TASK: (r"INFO: task .{1,80} blocked for more than [0-9]{1,6} seconds",),
    Kind.LOCKUP: (
        r"BUG: soft lockup",
        r"\bhard LOCKUP\b",
        r"rcu: INFO: .{0,40}(?:stall|detected)",
        r"INFO: rcu_.{0,40}stall",
        r"NMI watchdog: Watchdog detected",
    ),
    Kind.CRASH: (
        r"\bkernel BUG at\b",
        r"\bBUG: (?:kernel NULL pointer|unable to handle|scheduling while atomic|Bad page)",
        r"\bOops: ",
        r"general protection fault",
        r"Kernel panic",
    ),
    Kind.OUT_OF_MEMORY: (
        r"Out of memory: Kill",
        r"invoked oom-killer",
        r"Memory cgroup out of memory",
    ),
    Kind.DISK: (
        r"\bI/O error, dev \w{1,32}",
        r"Buffer I/O error on dev",
        r"nvme nvme[0-9]{1,4}: (?:I/O .{0,40}timeout|controller is down|Device not ready)",
        r"nvme nvme[0-9]{1,4}: Removing after probe failure",
        r"critical medium error",
    ),
    Kind.FILE_SYSTEM: (
        r"EXT4-fs error",
        r"EXT4-fs \(.{1,40}\): Remounting filesystem read-only",
        r"XFS \(.{1,40}\): (?:Corruption|Metadata (?:CRC|corruption)|.{0,60}[Ss]hutting down)",
        r"BTRFS:? error",
    ),
    Kind.ADAPTER: (
        r"mlx5_core .{1,60}(?:health poll failed|assert_var|device's health compromised|Health issue)",
        r"mlx5_core .{1,60}(?:wait_func.{0,60}timeout|firmware fatal error)",
        r"NETDEV WATCHDOG: ",
    ),
}
PATTERNS = {kind: re.compile("|".join(words)) for kind, words in _SENTENCES.items()}
TELLTALE = (
    "[Hardware Error]",
    "achine check",
    "achine Check",
    "EDAC ",
    "Memory failure: ",
    "INFO: ",
    "BUG",
    "LOCKUP",
    "Watchdog detected",
    "Oops: ",
    "general protection fault",
    "Kernel panic",
    "ut of memory",
    "invoked oom-killer",
    "I/O error",
    "nvme nvme",
    "critical medium error",
    "EXT4-fs ",
    "XFS (",
    "BTRFS",
    "mlx5_core ",
    "NETDEV WATCHDOG: ",
)
"""Each sentence above holds one of these: a glance that spares most records their patterns."""
_STATUS = re.compile(r"\bBank [0-9]{1,3}: ([0-9a-f]{16})\b|_STATUS\[?[^:]{0,60}\]?: 0x([0-9a-f]{16})")
_UNCORRECTED_BIT = 61
_SEVERE = re.compile(
    r"[Uu]ncorrect|context corrupt|[Ff]atal|\b[0-9]{1,9} UE\b|Machine [Cc]heck Exception|Memory failure:"
)
_MOST_CHARS = 160


@remembered
def parse(text: str) -> tuple[KernelLog, tuple[Trouble, ...]]:
    """The log in an answer of kernel_log.LOG and what it tells of trouble. Raises ParseError as kernel_log does."""
    log = parse_events(text)
    _, _, records = opening(text)
    return log, tuple(t for r in records if (t := _trouble(r, log)) is not None)


def _trouble(record: Record, log: KernelLog) -> Trouble | None:
    kind = _kind(record.text)
    if kind is None:
        return None
    age = record.age_s(log.now, log.uptime_s)
    repaired = kind in (Kind.MACHINE_CHECK, Kind.MEMORY_ERROR) and not _severe(record.text)
    return Trouble(kind, record.text[:_MOST_CHARS], age, repaired)


@lru_cache(maxsize=4096)
def _kind(text: str) -> Kind | None:
    """What a message means. Nodes of a kind write the same while they boot, so most messages come again."""
    if not any(part in text for part in TELLTALE):
        return None
    return next((kind for kind, pattern in PATTERNS.items() if pattern.search(text)), None)


def _severe(text: str) -> bool:
    """Whether an error was not repaired: by the bit of its status that says so, else by its words."""
    if status := _STATUS.search(text):
        return bool(int(status[1] or status[2], 16) >> _UNCORRECTED_BIT & 1)
    return _SEVERE.search(text) is not None
