"""After the load: bit errors that correction left over while the links carried data."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import links, mlxlink_commands, planned
from bringup.battery.rises import LEAST_S, again, window
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import mlxlink, rdma_sysfs
from bringup.parsers.link_faults import LINK_BER
from bringup.parsers.mlxlink import Link


class LinkBer(Check[Node]):
    """The bit error rate of every planned port after error correction was within its limit during the run.

    The errors counted between both readings, over all bits that the line carried in that time: a line always carries
    something. Raw errors are no fault of a link with PAM4 and are not judged here.
    """

    id = "after.link-ber"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (LINK_BER,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return again(target, *mlxlink_commands(target, ctx), rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "link.ber.effective")
        now, unread = _links(target, out, ctx)
        before, unread_before = _links(target, out.before, ctx)
        seconds = window(target, out, mlxlink.port(planned(target, ctx)[0])).seconds
        devices = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        silent: list[str] = []
        judged = 0
        for hca in planned(target, ctx):
            at = next((path for path in now if f"/hca/{hca}/" in path), "")
            port = rdma_sysfs.find_port(devices, hca)
            if not at or at not in before or port is None or port.state != "ACTIVE":
                continue  # said below, or by the checks of a port that is down
            measured = _rate(at, before[at], now[at], port.rate_gbps, seconds, limit)
            if measured is None:
                silent.append(at)
            else:
                judged += 1
                yield measured
        for error in (unread, unread_before):
            if error is not None:
                raise error
        if silent:
            raise CannotJudge(
                f"errors after correction, or the rate, are not reported by {', '.join(silent)}"
            )
        if not judged:
            raise CannotJudge("no planned port was ACTIVE, so no line carried bits", code=LINK_BER.code)


def _links(node: Node, outputs: Outputs, ctx: Context) -> tuple[dict[str, Link], CannotJudge | None]:
    """The ports that answer, and why there are no more."""
    found: dict[str, Link] = {}
    try:
        for at, link in links(node, outputs, ctx):
            found[at] = link
    except CannotJudge as error:
        return found, error
    return found, None


def _rate(
    at: str, before: Link, now: Link, gbps: float | None, seconds: float, limit: Limit
) -> Measurement | None:
    """The rate in the window; None where it is not told. A count that went back rose at least by what it shows now."""
    if before.errors is None or now.errors is None or not gbps:
        return None
    first, last = before.errors.effective, now.errors.effective
    if first is None or last is None:
        return None
    rise = last - first if last >= first else last
    bits = gbps * 1e9 * max(seconds, LEAST_S)
    return Measurement("bit error rate after correction", rise / bits, "", at, limit, LINK_BER.code)
