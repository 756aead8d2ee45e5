"""Every kind of fault changes what can be seen of the nodes that it names, and nothing of the others.

A node is looked at without SSH: its files, its kernel log, what its programs print, and what its ports carry.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bringup.inventory.types import FaultSpec, Params, Simulate
from bringup.mock import KINDS, load, physics, procfs, sysfs
from bringup.mock.cluster import Cluster
from bringup.mock.fabric import End
from bringup.mock.faults import door_of
from bringup.mock.hardware import Door
from bringup.mock.kernel_log import text_of
from bringup.mock.switchboard import Request
from bringup.mock.tools import answer, tools
from bringup.model import Node, Port

SHAPES = ("hgx-h100", "hgx-h100-roce", "gb200-nvl72", "mi300x")
LOOKS: tuple[tuple[str, ...], ...] = (
    ("nvidia-smi", "-q", "-x"),
    ("nvidia-smi", "nvlink", "-s"),
    ("nvidia-smi", "nvlink", "-e"),
    ("nvidia-smi", "--query-compute-apps=pid,name,used_memory", "--format=csv"),
    ("systemctl", "show", "nvidia-fabricmanager"),
    ("systemctl", "show", "nvidia-persistenced"),
    ("systemctl", "show", "nvidia-imex"),
    ("chronyc", "-c", "tracking"),
    ("ofed_info", "-s"),
    ("lsmod",),
    ("df", "-P"),
    ("lspci", "-Dvv"),
    ("lldpcli", "-f", "json0", "show", "neighbors"),
    ("docker", "ps", "-a"),
    ("nc", "-z", "10.0.0.9", "2049"),
)


def plan(adapters: int) -> tuple[Node, ...]:
    """Six nodes, three to a leaf."""
    return tuple(
        Node(
            f"gpu-{n:03}",
            serial=f"SIM{n:05}",
            ports=tuple(
                Port(rail, f"mlx5_{rail}", leaf=f"leaf-{rail + 1 + adapters * (n > 3):02}", leaf_port=str(n))
                for rail in range(adapters)
            ),
        )
        for n in range(1, 7)
    )


@contextmanager
def frozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time stands still, so that two looks can be compared."""
    with monkeypatch.context() as patched:
        patched.setattr("time.time", lambda: 1_700_000_000.0)
        yield


def looked(cluster: Cluster, index: int) -> dict[str, str]:
    """Everything that can be seen of a node and measured with it, by what was looked at."""
    node = cluster.node(index)
    seen: dict[str, str] = {
        "logins": f"{node.login_text}{node.login_noise}{node.sudo}{node.scratch}{node.missing}"
    }
    seen |= sysfs.render(node)[0] | procfs.render(node) | node.files
    seen["log"] = "\n".join(f"{line.stamp:.0f} {line.text}" for line in text_of(node))
    seen |= asyncio.run(_answers(cluster, index))
    far = cluster.node((index + 1) % 6), cluster.node((index + 3) % 6)
    for hca in node.hcas:
        seen[f"{hca.name} end"] = (
            f"{hca.leaf} {hca.leaf_port} {hca.optic} {hca.mtu} {hca.pfc} {hca.ipv4} {hca.authenticated}"
        )
        seen[f"{hca.name} carries"] = " ".join(
            f"{physics.port_gbps(node, hca, way):.2f}" for way in ("tx", "rx")
        )
        seen[f"{hca.name} counts"] = str(physics.counted(hca, 1 << 40, 1 << 40))
        seen[f"{hca.name} fails"] = f"{hca.refuses} {hca.fails_every} {hca.flaps_every}"
        for other in far:
            theirs = other.hca(hca.name)
            if theirs is not None:
                ends = End(node, hca), End(other, theirs)
                way = cluster.way(*ends)
                late = physics.latency_us(*ends, random.Random(1), cluster.fabric)
                seen[f"{hca.name} to {other.name}"] = f"{cluster.fabric.share_gbps(way):.2f} {late:.2f}"
                seen[f"{hca.name} on the way to {other.name}"] = str(
                    [(h.name[0], round(h.gbps)) for h in way]
                )
    for gpu in node.gpus:
        shares = (gpu.clock_fraction, gpu.memory_fraction, gpu.copy_fraction, gpu.replays_under_load)
        seen[f"GPU {gpu.index}"] = (
            f"{shares} {gpu.link_errors_under_load} {gpu.wrong_results} {gpu.bad_pages} {gpu.clique} {gpu.hot_after_s}"
        )
        speeds = (load.host_gbs(gpu), load.bf16_tflops(gpu), load.memory_gbs(gpu))
        seen[f"GPU {gpu.index} speed"] = " ".join(f"{speed:.1f}" for speed in speeds)
    for nic in (nic for nic in node.nics if nic.kind.is_dpu):
        seen[f"{nic.kind.name} mode"] = f"{nic.mode} {nic.next_mode}"
    drives = [load.drive_gbs(node, number) for number in range(9)]
    seen["machine speed"] = f"{load.host_memory_gbs(node):.1f} {drives} {node.wrong_copies}"
    seen["networks"] = str([nic.tcp_fraction for nic in node.nics])
    gpus = len(node.gpus)
    if gpus:
        seen["all_reduce"] = (
            f"{physics.busbw_gbs('all_reduce', [node], gpus, (), random.Random(1), cluster.fabric):.1f}"
        )
        seen["NVLink between nodes"] = str(node.mnnvl)
    seen["environment"] = (
        f"{node.hanging} {node.fails_every} {node.firewalled} {node.peers_refused} {node.slow_tools} {node.reboots_after_s}"
    )
    return seen


