"""Does the node's own part of the shared memory of an NVLink domain run? `nvlink.imex-domain` looks at the whole."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_imex, systemd

IMEX_DOWN = Fault(
    code="IMEX-DOWN",
    title="the IMEX service of {node} is not running",
    action="on {node}: systemctl restart nvidia-imex; if it stays down, install IMEX in exactly the driver's version "
    "and read its log",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("GPU-DRIVER",),
)
UNIT = systemd.unit("nvidia-imex")


class Imex(Check[Node]):
    """The IMEX service of the node is active and tells the state of its domain.

    Only machines whose NVLink domain spans several nodes have one: the profile's `nvlink.domain_nodes` says so. One
    tray that is down shows on all trays, so what this node says of the others is a reading.
    """

    id = "nvlink.imex"
    stage = Stage.NVLINK
    collects = True
    faults = (IMEX_DOWN,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        _domain_nodes(target, ctx)
        return run(target, UNIT, nvidia_imex.NODES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "nvlink.imex.service")
        unit = systemd.parse(out.text(target, UNIT))
        state = unit.active if unit.load == "loaded" else unit.load
        yield Measurement("nvlink.imex.service", state, "", target.name, limit)
        if not limit.holds(state):
            detail = f"{unit.id}: {unit.load}, {unit.active} ({unit.sub}), result {unit.result or 'unknown'}"
            yield Finding(IMEX_DOWN.code, detail, target.name, Weight.NOTE)
            return
        answer = out.answered(target, nvidia_imex.NODES)
        if not answer.text.strip():
            said = answer.error_text.strip()[:200] or "no text"
            rights = "" if answer.as_root else " without root"
            raise CannotJudge(f"nvidia-imex-ctl{rights} ended with status {answer.status}: {said}")
        domain = nvidia_imex.parse(answer.text)
        yield Measurement("nvlink.imex.state", domain.state, "", target.name)
        yield Measurement("nvlink.imex.nodes", len({n.address for n in domain.nodes}), "nodes", target.name)
        trouble = ", ".join(f"{address} {state}" for address, state in domain.trouble.items())
        yield Measurement("nvlink.imex.trouble", trouble or "none", "", target.name)


def _domain_nodes(node: Node, ctx: Context) -> int:
    """How many nodes share one NVLink domain. Raises NotApplicable where each has its own."""
    try:
        nodes = ctx.number(node, "nvlink.domain_nodes")
    except NoLimit:
        if node.profile not in ctx.rules:
            raise
        nodes = 1
    if nodes < 2:
        raise NotApplicable(f"profile {node.profile}: the NVLink domain is the node itself")
    return nodes
