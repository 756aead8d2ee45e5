"""Bandwidth follows from the parts on the way: ports, leaves, spines, and who shares them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bringup.inventory.types import FaultSpec, Params, Simulate
from bringup.mock import physics
from bringup.mock.cluster import Cluster
from bringup.mock.fabric import End, Fabric
from bringup.mock.hardware import Door, SimNode
from bringup.model import Node, Port

FULL = 386
NODES = tuple(
    Node(
        f"gpu-{n:03}",
        ports=tuple(
            Port(r, f"mlx5_{r}", leaf=f"leaf-{r + 1 + 8 * (n > 16):02}", leaf_port=str(n)) for r in range(8)
        ),
    )
    for n in range(1, 33)
)


@pytest.fixture
def cluster(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Make a cluster of 32 nodes with these faults; the first 16 are on the first eight leaves."""

    def make(*faults: tuple[str, int | None, dict[str, str | int | float | bool]]) -> Cluster:
        names = tuple(n.name for n in NODES)
        specs = tuple(
            FaultSpec(kind, names if at is None else (names[at],), Params(params))
            for kind, at, params in faults
        )
        return Cluster(Simulate(seed=3, faults=specs), NODES, [Door() for _ in NODES], tmp_path)

    return make


def end(cluster: Cluster, node: int, rail: int = 0) -> End:
    found = cluster.node(node)
    return End(found, found.fabric_hcas[rail])


def gbps(cluster: Cluster, a: End, b: End) -> int:
    return round(cluster.fabric.share_gbps(cluster.way(a, b)))


def busbw(
    cluster: Cluster, collective: str, nodes: list[SimNode], gpus: int, hcas: tuple[str, ...] = ()
) -> float:
    return physics.busbw_gbs(collective, nodes, gpus, hcas, random.Random(1), cluster.fabric)


def test_a_healthy_fabric_holds_nothing_back(cluster) -> None:  # type: ignore[no-untyped-def]
    whole = cluster()
    ways = [whole.way(end(whole, n), end(whole, n + 16)) for n in range(16)]
    ways += [whole.way(end(whole, n + 16), end(whole, n)) for n in range(16)]
    for way in ways:
        whole.fabric.begin(way)
    assert {round(whole.fabric.share_gbps(way)) for way in ways} == {FULL}
    for way in ways:
        whole.fabric.end(way)
    assert gbps(whole, end(whole, 0), end(whole, 1)) == FULL


def test_two_flows_through_one_port_get_half_each(cluster) -> None:  # type: ignore[no-untyped-def]
    whole = cluster()
    first, second = (whole.way(end(whole, n), end(whole, 2)) for n in (0, 1))
    whole.fabric.begin(first)
    whole.fabric.begin(second)
    assert round(whole.fabric.share_gbps(first)) == round(whole.fabric.share_gbps(second)) == FULL // 2
    whole.fabric.end(second)
    assert round(whole.fabric.share_gbps(first)) == FULL


def test_the_two_directions_of_a_link_do_not_share(cluster) -> None:  # type: ignore[no-untyped-def]
    whole = cluster()
    there, back = whole.way(end(whole, 0), end(whole, 1)), whole.way(end(whole, 1), end(whole, 0))
    whole.fabric.begin(there)
    whole.fabric.begin(back)
    assert round(whole.fabric.share_gbps(there)) == FULL


def test_a_slow_leaf_slows_what_crosses_it_and_nothing_else(cluster) -> None:  # type: ignore[no-untyped-def]
    leaf = cluster(("slow-leaf", None, {"leaf": "leaf-01", "fraction": 0.5}))
    assert gbps(leaf, end(leaf, 0), end(leaf, 1)) == FULL // 2
    assert gbps(leaf, end(leaf, 0), end(leaf, 20)) == FULL // 2
    assert gbps(leaf, end(leaf, 20), end(leaf, 21)) == FULL
    assert gbps(leaf, end(leaf, 0, rail=1), end(leaf, 1, rail=1)) == FULL


