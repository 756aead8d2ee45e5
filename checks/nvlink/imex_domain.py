"""Can all trays of an NVLink domain share memory, and if not, is it more than a tray whose service is down?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage
from bringup.parsers.imex_view import Views, blames, of_absent, without
from bringup.topology import groups, place

READINGS = "nvlink.imex"
ADDRESSES = ("host.identities", "IP address")
IMEX_DOMAIN = Fault(
    code="IMEX-DOMAIN",
    title="the IMEX domain of {at} is not complete",
    action="on {at} and on the nodes that the evidence names: the same nodes_config.cfg (an M in the table is a "
    "difference), no firewall between them; then restart nvidia-imex on all",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("IMEX-DOWN", "GPU-DRIVER", "NODE-UNREACHABLE", "NODE-LOST", "LOGIN-REFUSED"),
)
IMEX_VERSION = Fault(
    code="IMEX-VERSION",
    title="IMEX of {at} talks to nobody, because its version differs",
    action="install the driver and the IMEX of the other trays on {at} (IMEX exactly in the driver's version), then "
    "restart nvidia-imex there",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("IMEX-DOWN", "GPU-DRIVER", "VERSION-MINORITY"),
)
_RULE = Limit("nvlink.imex-domain", "==", 0, "nodes", why="every tray is ready and connected", source="rule")
_UP = "UP"
_ACTIVE = "active"
_VERSION = "!V!"


class ImexDomain(Check[Group]):
    """Every node of an NVLink domain sees the whole domain up: all trays ready and connected.

    What the trays say of each other is told at the fewest of them that have part in all of it: one tray behind a
    firewall sees all others missing. A tray whose service is down explains what the others see of it; of one that told
    nothing it cannot be judged. Whose an address is, the inventory and the nodes themselves tell. A tray that knows of
    fewer than are in its domain by plan shares no memory with the rest, however well it finds itself.
    """

    id = "nvlink.imex-domain"
    stage = Stage.NVLINK
    faults = (IMEX_DOMAIN, IMEX_VERSION)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not any(_spans(node, ctx) for node in target.members):
            raise NotApplicable("no node has an NVLink domain of several nodes")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        service, state, trouble, size = (
            _readings(ctx, name) for name in ("service", "state", "trouble", "nodes")
        )
        if not state and not service:
            raise CannotJudge(f"no node told the state of its IMEX domain ({READINGS} has no reading)")
        owner = _owners(target.members, ctx)
        unheard: list[str] = []
        for domain, nodes in groups(target.members, lambda node: place(node).domain or "unknown").items():
            mine = [node for node in nodes if _spans(node, ctx)]
            names = [node.name for node in mine]
            if not names:
                continue
            seen = {name: _seen(trouble.get(name, "")) for name in names if name in state}
            bad = {name: view for name, view in seen.items() if state[name] != _UP or view}
            small = _too_small(mine, size, ctx)
            wrong = len({*bad, *small})
            at = f"nodes of domain {domain} in trouble"
            yield Measurement(at, wrong, "nodes", target.name, _RULE if seen and not wrong else None)
            yield from (Finding(IMEX_DOMAIN.code, said, name) for name, said in small.items())
            down = [name for name in names if service.get(name, _ACTIVE) != _ACTIVE]
            quiet = [name for name in names if name not in state and name not in down]
            theirs = of_absent(bad, owner, (*down, *quiet))
            yield from _told(without(bad, theirs), state, owner, target.name)
            yield from _of_absent(bad, theirs, down)
            for name in (name for name, view in bad.items() if not view):
                yield Finding(IMEX_DOMAIN.code, f"the domain is {state[name]}, and nobody says why", name)
            for name in down if not seen else ():
                yield Finding(IMEX_DOMAIN.code, "nobody of the domain tells its state", name)
            away = set(theirs.values())
            unheard += [n for n in quiet if not seen or n in service or n in away or "" in away]
        if unheard:
            said = f"no IMEX state is known of {_some(unheard)}"
            raise CannotJudge(said, code=IMEX_DOMAIN.code, at=unheard[0])


def _too_small(nodes: Sequence[Node], size: Mapping[str, str], ctx: Context) -> dict[str, str]:
    """The trays of a domain whose IMEX knows of fewer than are in it by plan, with words for people."""
    least = min(len(nodes), *(int(ctx.number(node, "nvlink.domain_nodes")) for node in nodes))
    known = {node.name: int(float(size[node.name])) for node in nodes if node.name in size}
    return {
        name: f"IMEX on {name} knows of {count} of the {least} nodes that are in its domain by plan"
        for name, count in known.items()
        if count < least
    }


def _told(views: Views, state: Mapping[str, str], owner: Mapping[str, str], fleet: str) -> Iterator[Finding]:
    """What trays say of each other, at those to blame for it; of addresses that nobody knows, at the fleet."""
    known = {*owner.values(), *views}
    for blame in blames(views, owner):
        message = f"{state[blame.tellers[0]]} as seen by {_some(blame.tellers)}: {blame.words}"
        code = IMEX_VERSION.code if _VERSION in blame.words else IMEX_DOMAIN.code
        yield Finding(code, message, blame.at if blame.at in known else fleet)


def _of_absent(views: Views, theirs: Mapping[str, str], down: Sequence[str]) -> Iterator[Finding]:
    """What the others see of trays whose service is down, at those: their own fault explains it."""
    for name in down:
        mine = [address for address, whose in theirs.items() if whose in (name, "")]
        tellers = [who for who, view in views.items() if any(address in view for address in mine)]
        if tellers:
            words = dict.fromkeys(f"{a} {views[who][a]}" for who in tellers for a in mine if a in views[who])
            yield Finding(IMEX_DOMAIN.code, f"as seen by {_some(tellers)}: {', '.join(words)}", name)


def _seen(trouble: str) -> dict[str, str]:
    """What one tray says: address -> what is wrong there, from the reading of `nvlink.imex`."""
    parts = (part.partition(" ") for part in trouble.split(", ") if " " in part)
    return {address: word for address, _, word in parts}


def _owners(nodes: Sequence[Node], ctx: Context) -> dict[str, str]:
    """Whose each address is: as the inventory has it, else as one node alone tells."""
    planned = {address: n.name for n in nodes for address in (n.address, n.peer_address) if address}
    told: dict[str, set[str]] = defaultdict(set)
    for m in ctx.readings.get(ADDRESSES, ()):
        told[str(m.value)].add(m.at.partition("/")[0])
    return {address: min(mine) for address, mine in told.items() if len(mine) == 1} | planned


def _readings(ctx: Context, name: str) -> dict[str, str]:
    return {m.at: str(m.value) for m in ctx.readings.get((READINGS, f"nvlink.imex.{name}"), ())}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _spans(node: Node, ctx: Context) -> bool:
    try:
        ctx.need_gpus(node, "nvidia")
        return ctx.number(node, "nvlink.domain_nodes") > 1
    except (NoLimit, NotApplicable):
        return False
