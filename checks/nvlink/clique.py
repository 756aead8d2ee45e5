"""To which NVLink domain does each GPU belong? `nvlink.mnnvl` compares it over the trays of a rack."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NoLimit, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import nvidia_smi_xml

NVLINK_DOMAIN = Fault(
    code="NVLINK-DOMAIN",
    title="{at} is in no NVLink domain",
    action="look at the switch trays of the rack of {node} and at their fabric manager (NMX), then reset the GPUs of "
    "{node}; if it stays, reseat the tray at {place} in its NVLink cartridge",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=("GPU-LOST", "GPU-DRIVER", "NVLINK-FABRIC", "NVLINK-DOWN", "GPU-XID"),
)
_JOINED = "Completed"
_ZERO = re.compile(r"[0-]*")
_RULE = Limit(
    "nvlink.domain", "!=", "none", why="GPUs of such a machine share one NVLink domain", source="rule"
)


class Clique(Check[Node]):
    """Every GPU is in an NVLink domain.

    Its cluster UUID is not zero and it names a clique; both together are the domain. Only machines whose domain
    spans several nodes are judged: the profile's `nvlink.domain_nodes` says so.
    """

    id = "nvlink.clique"
    stage = Stage.NVLINK
    collects = True
    faults = (NVLINK_DOMAIN,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        try:
            nodes = ctx.number(target, "nvlink.domain_nodes")
        except NoLimit:
            if target.profile not in ctx.rules:
                raise
            nodes = 1
        if nodes < 2:
            raise NotApplicable(f"profile {target.profile}: the NVLink domain is the node itself")
        return run(target, nvidia_smi_xml.QUERY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        smi = nvidia_smi_xml.read(out.answered(target, nvidia_smi_xml.QUERY))
        silent: list[str] = []
        for gpu in smi.answering:
            cluster, clique = gpu.fabric.cluster, gpu.fabric.clique
            if gpu.fabric.state not in (None, _JOINED):  # it says so itself: it is in no domain yet
                cluster, clique = "", 0
            if cluster is None or clique is None:
                silent.append(gpu.label)
                continue
            domain = "none" if _ZERO.fullmatch(cluster) else f"{cluster}/{clique}"
            yield Measurement("nvlink.domain", domain, "", f"{target.name}/gpu/{gpu.label}", _RULE)
        smi.demand(ctx.need_gpus(target), "NVLink domain", silent)