def test_missing_uplinks_are_felt_only_by_many(cluster) -> None:  # type: ignore[no-untyped-def]
    few = cluster(("uplinks-missing", None, {"leaf": "leaf-01", "fraction": 0.25}))
    ways = [few.way(end(few, n), end(few, n + 16)) for n in range(16)]
    few.fabric.begin(ways[0])
    assert round(few.fabric.share_gbps(ways[0])) == FULL
    for way in ways[1:]:
        few.fabric.begin(way)
    assert {round(few.fabric.share_gbps(way)) for way in ways} == {FULL // 4}
    assert gbps(few, end(few, 0, rail=3), end(few, 16, rail=3)) == FULL


def test_traffic_takes_the_way_that_the_cable_really_goes(cluster) -> None:  # type: ignore[no-untyped-def]
    moved = cluster(
        ("wrong-leaf", 0, {"hca": "mlx5_0", "to": "leaf-09"}),
        ("slow-leaf", None, {"leaf": "leaf-09", "fraction": 0.5}),
    )
    assert gbps(moved, end(moved, 0), end(moved, 1)) == FULL // 2
    assert {hop.name[1] for hop in moved.way(end(moved, 0), end(moved, 1))} >= {"leaf-09", "leaf-01"}
    late = physics.latency_us(end(moved, 0), end(moved, 1), random.Random(1), moved.fabric)
    straight = physics.latency_us(end(moved, 2), end(moved, 1), random.Random(1), moved.fabric)
    assert 0.4 < late - straight < 0.7


def test_a_swap_of_cables_moves_both_ends(tmp_path: Path) -> None:
    spec = FaultSpec("cables-swapped", ("gpu-001", "gpu-020"), Params({"hca": "mlx5_2"}))
    swapped = Cluster(Simulate(faults=(spec,)), NODES, [Door() for _ in NODES], tmp_path)
    ends = [(h.leaf, h.leaf_port) for h in (swapped.node(0).hcas[2], swapped.node(19).hcas[2])]
    assert ends == [("leaf-11", "20"), ("leaf-03", "1")]


def test_bit_errors_cost_bandwidth_and_are_counted(cluster) -> None:  # type: ignore[no-untyped-def]
    bad = cluster(("bit-errors", 0, {"hca": "mlx5_0", "rate": 1e-7}))
    dirty, clean = end(bad, 0), end(bad, 1)
    assert gbps(bad, clean, dirty) < 0.9 * FULL
    port, transport = physics.counted(dirty.hca, 0, 1 << 30)
    assert (port["symbol_error"], port["port_rcv_errors"], transport["packet_seq_err"]) == (858, 857, 857)
    assert physics.counted(clean.hca, 0, 1 << 30)[0]["symbol_error"] == 0


def test_one_way_faults_slow_one_way(cluster) -> None:  # type: ignore[no-untyped-def]
    half = cluster(("slow-one-way", 0, {"hca": "mlx5_0", "way": "tx", "fraction": 0.5}))
    assert gbps(half, end(half, 0), end(half, 1)) == FULL // 2
    assert gbps(half, end(half, 1), end(half, 0)) == FULL


def test_the_bus_bandwidth_of_collectives(cluster) -> None:  # type: ignore[no-untyped-def]
    """At two nodes of eight, an adapter carries 1/15 of the bus bandwidth: a slow one hides in all_reduce only."""
    slow = cluster(("slow-hca", 0, {"hca": "mlx5_3", "fraction": 0.6}))
    one, two, three = (slow.node(n) for n in range(3))
    wire = FULL / 0.965 * 0.905 / 8
    assert busbw(slow, "all_reduce", [two, three], 8) == pytest.approx(482 * 0.978, rel=0.01)
    assert busbw(slow, "all_reduce", [one, two], 8) == pytest.approx(0.6 * wire * 15, rel=0.01)
    assert busbw(slow, "sendrecv", [one, two], 8) == pytest.approx(0.6 * wire, rel=0.01)
    assert busbw(slow, "alltoall", [two, three], 8) == pytest.approx(wire * 15 / 8, rel=0.01)
    assert busbw(slow, "all_reduce", [one, two], 1, ("mlx5_3",)) == pytest.approx(0.6 * wire, rel=0.01)
    assert busbw(slow, "all_reduce", [one, two], 1, ("mlx5_2",)) == pytest.approx(wire, rel=0.01)


def test_a_slow_uplink_slows_the_collective_that_crosses_it(cluster) -> None:  # type: ignore[no-untyped-def]
    slow = cluster(("slow-spine", None, {"spine": 1, "fraction": 0.25}))
    near = [slow.node(n) for n in (0, 1)]
    far = [slow.node(n) for n in (0, 17)]
    wire = FULL / 0.965 * 0.905 / 8
    assert busbw(slow, "sendrecv", near, 8) == pytest.approx(wire, rel=0.01)
    assert busbw(slow, "sendrecv", far, 8) == pytest.approx(0.25 * wire, rel=0.01)


def test_a_dead_gpu_takes_its_nvlinks_along(cluster) -> None:  # type: ignore[no-untyped-def]
    dead = cluster(("gpu-lost", 0, {"gpu": 2}), ("nvlink-all-down", 1, {"gpu": 2}))
    gpu = dead.node(0).gpus[2]
    assert {gpu.link_gbs(link) for link in range(gpu.kind.nvlinks)} == {0.0}
    assert busbw(dead, "all_reduce", [dead.node(1)], 8) == pytest.approx(19.3, rel=0.01)  # over PCIe


def test_a_fabric_without_a_plan_has_no_switches() -> None:
    empty = Fabric([Node("gpu-001")], [400])
    assert (empty.leaves, empty.spines) == ({}, ())


def test_unstable_links_fail_and_flap_now_and_then(cluster) -> None:  # type: ignore[no-untyped-def]
    bad = cluster(
        ("rdma-fails-sometimes", 0, {"hca": "mlx5_0", "every": 3}),
        ("port-flaps", 0, {"hca": "mlx5_1", "every": 2}),
    )
    node = bad.node(0)
    fails, flaps = node.fabric_hcas[0], node.fabric_hcas[1]
    assert [bad.attempt(fails, node) for _ in range(6)] == [True, True, False, True, True, False]
    before = flaps.counters["link_downed"]
    assert all(bad.attempt(flaps, node) for _ in range(4))
    assert flaps.counters["link_downed"] == before + 2
    assert sum("Link down" in line.text for line in node.log) == 2


def test_nvlink_errors_rise_under_load(cluster) -> None:  # type: ignore[no-untyped-def]
    bad = cluster(("nvlink-errors-under-load", 0, {"gpu": 1, "link": 4, "count": 40}))
    node = bad.node(0)
    assert node.gpus[1].link_errors == {}
    bad.worked(node)
    bad.worked(node)
    assert node.gpus[1].link_errors == {4: 80}
