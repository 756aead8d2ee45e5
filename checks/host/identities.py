"""Host: what must exist only once in a cluster; `host.identity-duplicates` compares it over the fleet."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host, identities


class Identities(Check[Node]):
    """The node tells its host name, serial number, adapter GUIDs, MAC and IP addresses.

    GUIDs and addresses of planned fabric ports are left to stage link, whose checks name the port.
    """

    id = "host.identities"
    stage = Stage.HOST
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host.IDENTITY, identities.IDENTITIES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        who = host.parse_identity(out.text(target, host.IDENTITY))
        yield Measurement("host name", who.hostname.lower(), "", target.name)
        if who.serial is not None:
            yield Measurement("serial number", who.serial, "", target.name)
        seen = identities.parse(out.text(target, identities.IDENTITIES))
        planned = {port.hca for port in ctx.training_ports(target)}
        theirs = {interface for interface, hca in seen.rdma.items() if hca in planned}
        for hca, guid in seen.guids:
            if hca not in planned:
                yield Measurement("GUID", guid, "", f"{target.name}/hca/{hca}")
        for interface, mac in seen.macs:
            if interface in theirs:
                continue
            yield Measurement("MAC address", mac, "", f"{target.name}/net/{interface}")
        for interface, ip in seen.ips:
            if interface in theirs:
                continue
            yield Measurement("IP address", ip, "", f"{target.name}/net/{interface}")
