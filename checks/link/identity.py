"""Link: the names that must be unique in the fleet; `link.guid` compares them."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, port_path
from bringup.parsers import port_config


class Identity(Check[Node]):
    """The node tells GUID, hardware address and IPv4 addresses of its planned adapters."""

    id = "link.identity"
    stage = Stage.LINK
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        return run(target, port_config.CONFIG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = port_config.parse(out.text(target, port_config.CONFIG))
        silent: list[str] = []
        for hca in planned(target, ctx):
            device = port_config.find(devices, hca)
            if device is None or device.guid is None:
                silent.append(hca)
                continue
            at = port_path(target.name, hca)
            yield Measurement("guid", device.guid.lower(), "", at)
            for net in device.netdevs:
                if net.address is not None:
                    yield Measurement("hardware address", net.address.lower(), "", at)
            for address in dict.fromkeys(gid.ipv4 for gid in device.gids if gid.ipv4 is not None):
                yield Measurement("ip address", address, "", at)
        if silent:
            at = f"{target.name}/hca/{silent[0]}"
            raise CannotJudge(f"no GUID is told by {', '.join(silent)}", code="HCA-MISSING", at=at)
