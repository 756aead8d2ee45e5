"""Link: error counters of the planned ports.

They count since the driver was loaded, so what happened when the cable was first plugged in is still in them: the
limits of the profile leave room for that. The oldest counters stop at their end; a value there means "at least".
"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, Weight, port_path
from bringup.parsers import rdma_sysfs
from bringup.parsers.link_faults import LINK_ERRORS

_COUNTERS = {
    "symbol_error": "link.symbol_errors",
    "link_error_recovery": "link.recovery",
    "link_downed": "link.link_downed",
    "port_rcv_errors": "link.rcv_errors",
    "port_xmit_discards": "link.xmit_discards",
}
_MORE = {
    "port_rcv_remote_physical_errors": "link.remote_errors",
    "local_link_integrity_errors": "link.integrity_errors",
    "excessive_buffer_overrun_errors": "link.buffer_overruns",
}
"""Judged where the profile has a limit for them."""


class Errors(Check[Node]):
    """The error counters of every planned port are within their limits."""

    id = "link.errors"
    stage = Stage.LINK
    faults = (LINK_ERRORS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        return run(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        limits = {counter: ctx.limit(target, name) for counter, name in _COUNTERS.items()}
        for counter, name in _MORE.items():
            if (limit := ctx.limit_or_none(target, name)) is not None:
                limits[counter] = limit
        unknown: list[str] = []
        missing: list[str] = []
        for planned in ctx.training_ports(target):
            at = port_path(target.name, planned.hca)
            port = rdma_sysfs.find_port(devices, planned.hca)
            if port is None:
                missing.append(planned.hca)
                continue
            for counter, limit in limits.items():
                if counter not in port.counters:
                    unknown.append(f"{planned.hca} {counter}")
                    continue
                count = port.counters[counter]
                yield Measurement(counter, count, "", at, limit)
                if port.full(counter):
                    message = f"{counter} stands at its end: at least {count}"
                    yield Finding(LINK_ERRORS.code, message, at, Weight.NOTE)
        if missing:
            at = f"{target.name}/hca/{missing[0]}"
            raise CannotJudge(
                f"no counters of {', '.join(missing)}: no such adapter", code="HCA-MISSING", at=at
            )
        if unknown:
            raise CannotJudge(
                f"not reported: {', '.join(unknown[:5])}" + (" and more" if len(unknown) > 5 else "")
            )
