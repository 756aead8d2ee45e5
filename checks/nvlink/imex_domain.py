"""Can all trays of an NVLink domain share memory, and if not, is it more than a tray whose service is down?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage
from bringup.parsers.imex_view import Views, blames, split

READINGS = "nvlink.imex"
ADDRESSES = ("host.identities", "IP address")
IMEX_DOMAIN = Fault(
    code="IMEX-DOMAIN",
    title="the IMEX domain of {at} is not complete",
    action="on {at} and on the nodes that the evidence names: the same driver and IMEX version on all trays (a V in the "
    "table is a difference), the same nodes_config.cfg, no firewall between them; then restart nvidia-imex on all",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=(
        "IMEX-DOWN",
        "GPU-DRIVER",
        "VERSION-MINORITY",
        "NODE-UNREACHABLE",
        "NODE-LOST",
        "LOGIN-REFUSED",
    ),
)
_RULE = Limit("nvlink.imex-domain", "==", 0, "nodes", why="every tray is ready and connected", source="rule")
_UP = "UP"
_ACTIVE = "active"


class ImexDomain(Check[Group]):
    """Every node of an NVLink domain sees the whole domain up: all trays ready and connected.

    What the trays say of each other is told at the fewest of them that have part in all of it: one tray behind a
    firewall sees all others missing. A tray whose service is down explains what the others see of it; of one that told
    nothing it cannot be judged.
    """

    id = "nvlink.imex-domain"
    stage = Stage.NVLINK
    faults = (IMEX_DOMAIN,)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not any(_spans(node, ctx) for node in target.members):
            raise NotApplicable("no node has an NVLink domain of several nodes")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        service, state, trouble = (_readings(ctx, name) for name in ("service", "state", "trouble"))
        if not state and not service:
            raise CannotJudge(f"no node told the state of its IMEX domain ({READINGS} has no reading)")
        racks: dict[str, list[str]] = {}
        for node in target.members:
            if _spans(node, ctx):
                racks.setdefault(node.rack, []).append(node.name)
        owner = _owners(ctx)
        unheard: list[str] = []
        for rack, names in racks.items():
            seen = {name: _seen(trouble.get(name, "")) for name in names if name in state}
            bad = {name: view for name, view in seen.items() if state[name] != _UP or view}
            at = f"nodes of rack {rack or 'unknown'} in trouble"
            yield Measurement(at, len(bad), "nodes", target.name, None if bad else _RULE)
            down = [name for name in names if service.get(name, _ACTIVE) != _ACTIVE]
            quiet = [name for name in names if name not in state and name not in down]
            rest, accounted = split(bad, owner, (*down, *quiet))
            yield from _told(rest, state, owner)
            message = f"as seen by {_some(list(bad))}: {', '.join(accounted)}"
            for name in down if accounted else ():  # whose own fault explains it
                yield Finding(IMEX_DOMAIN.code, message, name)
            for name in bad if not rest and not accounted else ():
                yield Finding(IMEX_DOMAIN.code, f"the domain is {state[name]}, and nobody says why", name)
            unheard += [name for name in quiet if accounted or name in service]
        if unheard:
            said = f"no IMEX state is known of {_some(unheard)}"
            raise CannotJudge(said, code=IMEX_DOMAIN.code, at=unheard[0])


def _told(views: Views, state: Mapping[str, str], owner: Mapping[str, str]) -> Iterator[Finding]:
    """What the trays of a rack say of each other, at those to blame for it."""
    for blame in blames(views, owner):
        known = blame.at in owner.values() or blame.at in views
        message = f"{state[blame.tellers[0]]} as seen by {_some(blame.tellers)}: {blame.words}"
        yield Finding(IMEX_DOMAIN.code, message, blame.at if known else blame.tellers[0])


def _seen(trouble: str) -> dict[str, str]:
    """What one tray says: address -> what is wrong there, from the reading of `nvlink.imex`."""
    parts = (part.partition(" ") for part in trouble.split(", ") if " " in part)
    return {address: word for address, _, word in parts}


def _owners(ctx: Context) -> dict[str, str]:
    """Whose each address is, as the nodes themselves tell."""
    return {str(m.value): m.at.partition("/")[0] for m in ctx.readings.get(ADDRESSES, ())}


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
