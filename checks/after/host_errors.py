"""After the load: what the memory controllers and processors counted again."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import NotApplicable
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import host_errors
from bringup.parsers.host_faults import CPU_CORRECTED, MACHINE_CHECK, MEMORY_CORRECTED, MEMORY_ECC

_HARD, _SOFT = "uncorrected memory errors", "corrected memory errors"
_CHECKS, _MILD = "machine checks", "corrected processor errors"


class HostErrors(Check[Node]):
    """No memory controller or processor has counted uncorrected errors during the run, and few corrected ones.

    Where neither counts (virtual machines on Arm) there is nothing to compare; host.edac and host.mce say so.
    """

    id = "after.host-errors"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (MEMORY_ECC, MEMORY_CORRECTED, MACHINE_CHECK, CPU_CORRECTED)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return again(target, host_errors.COUNTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        rules = {
            _HARD: Rule(ctx.limit(target, "host.edac.uncorrected"), MEMORY_ECC.code),
            _SOFT: Rule(ctx.limit(target, "host.edac.corrected"), MEMORY_CORRECTED.code),
            _CHECKS: Rule(ctx.limit(target, "host.mce.uncorrected"), MACHINE_CHECK.code),
            _MILD: Rule(ctx.limit(target, "host.mce.corrected"), CPU_CORRECTED.code),
        }

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, outputs)

        if not list(read(out)) and not list(read(out.before)):
            raise NotApplicable(f"neither memory controllers nor processors of {target.name} count errors")
        yield from rises(target, out, host_errors.COUNTS, read, rules)


def _counts(node: Node, outputs: Outputs) -> Iterator[Count]:
    counts = host_errors.parse(outputs.text(node, host_errors.COUNTS))
    for controller in counts.controllers:
        yield Count(node.name, _HARD, controller.uncorrected)
        yield Count(node.name, _SOFT, controller.corrected)
    for interrupt, name in (("MCE", _CHECKS), ("DFR", _CHECKS), ("THR", _MILD)):
        if interrupt in counts.interrupts:
            yield Count(node.name, name, counts.interrupts[interrupt])
