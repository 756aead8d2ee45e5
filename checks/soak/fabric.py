"""Do all ports of two nodes carry full load for as long as a job does?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import flows, port_pairs
from bringup.battery.flows import CleanFlowsTest, Results
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NoLimit, NotApplicable
from bringup.model import Finding, Level, Limit, Measurement, Pair, Stage
from bringup.parsers.perftest_flows import Flow


class SoakFabric(CleanFlowsTest):
    """All rails of two nodes carry full load for minutes, none of them slower than its floor, and count no errors meanwhile.

    Both directions of every port at the same time, `soak.fabric_seconds`, with one partner. A port keeps its speed if it
    reaches `rdma.all_rails_share` of the floor of one direction (`rdma.write_bw`), twice. What the load did to the ports
    is told by the checks of stage after as well.
    """

    id = "soak.fabric"
    stage = Stage.SOAK
    level = Level.SOAK
    per_rail = False
    rounds = 1
    ports = 32
    faults = (
        Fault(
            "RDMA-SOAK",
            "{at} does not hold its speed under a long load",
            "look at temperature and counters of adapter and module at {at}; clean and reseat {cable} at both ends ({leaf} "
            "{leaf_port}), then swap the module or cable",
            explained_by=(
                *port_pairs.PORT_CAUSES, "RDMA-CONNECT", "RDMA-BW", "RDMA-BIDIR", "RDMA-ALL-RAILS", "RDMA-DIRTY",
                "RDMA-RETRANSMITS", "UPLINK-MISSING", "LEAF-SLOW",
            ),
        ),
        flows.DIRTY,
        port_pairs.CONNECT,
        port_pairs.SETUP,
    )  # fmt: skip

    def each_s(self, target: Pair, ctx: Context) -> int:
        return ctx.number(target.a, "soak.fabric_seconds")

    def transfers(self, target: Pair, ctx: Context) -> tuple[Flow, ...]:
        both = flows.rails(target, ctx)
        if len(both) > self.ports:
            raise NotApplicable(
                f"{target.a.name} and {target.b.name} share {len(both)} rails: too many for one test"
            )
        return tuple(Flow(near.hca, far.hca, options=f"{self.options(target, ctx)} -b") for near, far in both)

    def compare(self, target: Pair, found: Results, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = _least(target, ctx)
        yield from flows.broken(target, found)
        for result in found:
            if result.gbps is not None:
                at = flows.path(target, result.flow)
                name = f"{result.flow.client_hca} to {result.flow.server_hca}, both ways"
                yield Measurement(name, round(result.gbps, 3), "Gb/s", at, limit, "RDMA-SOAK")


def _least(target: Pair, ctx: Context) -> Limit:
    """What a port must carry in both directions together while all others work. Raises NoLimit."""
    floor, share = (ctx.limit(target.a, name).value for name in ("rdma.write_bw", "rdma.all_rails_share"))
    if isinstance(floor, str | bool) or isinstance(share, str | bool):
        raise NoLimit(f"profile {target.a.profile}: rdma.write_bw and rdma.all_rails_share must be numbers")
    why = "twice the floor of one direction, times the share that all rails together must reach"
    return Limit("soak.fabric", ">=", round(2 * floor * share / 100, 1), "Gb/s", why=why, source="profile")
