"""After the load: a port that lost its link while it worked takes a job along the next time."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import planned
from bringup.battery.rises import Count, Rule, again, rises, since
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage, port_path
from bringup.parsers import bdf, kernel_log, port_config, rdma_sysfs
from bringup.parsers.kernel_log import LinkChange
from bringup.parsers.link_faults import LINK_FLAP

_CHANGES = "carrier changes"


class LinkFlap(Check[Node]):
    """No planned port has lost its link since the first reading of the run.

    Told by the interface's own count of carrier changes, and by the kernel log. What happened within
    `link.flap.grace_min` after boot is not judged.
    """

    id = "after.link-flap"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (LINK_FLAP,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        return again(target, port_config.CONFIG, rdma_sysfs.PORTS, kernel_log.LOG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        rule = Rule(ctx.limit(target, "link.flap"), LINK_FLAP.code)
        grace_s = ctx.number(target, "link.flap.grace_min") * 60.0
        hcas = planned(target, ctx)
        unread: CannotJudge | None = None
        if _names_carriers(target, out):
            try:
                yield from rises(
                    target,
                    out,
                    port_config.CONFIG,
                    lambda outputs: _changes(target, hcas, outputs),
                    {_CHANGES: rule},
                    settling={_CHANGES: grace_s},
                )
            except CannotJudge as error:
                unread = error  # the kernel log may still prove something
        yield from _losses(target, hcas, out, rule, grace_s)
        if unread is not None:
            raise unread


def _names_carriers(node: Node, out: Outputs) -> bool:
    """Whether any interface counts its carrier changes; ports without an interface have only the kernel log."""
    devices = port_config.parse(out.text(node, port_config.CONFIG))
    return any(net.carrier_changes is not None for d in devices for net in d.netdevs)


def _changes(node: Node, hcas: tuple[str, ...], outputs: Outputs) -> Iterator[Count]:
    devices = port_config.parse(outputs.text(node, port_config.CONFIG))
    for hca in hcas:
        device = port_config.find(devices, hca)
        for net in device.netdevs if device else ():
            if net.carrier_changes is not None:
                yield Count(port_path(node.name, hca), _CHANGES, net.carrier_changes)


def _losses(
    node: Node, hcas: tuple[str, ...], out: Outputs, rule: Rule, grace_s: float
) -> Iterator[Measurement | Finding]:
    """The losses that the kernel log names since it was first read."""
    log, window_s = since(node, out)
    judged_s = min(window_s, max(0.0, log.uptime_s - grace_s))
    devices = port_config.parse(out.text(node, port_config.CONFIG))
    names = {net.name: d.device for d in devices for net in d.netdevs}
    ports = rdma_sysfs.parse(out.text(node, rdma_sysfs.PORTS))
    names |= {bdf.short(bdf.normalise(d.bdf)): d.name for d in ports if d.bdf}
    lost = [
        names.get(e.interface)
        for e in log.events
        if isinstance(e, LinkChange) and not e.up and e.age_s is not None and e.age_s <= judged_s
    ]
    for hca in hcas:
        number = lost.count(hca)
        if number:
            yield Measurement(
                "losses of the link", number, "losses", port_path(node.name, hca), rule.limit, rule.code
            )
    others = sum(lost.count(hca) for hca in hcas)
    if not others:
        yield Measurement("losses of the link", 0, "losses", node.name, rule.limit, rule.code)
    if not log.covers(judged_s):
        raise CannotJudge(
            f"the kernel log of {node.name} does not reach back the {judged_s / 60:.0f} min of the run"
        )
