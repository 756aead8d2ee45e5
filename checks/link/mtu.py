"""Link: one port with a smaller MTU than its partners breaks large messages, and only those."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import ETHERNET, need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import port_config
from bringup.parsers.siblings import majority

LINK_MTU = Fault(
    "LINK-MTU",
    "{at} has another MTU than planned",
    "set the MTU of the network interface of {at} to that of all others, here and at {leaf} {leaf_port}",
    Who.CONFIGURATION,
    Severity.MONITOR,
    explained_by=("HCA-MISSING", "LINK-LAYER"),
)


class Mtu(Check[Node]):
    """The network interface of every planned Ethernet port has the planned MTU.

    Where the profile names none (`link.mtu`), the majority of the node's own ports counts; link.drift compares the
    nodes.
    """

    id = "link.mtu"
    stage = Stage.LINK
    collects = True
    faults = (LINK_MTU,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, ETHERNET)
        return run(target, port_config.CONFIG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = port_config.parse(out.text(target, port_config.CONFIG))
        sizes: dict[str, float | str] = {}
        unknown: list[str] = []
        for hca in planned(target, ctx):
            device = port_config.find(devices, hca)
            mtus = [net.mtu for net in device.netdevs if net.mtu is not None] if device else []
            if mtus:
                sizes[port_path(target.name, hca)] = min(mtus)
            else:
                unknown.append(hca)
        limit = ctx.limit_or_none(target, "link.mtu")
        if limit is None and sizes:
            usual = majority(sizes)
            if usual is None:
                raise CannotJudge("the profile names no MTU and the node's ports do not agree on one")
            limit = Limit("link.mtu", "==", usual, "bytes", "the majority of this node's ports", "rule")
        for at, size in sizes.items():
            yield Measurement("link.mtu", size, "bytes", at, limit)
        if unknown:
            at = f"{target.name}/hca/{unknown[0]}"
            raise CannotJudge(f"no MTU is told by {', '.join(unknown)}", code="HCA-MISSING", at=at)
