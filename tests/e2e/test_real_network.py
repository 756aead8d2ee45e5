"""Real nodes on real networks: OpenSSH in network namespaces, one cable throttled or cut, found and named.

The collective needs nothing but Python. iperf3 is installed if we may, else its part is skipped and says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.netns import Net, network
from support.sshd import program

from bringup import battery
from bringup.context import Context
from bringup.fleet import LocalFleet
from bringup.model import RunInfo, RunVerdict, Verdict
from bringup.orchestrator import Engine, RunFolder, make_plan
from bringup.profile import load_all
from bringup.run import RunState

NODES = 6
BAD = 3
PROFILE = """name = "short"
description = "plain nodes, tested for a short time"
extends = ["cpu-ethernet"]
[facts."tcp.seconds"]
value = 2
why = "nothing else is on these networks"
source = "this test"
"""


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    with network(NODES) as made:
        yield made


@pytest.fixture
def healed(net: Net) -> Iterator[Net]:
    """The network, as it was at first when the test is over."""
    yield net
    net.free(BAD)


def run(net: Net, folder: Path, *wanted: str) -> RunState:
    """These checks and the login on all nodes."""
    checks = [c for c in battery.load() if c.id in ("reach.connect", *wanted)]
    (folder / "short.toml").write_text(PROFILE)
    context = Context(load_all(["short"], [folder]), started=time.time())
    nodes = net.nodes(profile="short")
    info = RunInfo("netns", "netns", stages=tuple(dict.fromkeys(c.stage for c in checks)))
    plan = make_plan(checks, nodes, context)
    return Engine(info, nodes, plan, context, LocalFleet(net.options()), RunFolder(folder)).run()


def told(state: RunState) -> list[tuple[str, str]]:
    return [(d.code, d.component) for d in state.defects]


def unjudged(state: RunState) -> list[tuple[str, str, str]]:
    return [(o.check, o.target, o.reason) for o in state.outcomes if o.verdict is Verdict.ERROR]


# ------------------------------------------------------------------------------------------------ the collective


def test_healthy_nodes_work_together(healed: Net, tmp_path: Path) -> None:
    state = run(healed, tmp_path, "collective.fleet")
    assert (unjudged(state), told(state), state.verdict) == ([], [], RunVerdict.READY)
    (outcome,) = [o for o in state.outcomes if o.check == "collective.fleet"]
    assert [m.at for m in outcome.measurements if m.name == "wrong"] == [f"n{k}" for k in range(1, NODES + 1)]


def test_the_node_behind_a_throttled_cable_is_named(healed: Net, tmp_path: Path) -> None:
    healed.throttle(BAD, 20)
    state = run(healed, tmp_path, "collective.fleet")
    assert (unjudged(state), told(state)) == ([], [("COLL-RANK-SLOW", f"n{BAD}")])


def test_the_node_behind_a_cut_cable_is_named(healed: Net, tmp_path: Path) -> None:
    healed.cut(BAD)
    state = run(healed, tmp_path, "collective.fleet")
    assert (unjudged(state), told(state)) == ([], [("COLL-RANK-LOST", f"n{BAD}")])


# ------------------------------------------------------------------------------------------------ iperf3


@pytest.fixture
def iperf3() -> str:
    return program("iperf3")


def test_iperf3_between_healthy_nodes(healed: Net, tmp_path: Path, iperf3: str) -> None:
    state = run(healed, tmp_path, "rdma.tcp-bw", "rdma.tcp-fleet")
    assert (unjudged(state), told(state), state.verdict) == ([], [], RunVerdict.READY)


def test_iperf3_names_the_node_behind_a_throttled_cable(healed: Net, tmp_path: Path, iperf3: str) -> None:
    healed.throttle(BAD, 20)
    state = run(healed, tmp_path, "rdma.tcp-bw", "rdma.tcp-fleet")
    assert (unjudged(state), told(state)) == ([], [("TCP-SLOW", f"n{BAD}")])


def test_iperf3_names_the_node_behind_a_cut_cable(healed: Net, tmp_path: Path, iperf3: str) -> None:
    healed.cut(BAD)
    state = run(healed, tmp_path, "rdma.tcp-bw")
    assert (unjudged(state), told(state)) == ([], [("TCP-CONNECT", f"n{BAD}")])
