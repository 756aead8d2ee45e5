"""What the checks of cabling share: who is asked, and what was seen, from the fabric and from the nodes' neighbours.

Every call of a discovery tool walks the whole fabric, so one node of each profile is asked and one more, as a second
opinion and for the case that the first gives no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bringup.cabling import fabric as ib
from bringup.cabling.ends import FarEnd, HostPort, Sight, in_fabric, leaf_name, planned_ports
from bringup.cabling.fabric import Fabric
from bringup.cabling.plan import Deviation
from bringup.check import Outputs, Plan, Run, Step
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Node, Port

NEIGHBOURS = "cabling.neighbours"
UNSEEN = "FABRIC-UNSEEN"
ETHERNET = "Ethernet"
_OPINIONS = 2


@dataclass(frozen=True)
class Seen:
    """What is known of all cables. `trouble` says why a fabric was not seen; empty where it was, or where there is none."""

    ports: tuple[HostPort, ...]
    ends: Mapping[str, FarEnd]
    fabric: Fabric
    names: Mapping[str, str]
    notes: tuple[str, ...]
    trouble: str

    @property
    def planned(self) -> tuple[HostPort, ...]:
        """The ports of whose cable the plan says where it ends."""
        return tuple(port for port in self.ports if port.port.leaf)


def training(nodes: Iterable[Node], ctx: Context) -> dict[str, tuple[Port, ...]]:
    """The planned ports of each node; a node without a profile and without ports in the inventory has none."""
    found: dict[str, tuple[Port, ...]] = {}
    for node in nodes:
        try:
            found[node.name] = ctx.training_ports(node)
        except CannotJudge:
            found[node.name] = ()
    return found


def ask(target: Group, ctx: Context) -> Plan:
    """The plan of every check of the fabric's cables. Raises NotApplicable where no node has a planned port."""
    ports = training(target.members, ctx)
    if not any(ports.values()):
        raise NotApplicable("no node has planned fabric ports")
    profiles: dict[str, list[Node]] = {}
    for node in target.members:
        if ports[node.name] and _is_infiniband(node, ctx):
            profiles.setdefault(node.profile, []).append(node)
    steps: list[Step] = []
    for mine in profiles.values():
        for node in dict.fromkeys(mine[k * len(mine) // _OPINIONS] for k in range(_OPINIONS)):
            steps.append(Step(node, ib.discover(tuple(port.hca for port in ports[node.name]))))
    return Run(tuple(steps))


def _is_infiniband(node: Node, ctx: Context) -> bool:
    try:
        return ctx.fact_if_any(node, "fabric.link_layer") != ETHERNET
    except CannotJudge:
        return False


def look(target: Group, out: Outputs, ctx: Context) -> Seen:
    """Everything that the fabric and the neighbours tell."""
    nodes = {node.name: node for node in target.members}
    ports = planned_ports(target.members, training(target.members, ctx))
    fabrics, troubles = _fabrics(out, nodes)
    fabric = ib.merged(fabrics)
    sight = in_fabric(fabric, _guids(ctx, nodes), ports) if fabrics else Sight()
    leaves = dict.fromkeys(port.port.leaf for port in ports if port.port.leaf)
    told = {at: end for at, end in _heard(ctx) if at.partition("/")[0] in nodes and at not in sight.ends}
    named = {name: leaf_name(name, leaves) for name in {end.switch for end in told.values()}}
    heard = {at: FarEnd(named[end.switch], end.names) for at, end in told.items()}
    return Seen(
        ports,
        {**sight.ends, **heard},
        fabric,
        sight.switches,
        (*sight.notes, *troubles) if fabrics else (),
        "" if fabrics else "; ".join(troubles),
    )


def _fabrics(out: Outputs, nodes: Mapping[str, Node]) -> tuple[list[Fabric], list[str]]:
    """What each node that was asked has seen, and why others saw nothing."""
    found: list[Fabric] = []
    troubles: list[str] = []
    for answer in out:
        try:
            found.append(ib.parse(out.text(nodes[answer.node], answer.command)))
        except CannotJudge as cannot:
            troubles.append(f"{answer.node}: {cannot.reason}")
    return found, troubles


def _guids(ctx: Context, nodes: Mapping[str, Node]) -> dict[str, str]:
    """The adapter of each GUID, its own or its port's; of a GUID that two adapters claim nothing is known."""
    found: dict[str, set[str]] = {}
    for name in ("guid", "port guid"):  # some programs name the one and some the other
        for m in ctx.readings.get((NEIGHBOURS, name), ()):
            if m.at.partition("/")[0] in nodes:
                found.setdefault(str(m.value), set()).add(m.at)
    return {guid: next(iter(at)) for guid, at in found.items() if len(at) == 1}


def _heard(ctx: Context) -> Iterator[tuple[str, FarEnd]]:
    """The neighbour of each Ethernet port, by component path."""
    names: dict[str, list[str]] = {}
    for reading in ("switch port", "switch port name"):
        for m in ctx.readings.get((NEIGHBOURS, reading), ()):
            names.setdefault(m.at, []).append(str(m.value))
    for m in ctx.readings.get((NEIGHBOURS, "switch"), ()):
        yield m.at, FarEnd(str(m.value), tuple(names.get(m.at, ())))


def need_sight(seen: Seen, ctx: Context, at: str) -> None:
    """Raises if nothing is known of any cable: an error where somebody asked for it, by a plan or by the profile."""
    if seen.ends:
        return
    reason = seen.trouble or "no Ethernet port hears a switch (LLDP)"
    nodes = {port.node.name: port.node for port in seen.ports}.values()
    if not any(node.profile in ctx.rules for node in nodes):
        for node in nodes:
            ctx.requires(node, "lldpcli")  # nothing is known of any node, and that is told instead
    asked = any(port.port.leaf for port in seen.ports) or any(
        ctx.requires(node, tool) for node in nodes for tool in ("ibnetdiscover", "iblinkinfo", "lldpcli")
    )
    if not asked:
        raise NotApplicable(f"there is no cable plan, and no cable could be seen: {reason}")
    blind = (
        reason.partition(": ")[0] if reason.endswith(ib.NOT_ACTIVE) else ""
    )  # its ports are the cause, by link.state
    raise CannotJudge(f"no cable could be seen: {reason}", code=UNSEEN, at=blind or at)


FABRIC_UNSEEN = Fault(
    UNSEEN,
    "where the cables end could not be seen",
    "InfiniBand: install infiniband-diags on one node that can be asked as root; Ethernet: install lldpd on the nodes and "
    "let the switches send LLDP; then: bringup resume",
    Who.COULD_NOT_JUDGE,
    Severity.MONITOR,
    explained_by=("LINK-INIT", "LINK-DOWN", "LINK-DISABLED", "LINK-LAYER"),
)


def findings(deviations: Iterable[Deviation]) -> Iterator[Finding]:
    """Deviations as findings: what was seen in the first line, what to do in the second."""
    for one in deviations:
        yield Finding(one.code, f"{one.seen}\n{one.todo}", " ~ ".join(one.at))
