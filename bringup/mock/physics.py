"""What tests measure: bandwidth, latency and bus bandwidth from the state of the parts, nothing else.

Bandwidth between two ports is the least of what the parts on its way carry: PCIe slot, adapter, link, leaf, uplinks.
All noise is seeded.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from bringup.mock.fabric import End, Fabric, Hop
from bringup.mock.hardware import Hca, SimNode

__all__ = ["End", "busbw_gbs", "counted", "latency_us", "noise", "payload", "port_gbps"]

WIRE_EFFICIENCY = 0.965
PACKET_BYTES = 4096
_PCIE_EFFICIENCY = 0.895
_NOISE = 0.002
_BASE_US = 1.92
_OTHER_LEAF_US = 0.55
_RING_SHARE = 0.765  # of the plateau with the switches' own reduction, when that is not used
_COLLECTIVE_WIRE_SHARE = 0.905
_HALF_SIZE_BYTES = 16 << 20
_SENT_AGAIN = 64  # packets in flight that a lost one takes along: go-back-N


def loss(hca: Hca) -> float:
    """The share of packets that the port's bit errors destroy."""
    return 1 - (1 - hca.bit_error_rate) ** (PACKET_BYTES * 8)


def port_gbps(node: SimNode, hca: Hca, way: str = "") -> float:
    """What one port can carry in one direction, in Gb/s of payload: its link, its PCIe slot, its faults.

    `way` is tx or rx; without it the worse of both counts.
    """
    coding = 0.8 if hca.pcie_gts < 8 else 128 / 130
    slot = hca.pcie_gts * hca.pcie_width * coding * _PCIE_EFFICIENCY
    ways = {"tx": hca.tx_fraction, "rx": hca.rx_fraction}
    one_way = ways.get(way, min(ways.values()))
    again = 1 / (1 + loss(hca) * _SENT_AGAIN)
    return min(hca.rate_gbps * WIRE_EFFICIENCY * again, slot) * hca.fraction * one_way * node.fraction


def payload(hops: Sequence[Hop]) -> tuple[Hop, ...]:
    """The same hops with what is left for data."""
    return tuple(Hop(h.name, h.gbps * WIRE_EFFICIENCY, h.each_gbps * WIRE_EFFICIENCY) for h in hops)


def noise(rng: random.Random) -> float:
    """A factor a little off 1, as between two runs of the same test."""
    return 1 + rng.uniform(-_NOISE, _NOISE)


def latency_us(a: End, b: End, rng: random.Random, fabric: Fabric | None = None) -> float:
    """Median one-way latency of a small message."""
    far = _OTHER_LEAF_US if a.hca.leaf != b.hca.leaf else 0.0
    switches = fabric.extra_us(a, b) if fabric is not None else 0.0
    return _BASE_US + far + switches + a.hca.extra_us + b.hca.extra_us + rng.uniform(0, 0.06)


def counted(hca: Hca, sent_bytes: int, received_bytes: int) -> tuple[dict[str, int], dict[str, int]]:
    """What traffic adds to a port's counters: those of its link, and those of its transport."""
    port: dict[str, int] = dict(hca.counts_under_load)
    for way, count in (("xmit", sent_bytes), ("rcv", received_bytes)):
        port[f"port_{way}_data"] = count // 4
        port[f"port_{way}_packets"] = port[f"unicast_{way}_packets"] = count // PACKET_BYTES
    lost = int(loss(hca) * received_bytes / PACKET_BYTES)
    port["symbol_error"] = port.get("symbol_error", 0) + hca.symbol_errors_under_load
    port["symbol_error"] += int(hca.bit_error_rate * received_bytes * 8)
    port["port_rcv_errors"] = port.get("port_rcv_errors", 0) + lost
    transport = dict(hca.transport_under_load)
    for name, count in (
        ("rx_write_requests", received_bytes >> 20),
        ("packet_seq_err", lost),
        ("out_of_sequence", lost),
    ):
        transport[name] = transport.get(name, 0) + count
    return port, transport


# ------------------------------------------------------------------------------------------- collectives


_PCIE_SHARE = 0.04
"""Without NVLink collectives go over PCIe: about 20 GB/s of bus bandwidth on a node of eight, and not nothing."""


def nvlink_share(nodes: Sequence[SimNode]) -> float:
    """The part of its NVLink bandwidth that the worst GPU has."""
    shares = [
        sum(gpu.link_gbs(link) for link in gpu.kind.links) / (gpu.kind.nvlinks * gpu.kind.nvlink_gbs)
        for node in nodes
        for gpu in node.visible_gpus
        if gpu.kind.nvlinks
    ]
    return max(_PCIE_SHARE, min(shares)) if shares else 0.0


def one_nvlink_domain(nodes: Sequence[SimNode]) -> bool:
    """Whether NCCL joins the nodes' GPUs over NVLink: one domain, IMEX runs on all of them, and none has it turned off."""
    places = {(gpu.cluster_uuid, gpu.clique) for node in nodes for gpu in node.visible_gpus}
    return len(places) == 1 and all(node.imex == "active" and node.mnnvl for node in nodes)


