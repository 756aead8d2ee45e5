"""Host: a node that does not reach its storage or its scheduler is no node of the cluster, however fast its fabric is."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NoLimit, NotApplicable, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import endpoints

_RULE = Limit(
    "network.endpoints",
    "==",
    "connected",
    why="the profile's fact network.endpoints",
    source="profile",
)


class Endpoints(Check[Node]):
    """The node can connect to every server that the profile names: storage, scheduler, registry (`network.endpoints`).

    A TCP connection is opened and closed; nothing is sent.
    """

    id = "host.endpoints"
    stage = Stage.HOST
    faults = (
        Fault(
            "ENDPOINT-UNREACHABLE",
            "{node} does not reach a server that it needs",
            "see on {node} whether the name resolves (getent hosts) and which way leads there (ip route get); then look at "
            "the VLAN of its port, the firewall and the server itself",
            Who.CONFIGURATION,
            Severity.ISOLATE,
            explained_by=("INTERFACE-DOWN",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, endpoints.reach(_planned(target, ctx)))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        planned = _planned(target, ctx)
        seen = endpoints.parse(out.text(target, endpoints.reach(planned)), planned)
        if seen.means is None:
            raise ToolMissing(("nc",))
        for endpoint, wrong in seen.answers.items():
            yield Measurement(f"server {endpoint}", wrong or "connected", "", target.name, _RULE)


def _planned(node: Node, ctx: Context) -> tuple[str, ...]:
    """The servers of the profile. Raises NotApplicable where it names none, NoLimit for what cannot be one."""
    named = words(node, ctx, "network.endpoints", of="servers as host:port")
    wrong = next((name for name in named if not endpoints.is_endpoint(name)), None)
    if wrong is not None:
        raise NoLimit(f"profile {node.profile}: fact network.endpoints: {wrong!r} is no host:port")
    if not named:
        raise NotApplicable(f"profile {node.profile} names no servers (fact network.endpoints)")
    return named
