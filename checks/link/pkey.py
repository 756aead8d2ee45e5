"""Link: the partition keys of every InfiniBand port; a limited member reaches no other limited member."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import port_config

_FULL = 0x8000
_RULE = Limit(
    "link.pkey.full",
    ">=",
    1,
    "keys",
    why="only a full member (highest bit set) of a partition reaches all others of it",
    source="InfiniBand Architecture Specification; Azure/ai-infrastructure-on-azure",
)


class Pkey(Check[Node]):
    """Every planned InfiniBand port is a full member of a partition, and of the one that the profile names.

    Which partition that is, is the site's choice: limit `link.pkey` on the first key, where a profile has one.
    """

    id = "link.pkey"
    stage = Stage.LINK
    collects = True
    faults = (
        Fault(
            "LINK-PKEY",
            "{at} is in no usable partition",
            "give {at} full membership of the tenant's partition in the subnet manager (UFM or partitions.conf)",
            Who.CONFIGURATION,
            Severity.ISOLATE,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-INIT", "LINK-LAYER", "LINK-SM"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, "InfiniBand")
        return run(target, port_config.CONFIG)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        first = ctx.limit_or_none(target, "link.pkey")
        devices = port_config.parse(out.text(target, port_config.CONFIG))
        unknown: list[str] = []
        for hca in planned(target, ctx):
            at = port_path(target.name, hca)
            device = port_config.find(devices, hca)
            if device is None or not device.pkeys:
                unknown.append(hca)
                continue
            full = [key for key in device.pkeys.values() if key & _FULL]
            yield Measurement("link.pkey.full", len(full), "keys", at, _RULE)
            words = ", ".join(f"0x{key:04x}" for key in device.pkeys.values())
            yield Measurement("link.pkeys", words, "", at)
            if first is not None:
                yield Measurement("link.pkey", f"0x{device.pkeys.get(0, 0):04x}", "", at, first)
        if unknown:
            at = f"{target.name}/hca/{unknown[0]}"
            raise CannotJudge(f"no partition key is told by {', '.join(unknown)}", code="HCA-MISSING", at=at)
