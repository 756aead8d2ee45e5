"""Host: a full disk ends jobs with strange words, and one that turned read-only has had errors."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import storage
from bringup.parsers.storage import Mount

_MEANT = ("/boot", "/usr", "/nix", "/sysroot", "/snap", "/media", "/cdrom")
"""Below these some distributions mount read-only on purpose."""
_SKIPPED = ("overlay", "squashfs", "tmpfs", "erofs")
_RULE = Limit("host.disk.read_only", "==", 0, "", why="a disk turns read-only after errors", source="rule")


class Disk(Check[Node]):
    """No local file system is nearly full, and none has turned read-only."""

    id = "host.disk"
    stage = Stage.HOST
    faults = (
        Fault(
            "DISK-FULL",
            "a file system of {node} is nearly full",
            "clean up the file system on {node}, or move what fills it",
            Who.SOFTWARE,
            Severity.MONITOR,
        ),
        Fault(
            "ROOT-READ-ONLY",
            "the root file system of {node} turned read-only",
            "read the kernel log of {node} {place} for errors of the disk; check the file system, replace a failing disk",
        ),
        Fault(
            "DISK-READ-ONLY",
            "a file system of {node} is mounted read-only",
            "read the kernel log of {node} {place} for errors of the disk; check the file system, replace a failing disk",
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, storage.FILESYSTEMS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.disk.used")
        mounts, sizes = storage.parse_filesystems(out.text(target, storage.FILESYSTEMS))
        frozen = [mount for mount in mounts if _turned_read_only(mount, mounts)]
        for mount in frozen:
            message = f"{mount.device} ({mount.kind}) at {mount.at} is read-only"
            yield Finding("ROOT-READ-ONLY" if mount.at == "/" else "DISK-READ-ONLY", message, target.name)
        disks = [size for size in sizes if size.at != "/dev/shm"]
        if not disks:
            raise CannotJudge("df tells of no local file system")
        if not frozen:
            yield Measurement("read-only", 0, "", target.name, _RULE, "DISK-READ-ONLY")
        for size in disks:
            yield Measurement(f"used {size.at}", size.used_percent, "%", target.name, limit, "DISK-FULL")


def _turned_read_only(mount: Mount, mounts: tuple[Mount, ...]) -> bool:
    """Read-only, not by design, and the same device is not writable elsewhere (a bind mount)."""
    if not mount.read_only or mount.kind in _SKIPPED:
        return False
    if any(mount.at == meant or mount.at.startswith(meant + "/") for meant in _MEANT):
        return False
    return not any(other.device == mount.device and not other.read_only for other in mounts)