def refusing(nodes: Sequence[SimNode], hcas: Sequence[str] = ()) -> SimNode | None:
    """A node whose fabric connects but lets no data through, if the job crosses nodes. `hcas`: only over these."""
    for node in nodes if len(nodes) > 1 else ():
        if any(h.refuses and h.active and (not hcas or h.name in hcas) for h in node.fabric_hcas):
            return node
    return None


def gpu_share(nodes: Sequence[SimNode]) -> float:
    """The part of its pace that the worst GPU keeps: reductions run on its clocks and through its memory."""
    shares = [min(gpu.clock_fraction, gpu.memory_fraction) for n in nodes for gpu in n.visible_gpus]
    return min(1.0, min(shares, default=1.0) * 2)  # half of either is enough to feed the links


def wire_gbs_per_gpu(node: SimNode, gpus: int, only: Sequence[str] = ()) -> float:
    """GB/s that the fabric gives each of a node's GPUs, when its slowest usable port sets the pace."""
    ports = _usable(node, only)
    if not ports or gpus == 0:
        return 0.0
    return _per_gpu(min(port_gbps(node, hca) for hca in ports), len(ports), gpus)


def _per_gpu(gbps: float, ports: int, gpus: int) -> float:
    return gbps / WIRE_EFFICIENCY * _COLLECTIVE_WIRE_SHARE / 8 * min(1.0, ports / gpus)


def _usable(node: SimNode, only: Sequence[str]) -> list[Hca]:
    return [
        h
        for h in node.fabric_hcas
        if h.active and h.layer == node.shape.layer and (not only or h.name in only)
    ]


def _crossing_gbps(nodes: Sequence[SimNode], only: Sequence[str], fabric: Fabric) -> float:
    """What the slowest flow of a ring over the nodes gets between its ports, all rails at once."""
    ways = [fabric.way(a, b) for a, b in _ring(nodes, only)]
    flows = Counter(hop.name for way in ways for hop in way)
    return min((fabric.share_gbps(way, flows) for way in ways), default=float("inf")) * WIRE_EFFICIENCY


def _ring(nodes: Sequence[SimNode], only: Sequence[str]) -> Iterator[tuple[End, End]]:
    """The flows of a ring: on every rail from each node to the next."""
    for node, following in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
        theirs = {h.rail: h for h in _usable(following, only)}
        for hca in _usable(node, only):
            if hca.rail in theirs:
                yield End(node, hca), End(following, theirs[hca.rail])


def rail_busbw_gbs(
    collective: str,
    nodes: Sequence[SimNode],
    only_hcas: Sequence[str],
    rng: random.Random,
    fabric: Fabric | None,
) -> float:
    """The plateau of one GPU of each node over one rail, all rails at once: that of the slowest, in GB/s."""
    rails = [{h.name for h in _usable(node, only_hcas)} for node in nodes]
    names = sorted(set.intersection(*rails)) if len(set(map(len, rails))) == 1 else []
    each = (busbw_gbs(collective, nodes, 1, (name,), rng, fabric, mnnvl=False) for name in names)
    return min(each, default=0.0)


def busbw_gbs(
    collective: str,
    nodes: Sequence[SimNode],
    gpus_per_node: int,
    only_hcas: Sequence[str],
    rng: random.Random,
    fabric: Fabric | None = None,
    *,
    mnnvl: bool = True,
) -> float:
    """The plateau of a collective's bus bandwidth, in GB/s.

    Over k nodes and n GPUs an all_reduce with hierarchical rings moves busbw x (k-1)/(n-1) over each GPU's adapter.
    """
    kind = nodes[0].shape.gpu
    inside = kind.busbw_gbs * nvlink_share(nodes) * gpu_share(nodes)
    if kind.vendor == "nvidia" and (not all(n.nvls for n in nodes) or collective != "all_reduce"):
        inside *= _RING_SHARE
    inside *= min(n.nccl_share for n in nodes)
    ranks = gpus_per_node * len(nodes)
    if len(nodes) == 1:
        return inside * noise(rng)
    if mnnvl and one_nvlink_domain(nodes):
        return inside * kind.two_node_share * noise(rng)
    wire = min(wire_gbs_per_gpu(n, gpus_per_node, only_hcas) for n in nodes)
    if fabric is not None:
        ports = min(len(_usable(n, only_hcas)) for n in nodes)
        wire = min(wire, _per_gpu(_crossing_gbps(nodes, only_hcas, fabric), ports, gpus_per_node))
    if collective == "sendrecv":
        limit = wire
    elif collective == "alltoall":
        limit = wire * (ranks - 1) / (ranks - gpus_per_node)
    else:
        limit = wire * (ranks - 1) / (len(nodes) - 1)
    two_nodes = kind.two_node_share
    return (limit if gpus_per_node == 1 else min(inside * two_nodes, limit)) * noise(rng)


def at_size(plateau: float, size_bytes: int) -> float:
    """The part of the plateau that a message of this size reaches."""
    return plateau * size_bytes / (size_bytes + _HALF_SIZE_BYTES)
