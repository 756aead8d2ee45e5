"""Link: on Ethernet every training port needs an IP address of its own."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import ETHERNET, need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import ip_link, rdma_sysfs

_RULE = Limit(
    "link.address",
    ">=",
    1,
    "addresses",
    why="RoCE v2 and its routes need one",
    source="oracle-quickstart/oci-hpc",
)


class Address(Check[Node]):
    """The network interface of every planned Ethernet port has an IP address.

    A port that is part of a bond may have it on the bond. The addresses are readings: link.guid looks for the same
    one twice.
    """

    id = "link.address"
    stage = Stage.LINK
    faults = (
        Fault(
            "LINK-ADDRESS",
            "{at} has no IP address",
            "give the network interface of {at} the address that the plan has for it (netplan, NetworkManager, DHCP)",
            Who.CONFIGURATION,
            Severity.ISOLATE,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-LAYER", "ROCE-GID"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, ETHERNET)
        return run(target, rdma_sysfs.PORTS, ip_link.ADDRESSES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = {d.name: d for d in rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))}
        out.optional(target, ip_link.ADDRESSES, ctx)
        interfaces = {i.name: i for i in ip_link.parse(out.text(target, ip_link.ADDRESSES))}
        unknown: list[str] = []
        for hca in planned(target, ctx):
            device = devices.get(hca)
            mine = [interfaces[n.name] for n in device.netdevs if n.name in interfaces] if device else []
            if not mine:
                unknown.append(hca)
                continue
            at = port_path(target.name, hca)
            masters = [interfaces[i.master] for i in mine if i.master in interfaces]
            own = [a for i in (*mine, *masters) for a in i.addresses if a.scope == "global"]
            yield Measurement("link.address", len(own), "addresses", at, _RULE)
            for address in own:
                yield Measurement("ip", f"{address.address}/{address.prefix}", "", at)
        if unknown:
            at = f"{target.name}/hca/{unknown[0]}"
            raise CannotJudge(f"no network interface of {', '.join(unknown)}", code="HCA-MISSING", at=at)
