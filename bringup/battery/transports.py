"""Whether a collective took the way that it should: a run over the wrong one voids its bandwidth and is itself the finding.

A log that says nothing of its way voids nothing: the floors of the profiles cannot be reached over the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bringup.battery.joined import spans_nodes
from bringup.context import Context
from bringup.defects import Fault, Who
from bringup.model import Finding, Limit, Measurement, Node
from bringup.parsers import nccl_transport

TRANSPORT = Fault(
    "COLL-TRANSPORT",
    "collectives on {at} take the wrong way",
    "compare driver, fabric manager, CUDA and NCCL, their plugins and NCCL_* settings (/etc/nccl.conf, the environment) of"
    " {node} with a good node; NCCL_DEBUG=INFO shows which way it takes",
    Who.SOFTWARE,
    explained_by=(
        "GPU-LOST", "GPU-DRIVER", "FM-DOWN", "NVLINK-FABRIC", "NVLINK-DOWN", "NVLINK-CLIQUE", "IMEX-DOWN", "IMEX-DOMAIN",
        "HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-INIT", "LINK-LAYER", "LINK-MODULES", "PEERMEM-MISSING",
        "ROCE-GID", "VERSION-MINORITY",
    ),
)  # fmt: skip


_MNNVL = Limit(
    "collective.mnnvl", "==", "used", why="NVLink joins the nodes of one domain, at many times the ports' speed",
    source="NVIDIA NCCL NCCL_MNNVL_ENABLE",
)  # fmt: skip


def between(log: str, at: str) -> Measurement | None:
    """Whether nodes that NVLink joins used it; None where the log says nothing of it.

    NCCL takes MNNVL for all nodes of a job or for none, so this speaks of the job `at` and of none of its nodes.
    """
    said = [way.mnnvl for way in nccl_transport.parse(log).values() if way.mnnvl is not None]
    if not said:
        return None
    used = "used" if all(said) else "not used"
    return Measurement("NVLink between the nodes (MNNVL)", used, "", at, _MNNVL, TRANSPORT.code)


def of_nodes(
    log: str, hosts: Sequence[str], nodes: Sequence[Node], ctx: Context, *, nvlink: bool = True
) -> Iterator[Finding]:
    """What went the wrong way, node by node. `hosts` are the names that the nodes have in the log, in the same order.

    One node alone uses no fabric ports, and a job without `nvlink` no reduction in the NVSwitches.
    """
    ways: Mapping[str, nccl_transport.Way] = nccl_transport.parse(log)
    for host, node in zip(hosts, nodes, strict=False):
        way = ways.get(host.partition(".")[0])
        if way is None:
            continue
        hcas = tuple(port.hca for port in ctx.training_ports(node)) if len(nodes) > 1 else ()
        direct = ctx.fact_if_any(node, "gpu.vendor") is not None
        for said in nccl_transport.wrong_ways(
            way, hcas, nvls=nvlink and reduces_in_switches(node, ctx), direct=direct
        ):
            yield Finding(TRANSPORT.code, said, node.name)


def reduces_in_switches(node: Node, ctx: Context) -> bool:
    """Whether the NVSwitches of the node can reduce: the fact `collective.nvls`, else by what the profile has."""
    told = ctx.fact_if_any(node, "collective.nvls")
    if isinstance(told, bool):
        return told
    if ctx.fact_if_any(node, "gpu.vendor") != "nvidia" or not ctx.fact_if_any(node, "nvlink.fabric_reported"):
        return False
    return bool(ctx.fact_if_any(node, "nvlink.fabric_manager")) or spans_nodes(node, ctx)
