"""Host: files that tenants leave in shared memory take the memory of the next job, and may hold what nobody should see."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage, Weight
from bringup.parsers import leftovers

_NAMED = 5


class Leftovers(Check[Node]):
    """No files or folders of other users lie in /dev/shm, /tmp and /var/tmp, and no shared memory of collectives.

    Files of system users and of the login itself are left out.
    """

    id = "host.leftovers"
    stage = Stage.HOST
    level = Level.STANDARD
    faults = (
        Fault(
            "FILES-LEFT",
            "files of earlier users are left on {node}",
            "make sure that nobody's program runs on {node}, then remove the files that the evidence names; a reboot "
            "empties /dev/shm",
            Who.SOFTWARE,
            Severity.MONITOR,
            explained_by=("NODE-BUSY",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, leftovers.FILES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.leftovers")
        found = leftovers.parse_files(out.text(target, leftovers.FILES))
        yield Measurement("files left", found.total, "files", target.name, limit)
        for file in found.named[:_NAMED]:
            size = "folder" if file.size_bytes is None else f"{file.size_bytes / 2**20:.1f} MiB"
            message = f"{file.path} (user {file.uid}, {size})"
            yield Finding("FILES-LEFT", message, target.name, Weight.NOTE)
        if found.total > _NAMED:
            message = f"{found.total} in all; the files alone are {found.total_bytes / 2**30:.2f} GiB"
            yield Finding("FILES-LEFT", message, target.name, Weight.NOTE)
        if not out.get(target, leftovers.FILES).as_root:
            raise CannotJudge("without root not every file is seen")
