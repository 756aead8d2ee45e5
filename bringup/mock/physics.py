"""What tests measure: bandwidth, latency and bus bandwidth from the state of the parts, nothing else.

Bandwidth between two ports is the least of what the parts on its way carry. All noise is seeded.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bringup.mock.hardware import Hca, SimNode

WIRE_EFFICIENCY = 0.965
_PCIE_EFFICIENCY = 0.895
_NOISE = 0.002
_BASE_US = 1.92
_OTHER_LEAF_US = 0.55
_RING_SHARE = 0.765  # of the plateau with the switches' own reduction, when that is not used
_TWO_NODE_SHARE = 0.978
_COLLECTIVE_WIRE_SHARE = 0.905
_HALF_SIZE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class End:
    """One end of a transfer."""

    node: SimNode
    hca: Hca


def port_gbps(node: SimNode, hca: Hca) -> float:
    """What one port can carry in one direction, in Gb/s of payload: its link, its PCIe slot, its faults."""
    coding = 0.8 if hca.pcie_gts < 8 else 128 / 130
    slot = hca.pcie_gts * hca.pcie_width * coding * _PCIE_EFFICIENCY
    return min(hca.rate_gbps * WIRE_EFFICIENCY, slot) * hca.fraction * node.fraction


def noise(rng: random.Random) -> float:
    """A factor a little off 1, as between two runs of the same test."""
    return 1 + rng.uniform(-_NOISE, _NOISE)


def latency_us(a: End, b: End, rng: random.Random) -> float:
    """Median one-way latency of a small message."""
    far = _OTHER_LEAF_US if a.hca.leaf != b.hca.leaf else 0.0
    return _BASE_US + far + a.hca.extra_us + b.hca.extra_us + rng.uniform(0, 0.06)


def nvlink_share(nodes: Sequence[SimNode]) -> float:
    """The part of its NVLink bandwidth that the worst GPU has."""
    shares = [
        sum(gpu.link_gbs(link) for link in range(gpu.kind.nvlinks)) / (gpu.kind.nvlinks * gpu.kind.nvlink_gbs)
        for node in nodes
        for gpu in node.visible_gpus
    ]
    return min(shares, default=0.0)


def wire_gbs_per_gpu(node: SimNode, gpus: int, only: Sequence[str] = ()) -> float:
    """GB/s that the fabric gives each of a node's GPUs, when its slowest usable port sets the pace."""
    ports = [
        h for h in node.fabric_hcas if h.active and h.layer == "InfiniBand" and (not only or h.name in only)
    ]
    if not ports or gpus == 0:
        return 0.0
    slowest = min(port_gbps(node, hca) for hca in ports) / WIRE_EFFICIENCY * _COLLECTIVE_WIRE_SHARE
    return slowest / 8 * min(1.0, len(ports) / gpus)


def busbw_gbs(
    collective: str,
    nodes: Sequence[SimNode],
    gpus_per_node: int,
    only_hcas: Sequence[str],
    rng: random.Random,
) -> float:
    """The plateau of a collective's bus bandwidth, in GB/s."""
    inside = nodes[0].shape.gpu.busbw_gbs * nvlink_share(nodes)
    if not all(n.nvls for n in nodes) or collective != "all_reduce":
        inside *= _RING_SHARE
    ranks = gpus_per_node * len(nodes)
    if len(nodes) == 1:
        return inside * noise(rng)
    wire = min(wire_gbs_per_gpu(n, gpus_per_node, only_hcas) for n in nodes)
    if collective == "sendrecv":
        limit = wire
    elif collective == "alltoall":
        limit = wire * (ranks - 1) / (ranks - gpus_per_node)
    else:
        limit = wire * (ranks - 1) / (len(nodes) - 1)
    return (limit if gpus_per_node == 1 else min(inside * _TWO_NODE_SHARE, limit)) * noise(rng)


def at_size(plateau: float, size_bytes: int) -> float:
    """The part of the plateau that a message of this size reaches."""
    return plateau * size_bytes / (size_bytes + _HALF_SIZE_BYTES)
