"""Cabling: what each node tells of its ports: the GUIDs of its adapters, and the switch that each Ethernet port hears."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Ended
from bringup.context import Context
from bringup.errors import NotApplicable
from bringup.model import Finding, Level, Measurement, Node, Stage, port_path
from bringup.parsers import lldp, port_config
from bringup.parsers.lldp import Neighbour
from bringup.parsers.port_config import PortConfig

_LAYER = "fabric.link_layer"
INFINIBAND = "InfiniBand"


class Neighbours(Check[Node]):
    """Reads which adapters a node has, by GUID, and which switch port each of its Ethernet ports hears (LLDP).

    No neighbour is no fault: adapters and switches may keep LLDP to themselves. InfiniBand is discovered from one node.
    """

    id = "cabling.neighbours"
    stage = Stage.CABLING
    level = Level.STANDARD
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no planned fabric ports")
        if ctx.fact_if_any(target, _LAYER) == INFINIBAND:
            return run(target, port_config.CONFIG)
        return run(target, port_config.CONFIG, lldp.NEIGHBOURS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = port_config.parse(out.text(target, port_config.CONFIG))
        for device in devices:
            for name, guid in zip(("guid", "port guid"), _guids(device), strict=False):
                yield Measurement(name, guid, "", f"{target.name}/hca/{device.device}")
        if ctx.fact_if_any(target, _LAYER) == INFINIBAND:
            yield Measurement("neighbours", "not asked: InfiniBand has no LLDP", "", target.name)
            return
        heard, why = _heard(target, out)
        for device in devices:
            names = {netdev.name for netdev in device.netdevs}
            mine = [n for n in heard if n.interface in names and n.system]
            if len({(n.system, n.port_id) for n in mine}) == 1:  # two at one port are a hub or a stale one
                yield from _told(mine[0], port_path(target.name, device.device))
        yield Measurement("neighbours", why or len(heard), "", target.name)


def _guids(device: PortConfig) -> tuple[str, ...]:
    """The GUID of an adapter, and that of its port, which is the end of the port's first address."""
    if device.guid is None:
        return ()
    own = device.guid.replace(":", "").lower()
    first = next((gid.gid for gid in device.gids if gid.index == 0), None)
    if first is None or device.link_layer != INFINIBAND:
        return (own,)
    return (own, first.replace(":", "")[-len(own) :])


def _heard(node: Node, out: Outputs) -> tuple[tuple[Neighbour, ...], str]:
    """The neighbours, or why there are none to be had."""
    answer = out.get(node, lldp.NEIGHBOURS)
    if answer.ended is Ended.MISSING:
        return (), "lldpcli is not installed"
    answer = out.answered(node, lldp.NEIGHBOURS)
    if answer.status != 0:
        said = (answer.error_text.strip() or answer.text.strip()).splitlines()
        return (), f"lldpcli: {said[-1][-120:] if said else 'no text'}"
    return lldp.parse(answer.text), ""


def _told(neighbour: Neighbour, at: str) -> Iterator[Measurement]:
    yield Measurement("switch", neighbour.system or "", "", at)
    for name, word in zip(("switch port", "switch port name"), neighbour.port_names, strict=False):
        yield Measurement(name, word, "", at)
