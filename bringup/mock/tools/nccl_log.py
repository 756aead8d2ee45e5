"""What NCCL says with NCCL_DEBUG=INFO about the way that a collective takes: ports, channels, reductions in switches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.mock import physics
from bringup.mock.hardware import SimNode
from bringup.mock.tools.nccl_text import Rank

_CHANNELS = 2


def lines(nodes: Sequence[SimNode], ranks: Sequence[Rank], hcas: Sequence[str]) -> str:
    """The lines of all ranks. `hcas` are the ports that NCCL_IB_HCA allows, none: all."""
    by_host = {node.hostname: node for node in nodes}
    joined = len(nodes) > 1 and physics.one_nvlink_domain(nodes)
    text: list[str] = []
    for number, rank in enumerate(ranks):
        node = by_host[rank.host]
        head = f"{rank.host}:{rank.pid}:{rank.pid + 57} [{rank.device}] NCCL INFO "
        text += [head + said for said in _init(node, rank, hcas, joined)]
        if len(nodes) > 1:
            far = ranks[(number + len(ranks) // len(nodes)) % len(ranks)]
            text += [
                head + said for said in _channels(node, number, rank, far, ranks.index(far), hcas, joined)
            ]
    return "".join(f"{line}\n" for line in text)


def allowed(value: str) -> tuple[str, ...]:
    """The ports that NCCL_IB_HCA allows; none means all."""
    return tuple(word.partition(":")[0] for word in value.lstrip("=").split(",") if word)


def _init(node: SimNode, rank: Rank, hcas: Sequence[str], joined: bool) -> Iterator[str]:
    ports = usable(node, hcas)
    out_of_band = f"OOB eth0:{node.hostname}<0>"
    if ports:
        named = " ".join(
            f"[{n}]{hca}:1/{'IB' if layer == 'InfiniBand' else 'RoCE'}"
            for n, (hca, layer) in enumerate(ports)
        )
        yield f"NET/IB : Using {named} [RO]; {out_of_band}"
        yield "Using network IB"
    else:
        yield "NET/IB : No device found."
        yield f"NET/Socket : Using [0]eth0:{node.hostname}<0>"
        yield "Using network Socket"
    gpu = next(gpu for gpu in node.visible_gpus if gpu.bdf == rank.bdf)
    if gpu.kind.fabric_reported:
        yield f"MNNVL busId 0x{rank.bdf[5:7]}000 fabric UUID 0.0 cliqueId 0x{gpu.clique:x} state 3 healthMask 0x0"
    if gpu.kind.vendor == "nvidia" and gpu.kind.nvlinks:
        there = node.nvls and gpu.kind.fabric_reported
        yield f"NVLS multicast support is {'' if there else 'not '}available on dev {rank.device} (NVLS_NCHANNELS {16 * there})"
    if gpu.kind.fabric_reported and node.shape.has_imex:
        yield f"MNNVL {int(joined)} cliqueId {gpu.clique:x} cliqueSize {8 if joined else 4} cliqueRank 0"


def _channels(
    node: SimNode, number: int, rank: Rank, far: Rank, far_number: int, hcas: Sequence[str], joined: bool
) -> Iterator[str]:
    ports = usable(node, hcas)
    way = "P2P/MNNVL" if joined else f"NET/IB/{rank.device % len(ports)}" if ports else "NET/Socket/0"
    modules = {"nvidia_peermem"} if node.shape.gpu_vendor == "nvidia" else set()
    direct = "/GDRDMA" if ports and not joined and not modules & node.unloaded else ""
    for channel in range(_CHANNELS):
        yield (
            f"Channel {channel:02}/0 : {number}[{rank.device}] -> {far_number}[{far.device}] [send] via {way}{direct}"
        )


def usable(node: SimNode, hcas: Sequence[str]) -> list[tuple[str, str]]:
    """The ports that NCCL finds, with their link layer."""
    return [(h.name, h.layer) for h in node.fabric_hcas if h.active and (not hcas or h.name in hcas)]
