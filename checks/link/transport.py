"""Link: how often the adapters had to send packets again, as it is before the load."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, port_path
from bringup.parsers import rdma_transport


class Transport(Check[Node]):
    """The planned ports tell what their transport counted since the driver was loaded.

    A reading, no verdict: peers that went away and busy networks count too. `after.transport` judges the rise.
    """

    id = "link.transport"
    stage = Stage.LINK
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        return run(target, rdma_transport.COUNTERS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        devices = rdma_transport.parse(out.text(target, rdma_transport.COUNTERS))
        silent: list[str] = []
        for hca in planned(target, ctx):
            counters = devices.get(hca, {})
            for name, count in counters.items():
                if count:
                    yield Measurement(name, count, "", port_path(target.name, hca))
            if not counters:
                silent.append(hca)
        yield Measurement("ports that count", len(devices), "", target.name)
        if silent:
            at = f"{target.name}/hca/{silent[0]}"  # an adapter that is not there has none: link.present says so
            raise CannotJudge(f"no counters of the transport are reported by {', '.join(silent)}", at=at)