async def _answers(cluster: Cluster, index: int) -> dict[str, str]:
    return {" ".join(words): await _ask(cluster, index, words) for words in LOOKS}


async def _ask(cluster: Cluster, index: int, words: tuple[str, ...]) -> str:
    tool, *args = words
    request = Request(str(cluster.folder_of(index)), tool, True, "/", {}, tuple(args))
    node = cluster.node(index)
    if tool in node.hanging or tool in node.slow_tools or tool in node.hangs_every:
        return "waits"
    reply = await answer(cluster, tools(), request)
    text = reply.stdout.replace(str(cluster.root_of(index)), "")
    lines = [line for line in text.split("\n") if "timestamp" not in line]
    return f"{reply.status}\n{lines}\n{reply.stderr}"


def cluster_of(nodes: tuple[Node, ...], shape: str, specs: tuple[FaultSpec, ...], folder: Path) -> Cluster:
    folder.mkdir()
    return Cluster(Simulate(shape=shape, seed=3, faults=specs), nodes, [Door() for _ in nodes], folder)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """Every node of every shape without a fault."""
    with pytest.MonkeyPatch.context() as patched, frozen(patched):
        found = {}
        for shape in SHAPES:
            nodes = plan(4 if shape.startswith("gb") else 8)
            cluster = cluster_of(nodes, shape, (), tmp_path_factory.mktemp("healthy") / shape)
            found[shape] = [looked(cluster, index) for index in range(len(nodes))]
        return found


def difference(a: dict[str, str], b: dict[str, str]) -> set[str]:
    return {name for name in a.keys() | b.keys() if a.get(name) != b.get(name)}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.id)
def test_a_fault_is_seen_where_it_is_and_nowhere_else(kind, healthy, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    shape = next(s for s in SHAPES if kind.fits(plan(4 if s.startswith("gb") else 8)[0], s))
    nodes = plan(4 if shape.startswith("gb") else 8)
    specs = kind.draw(random.Random(11), nodes, shape)
    named = {name for spec in specs for name in spec.nodes}
    if kind.door is not None:
        assert {n.name for n in nodes if door_of(n.name, specs) != Door()} == named
        return
    with frozen(monkeypatch):
        cluster = cluster_of(nodes, shape, specs, tmp_path / "cluster")
        changed = {
            node.name: difference(looked(cluster, index), healthy[shape][index])
            for index, node in enumerate(nodes)
            if node.name in sorted(named)[:2]
            or node.name == next(n.name for n in nodes if n.name not in named or len(named) == 6)
        }
    for name, seen in changed.items():
        # What two nodes measure together changes for both; a machine's own looks only for the one that is bad.
        own = {look for look in seen if " to " not in look}
        if name in named:
            assert seen, name
        elif kind.fabric is None:
            assert own == set(), name


def test_the_spine_that_is_slow_slows_only_what_crosses_it(tmp_path: Path) -> None:
    nodes = plan(8)
    spec = FaultSpec("slow-spine", tuple(n.name for n in nodes), Params({"spine": 1, "fraction": 0.5}))
    cluster = cluster_of(nodes, "hgx-h100", (spec,), tmp_path / "c")
    ends = [End(node, node.fabric_hcas[0]) for node in map(cluster.node, range(6))]
    speeds = {
        (a, b): round(cluster.fabric.share_gbps(cluster.way(ends[a], ends[b])))
        for a, b in ((0, 1), (0, 3), (1, 4), (2, 5), (4, 5))
    }
    # Nodes 0, 2 and 4 of the fabric are routed over the first of two spines; 0-1 and 4-5 stay on their leaves.
    assert speeds == {(0, 1): 386, (4, 5): 386, (0, 3): 193, (2, 5): 193, (1, 4): 386}
