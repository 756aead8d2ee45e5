"""Link: a port that is up now may have gone down and come back; the next time it takes a job along."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight, port_path
from bringup.parsers import bdf, kernel_log, port_config, rdma_sysfs
from bringup.parsers.kernel_log import LinkChange
from bringup.parsers.link_faults import LINK_FLAP


class Flap(Check[Node]):
    """No planned port has lost its link in the last hours, leaving out the time right after boot.

    Judged by the kernel log over the profile's `link.flap.window_h`, without the first `link.flap.grace_min` after
    boot. The adapters' own counters carry no time: they are readings, and link.errors limits them.
    """

    id = "link.flap"
    stage = Stage.LINK
    faults = (LINK_FLAP,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        return run(target, kernel_log.LOG, port_config.CONFIG, rdma_sysfs.PORTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "link.flap")
        window_s = ctx.number(target, "link.flap.window_h") * 3600.0
        grace_s = ctx.number(target, "link.flap.grace_min") * 60.0
        devices = port_config.parse(out.text(target, port_config.CONFIG))
        ports = rdma_sysfs.parse(out.text(target, rdma_sysfs.PORTS))
        names: dict[str, str] = {}
        missing: list[str] = []
        for hca in planned(target, ctx):
            device, port = port_config.find(devices, hca), rdma_sysfs.find_port(ports, hca)
            if device is None:
                missing.append(hca)
                continue
            names |= {net.name: hca for net in device.netdevs}
            names |= {bdf.short(bdf.normalise(d.bdf)): hca for d in ports if d.name == hca and d.bdf}
            at = port_path(target.name, hca)
            if port is not None and "link_downed" in port.counters:
                yield Measurement("link_downed since load", port.counters["link_downed"], "", at)
            for net in device.netdevs:
                if net.carrier_changes is not None:
                    yield Measurement("carrier_changes since boot", net.carrier_changes, "", at)
        log = kernel_log.parse(out.text(target, kernel_log.LOG))
        since_s = max(0.0, min(window_s, log.uptime_s - grace_s))
        losses = [e for e in log.events if isinstance(e, LinkChange) and not e.up and e.interface in names]
        for hca in dict.fromkeys(hca for hca in planned(target, ctx) if hca not in missing):
            at = port_path(target.name, hca)
            mine = [e for e in losses if names[e.interface] == hca]
            recent = [e for e in mine if e.age_s is None or e.age_s <= since_s]
            yield Measurement("link.flap", len(recent), "losses", at, limit)
            if len(mine) > len(recent):
                message = f"{len(mine) - len(recent)} losses of the link are older, or from right after boot"
                yield Finding(LINK_FLAP.code, message, at, Weight.NOTE)
        if missing:
            at = f"{target.name}/hca/{missing[0]}"
            raise CannotJudge(f"no such adapter: {', '.join(missing)}", code="HCA-MISSING", at=at)
        if not log.covers(since_s):
            raise CannotJudge(
                f"the kernel log of {target.name} does not reach back the {since_s / 3600:.1f} h that are judged"
            )
