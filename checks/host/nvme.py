"""Host: local NVMe drives hold data sets and checkpoints; a missing one is often only noticed by its job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import storage
from bringup.parsers.host_faults import NVME_COUNT

_RULE = Limit("host.nvme.state", "==", "live", why="the kernel talks to the drive", source="rule")


class Nvme(Check[Node]):
    """Every local NVMe drive answers, and there are as many as the profile says.

    Without a number in the profile the count is a reading, which `host.settings-drift` compares over the fleet.
    """

    id = "host.nvme"
    stage = Stage.HOST
    collects = True
    faults = (
        NVME_COUNT,
        Fault(
            "NVME-DEAD",
            "an NVMe drive of {node} does not answer",
            "replace the drive of {node} {place} whose serial number the evidence names",
            severity=Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, storage.NVME)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        drives = [
            d for d in storage.parse_nvme(out.text(target, storage.NVME)) if d.transport in (None, "pcie")
        ]
        limit = ctx.limit_or_none(target, "host.nvme.count")
        yield Measurement("nvme drives", len(drives), "", target.name, limit, "NVME-COUNT")
        models = Counter(drive.model or "unknown model" for drive in drives)
        said = ", ".join(f"{count} x {model}" for model, count in sorted(models.items()))
        yield Measurement("nvme models", said or "none", "", target.name)
        for drive in drives:
            if drive.state is None:
                continue
            yield Measurement(f"{drive.name} state", drive.state, "", target.name, _RULE, "NVME-DEAD")
            if not _RULE.holds(drive.state):
                message = (
                    f"{drive.name}: {drive.model or 'model not told'}, serial {drive.serial or 'not told'}"
                )
                yield Finding("NVME-DEAD", message, target.name, Weight.NOTE)
