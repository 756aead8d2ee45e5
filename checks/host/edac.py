"""Host: memory errors that the memory controllers counted, and the module that they come from."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import host_errors, host_settings
from bringup.parsers.host_errors import Counts
from bringup.parsers.host_faults import MEMORY_CORRECTED, MEMORY_ECC


class Edac(Check[Node]):
    """The memory controllers have counted no uncorrected error since boot, and few corrected ones.

    A virtual machine does not see its memory controllers.
    """

    id = "host.edac"
    stage = Stage.HOST
    faults = (MEMORY_ECC, MEMORY_CORRECTED)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host_errors.COUNTS, host_settings.SETTINGS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        hard, soft = ctx.limit(target, "host.edac.uncorrected"), ctx.limit(target, "host.edac.corrected")
        counts = host_errors.parse(out.text(target, host_errors.COUNTS))
        if not counts.controllers:
            if host_settings.parse(out.text(target, host_settings.SETTINGS)).virtual:
                raise NotApplicable("a virtual machine does not see its memory controllers")
            raise CannotJudge(
                f"nobody counts memory errors on {target.name}: no EDAC driver has found a memory controller"
            )
        uncorrected = sum(c.uncorrected for c in counts.controllers)
        corrected = sum(c.corrected for c in counts.controllers)
        yield Measurement("uncorrected", uncorrected, "errors", target.name, hard, "MEMORY-ECC")
        yield Measurement("corrected", corrected, "errors", target.name, soft, "MEMORY-CORRECTED")
        yield from _modules(target, counts)


def _modules(target: Node, counts: Counts) -> Iterator[Finding]:
    """The modules that counted errors, so that the right one is pulled."""
    for dimm in counts.dimms:
        name = f"{dimm.label} ({dimm.place})" if dimm.label else dimm.place
        if dimm.uncorrected:
            message = f"module {name}: {dimm.uncorrected} uncorrected errors"
            yield Finding("MEMORY-ECC", message, target.name, Weight.NOTE)
        if dimm.corrected:
            message = f"module {name}: {dimm.corrected} corrected errors"
            yield Finding("MEMORY-CORRECTED", message, target.name, Weight.NOTE)
