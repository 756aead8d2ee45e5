"""Host: NCCL and MPI exchange data inside a node through /dev/shm; a small one ends them in odd ways."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import storage

_KIB_PER_GIB = 1 << 20


class Shm(Check[Node]):
    """The shared memory file system is as large as the profile asks."""

    id = "host.shm"
    stage = Stage.HOST
    faults = (
        Fault(
            "SHM-SIZE",
            "/dev/shm is too small on {node}",
            "mount /dev/shm with a larger size= on {node} (or give the container --shm-size)",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, storage.FILESYSTEMS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.shm")
        mounts, sizes = storage.parse_filesystems(out.text(target, storage.FILESYSTEMS))
        if not any(mount.at == "/dev/shm" for mount in mounts):
            yield Finding("SHM-SIZE", "nothing is mounted at /dev/shm", target.name)
            return
        size = next((size for size in sizes if size.at == "/dev/shm"), None)
        if size is None:
            raise CannotJudge("df does not tell the size of /dev/shm")
        gib = round(size.total_kib / _KIB_PER_GIB, 1)
        yield Measurement("shared memory", gib, "GiB", target.name, limit)
