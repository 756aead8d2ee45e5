"""Link: on Ethernet RDMA needs a RoCE v2 address; its index differs between nodes, so it is looked for by type."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import ETHERNET, need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import port_config
from bringup.parsers.port_config import ROCE_V2, PortConfig

_RULE = Limit(
    "link.gid", ">=", 1, "addresses", why="RoCE v2 needs an address that can be routed", source="NVIDIA/nccl"
)


class Gid(Check[Node]):
    """Every planned Ethernet port has a RoCE v2 address that can be routed.

    An address of the own wire only (fe80) is none. The index is a reading: programs choose it by type.
    """

    id = "link.gid"
    stage = Stage.LINK
    faults = (
        Fault(
            "ROCE-GID",
            "{at} has no RoCE v2 address",
            "give the network interface of {at} its IP address (netplan, NetworkManager) and look whether RoCE v2 is "
            "switched on (cma_roce_mode)",
            Who.CONFIGURATION,
            Severity.ISOLATE,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-LAYER"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, ETHERNET)
        return run(target, port_config.CONFIG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = port_config.parse(out.text(target, port_config.CONFIG))
        unknown: list[str] = []
        for hca in planned(target, ctx):
            device = port_config.find(devices, hca)
            if device is None or not _told(device):
                unknown.append(hca)
                continue
            at = port_path(target.name, hca)
            usable = [gid for gid in device.gids if gid.type == ROCE_V2 and gid.routable]
            yield Measurement("link.gid", len(usable), "addresses", at, _RULE)
            if usable:
                yield Measurement("link.gid.index", usable[0].index, "", at)
        if unknown:
            at = f"{target.name}/hca/{unknown[0]}"
            raise CannotJudge(
                f"no GID with its type is told by {', '.join(unknown)}", code="HCA-MISSING", at=at
            )


def _told(device: PortConfig) -> bool:
    """Whether the kernel tells types: a port without any address tells nothing and has none, which is known."""
    return not device.gids or any(gid.type is not None for gid in device.gids)
