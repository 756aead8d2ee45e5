"""Can all trays of an NVLink domain share memory, and if not, is it more than a tray whose service is down?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage

READINGS = "nvlink.imex"
IMEX_DOMAIN = Fault(
    code="IMEX-DOMAIN",
    title="the IMEX domain of {at} is not complete",
    action="on the nodes that the evidence names: the same driver and IMEX version on all trays (a V in the table is a "
    "difference), the same nodes_config.cfg, no firewall between them; then restart nvidia-imex on all",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("IMEX-DOWN", "GPU-DRIVER", "NODE-UNREACHABLE", "NODE-LOST"),
)
_RULE = Limit("nvlink.imex-domain", "==", 0, "nodes", why="every tray is ready and connected", source="rule")
_UP = "UP"


class ImexDomain(Check[Group]):
    """Every node of an NVLink domain sees the whole domain up: all trays ready and connected.

    Where the service of a tray is down, what the others see is said at that tray, whose fault explains it.
    """

    id = "nvlink.imex-domain"
    stage = Stage.NVLINK
    faults = (IMEX_DOMAIN,)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not any(_spans(node, ctx) for node in target.members):
            raise NotApplicable("no node has an NVLink domain of several nodes")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        racks: dict[str, list[Node]] = {}
        for node in target.members:
            if _spans(node, ctx):
                racks.setdefault(node.rack, []).append(node)
        service, state, trouble = (_readings(ctx, name) for name in ("service", "state", "trouble"))
        silent: list[str] = []
        for rack, nodes in racks.items():
            # A service that is down, or a tray that told nothing, is a fault or an error of its own.
            down = [node.name for node in nodes if service.get(node.name) != "active"]
            silent += [node.name for node in nodes if node.name not in state and node.name not in down]
            seen = {node.name: trouble.get(node.name, "none") for node in nodes if node.name in state}
            bad = {name: words for name, words in seen.items() if state[name] != _UP or words != "none"}
            yield Measurement(
                f"nodes of rack {rack or 'unknown'} in trouble",
                len(bad),
                "nodes",
                target.name,
                None if bad else _RULE,
            )
            for words in dict.fromkeys(bad.values()):
                mine = [name for name, own in bad.items() if own == words]
                message = f"{state[mine[0]]} as seen by {_some(mine)}: {words}"
                # A tray whose service is down explains it, so it is said there.
                yield Finding(IMEX_DOMAIN.code, message, down[0] if down else mine[0])
        if silent:
            raise CannotJudge(f"no IMEX state is known of {_some(silent)}")
        if not state and not service:
            raise CannotJudge(f"no node told the state of its IMEX domain ({READINGS} has no reading)")


def _readings(ctx: Context, name: str) -> dict[str, str]:
    return {m.at: str(m.value) for m in ctx.readings.get((READINGS, f"nvlink.imex.{name}"), ())}


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _spans(node: Node, ctx: Context) -> bool:
    try:
        ctx.need_gpus(node, "nvidia")
        return ctx.number(node, "nvlink.domain_nodes") > 1
    except (NoLimit, NotApplicable):
        return False
