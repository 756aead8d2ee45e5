"""Host: a small limit on locked memory looks like a broken NIC, one on open files like a broken program."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import host


class Limits(Check[Node]):
    """The login may lock as much memory and open as many files as RDMA and collectives need.

    Locked memory is judged on nodes with planned fabric ports; on others it is a reading.
    """

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
        Fault(
            "NOFILE-LIMIT",
            "the limit of open files is too low on {node}",
            "set nofile for the login (/etc/security/limits.conf, or LimitNOFILE of the service that starts sshd)",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host.LIMITS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        bounds = host.parse_limits(out.text(target, host.LIMITS))
        locked, files = host.limit_of(bounds, "locked memory"), host.limit_of(bounds, "open files")
        kib = None if locked.soft is None else locked.soft // 1024
        memlock = ctx.limit(target, "host.limits.memlock") if ctx.training_ports(target) else None
        yield _measured("memlock", kib, "KiB", target, memlock, "MEMLOCK-LIMIT")
        nofile = ctx.limit(target, "host.limits.nofile")
        yield _measured("open files", files.soft, "files", target, nofile, "NOFILE-LIMIT")


def _measured(
    name: str, value: int | None, unit: str, node: Node, limit: Limit | None, code: str
) -> Measurement:
    """None is no limit at all: there is no number to compare, and it keeps any lower limit."""
    if value is None:
        unlimited = replace(limit, op="==", value="unlimited", unit="") if limit else None
        return Measurement(name, "unlimited", "", node.name, unlimited, code)
    return Measurement(name, value, unit, node.name, limit, code)
