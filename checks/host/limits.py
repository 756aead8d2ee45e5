"""Host: RDMA registers the memory that it uses, and a small limit on locked memory looks like a broken NIC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.model import Fault, Finding, Measurement, Node, Severity, Stage, Who
from bringup.parsers import host


class Limits(Check[Node]):
    """The login may lock as much memory as RDMA needs."""

    id = "host.limits"
    stage = Stage.HOST
    faults = (
        Fault(
            "MEMLOCK-LIMIT",
            "the limit on locked memory is too low on {node}",
            "set memlock to unlimited for the login (/etc/security/limits.conf, or the service that starts sshd)",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host.LIMITS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        bound = host.limit_of(host.parse_limits(out.text(target, host.LIMITS)), "locked memory")
        limit = ctx.limit(target, "host.limits.memlock")
        if bound.soft is None:
            # No number to compare: "unlimited" keeps any lower limit.
            unlimited = replace(limit, op="==", value="unlimited", unit="")
            yield Measurement("memlock", "unlimited", "", target.name, unlimited)
        else:
            yield Measurement("memlock", bound.soft // 1024, "KiB", target.name, limit)
