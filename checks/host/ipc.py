"""Host: memory that a program asked for and never gave back is missing until the next boot."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage, Weight
from bringup.parsers import leftovers

_NAMED = 5


class Ipc(Check[Node]):
    """No huge pages are in use while the node rests, and no shared memory is left that nobody is attached to.

    A site whose storage client works with huge pages raises `host.hugepages.used` in its profile.
    """

    id = "host.ipc"
    stage = Stage.HOST
    level = Level.STANDARD
    faults = (
        Fault(
            "HUGEPAGES-LEFT",
            "huge pages of {node} are still in use",
            "find who holds them on {node} (grep -l huge /proc/*/smaps, files in /dev/hugepages), end it or remove the "
            "files; a storage client may use them for good: then raise the limit in the profile",
            Who.SOFTWARE,
            Severity.MONITOR,
            explained_by=("NODE-BUSY",),
        ),
        Fault(
            "SHARED-MEMORY-LEFT",
            "shared memory that nobody uses is left on {node}",
            "remove it on {node} with ipcrm -m and the numbers of the evidence",
            Who.SOFTWARE,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, leftovers.MEMORY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        pages, segments = ctx.limit(target, "host.hugepages.used"), ctx.limit(target, "host.ipc.orphans")
        seen = leftovers.parse_memory(out.text(target, leftovers.MEMORY))
        if seen.huge_pages is not None:
            yield Measurement("huge pages", seen.huge_pages, "pages", target.name, pages, "HUGEPAGES-LEFT")
        if seen.segments is None:
            raise CannotJudge("the kernel does not list its shared memory (/proc/sysvipc)")
        left = seen.segments
        yield Measurement(
            "unused segments", len(left), "segments", target.name, segments, "SHARED-MEMORY-LEFT"
        )
        for one in left[:_NAMED]:
            message = (
                f"segment {one.id}: {one.size_bytes / 2**20:.1f} MiB of user {one.uid}; ipcrm -m {one.id}"
            )
            yield Finding("SHARED-MEMORY-LEFT", message, target.name, Weight.NOTE)
