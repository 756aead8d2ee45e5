"""After the load: the error counters of the planned ports again. What rose since the run began is the port's own doing."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import planned
from bringup.battery.rises import Count, Rule, again, rises
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage, port_path
from bringup.parsers import rdma_sysfs
from bringup.parsers.link_faults import LINK_ERRORS

_LIMITS = {
    "symbol_error": "link.rise.symbol_errors",
    "link_error_recovery": "link.rise.recovery",
    "link_downed": "link.rise.link_downed",
    "port_rcv_errors": "link.rise.rcv_errors",
    "port_xmit_discards": "link.rise.xmit_discards",
    "port_rcv_remote_physical_errors": "link.rise.remote_errors",
    "local_link_integrity_errors": "link.rise.integrity_errors",
    "excessive_buffer_overrun_errors": "link.rise.buffer_overruns",
}
_ON_EVERY_PORT = (
    "symbol_error",
    "link_error_recovery",
    "link_downed",
    "port_rcv_errors",
    "port_xmit_discards",
)
_TRAINING = ("link_downed", "link_error_recovery")
"""What rises while both ends of a link start."""


class LinkErrors(Check[Node]):
    """No planned port has counted more errors during the run than its profile allows.

    Compared with the first reading of the run, so that what happened when the cable was plugged in does not count.
    Losses of a link within `link.flap.grace_min` after boot are not judged.
    """

    id = "after.link-errors"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (LINK_ERRORS,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        return again(target, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        rules = {
            counter: Rule(ctx.limit(target, name), LINK_ERRORS.code) for counter, name in _LIMITS.items()
        }
        grace_s = ctx.number(target, "link.flap.grace_min") * 60.0

        def read(outputs: Outputs) -> Iterator[Count]:
            return _counts(target, planned(target, ctx), outputs)

        settling = dict.fromkeys(_TRAINING, grace_s)
        yield from rises(target, out, rdma_sysfs.PORTS, read, rules, settling=settling)


def _counts(node: Node, hcas: tuple[str, ...], outputs: Outputs) -> Iterator[Count]:
    """The counters of every planned port. Raises CannotJudge for adapters and counters that are not there."""
    devices = rdma_sysfs.parse(outputs.text(node, rdma_sysfs.PORTS))
    missing: list[str] = []
    unknown: list[str] = []
    for hca in hcas:
        port = rdma_sysfs.find_port(devices, hca)
        if port is None:
            missing.append(hca)
            continue
        for counter in _LIMITS:
            if counter in port.counters:
                full = rdma_sysfs.FULL.get(counter)
                yield Count(port_path(node.name, hca), counter, port.counters[counter], full)
            elif counter in _ON_EVERY_PORT:
                unknown.append(f"{hca} {counter}")
    if missing:
        at = f"{node.name}/hca/{missing[0]}"
        raise CannotJudge(f"no counters of {', '.join(missing)}: no such adapter", code="HCA-MISSING", at=at)
    if unknown:
        raise CannotJudge(
            f"not reported: {', '.join(unknown[:5])}" + (" and more" if len(unknown) > 5 else "")
        )
