"""The same battery through a real OpenSSH server: real login shell, real sshd, only the hardware behind it simulated."""

from __future__ import annotations

import time
from pathlib import Path

from support.sshd import Sshd

from bringup import battery
from bringup.context import Context
from bringup.fleet import LocalFleet
from bringup.inventory import FaultSpec, Simulate
from bringup.mock import serve
from bringup.model import Level, Node, Port, RunInfo, RunVerdict, Verdict, Why
from bringup.orchestrator import Engine, RunFolder, make_plan
from bringup.profile import load_all
from bringup.run import RunState, settled

RAILS = ("mlx5_0", "mlx5_3", "mlx5_4", "mlx5_5", "mlx5_6", "mlx5_9", "mlx5_10", "mlx5_11")


def run_through(sshd: Sshd, folder: Path, names: tuple[str, ...], faults: tuple[FaultSpec, ...]) -> RunState:
    """All checks of the standard level on simulated hardware, each node reached through the real server."""
    planned = tuple(
        Node(name, profile="hgx-h100", ports=tuple(Port(rail, hca) for rail, hca in enumerate(RAILS)))
        for name in names
    )
    checks = battery.at_level(battery.load(), Level.STANDARD)
    context = Context(load_all(["hgx-h100"]), started=time.time())
    with serve(Simulate(shape="hgx-h100", seed=3, speed=40.0, faults=faults), planned) as cluster:
        nodes = []
        for node in planned:
            own = dict(cluster.environment(node.name))
            nodes.append(
                sshd.node(
                    node.name,
                    profile=node.profile,
                    ports=node.ports,
                    peer_address=node.name,
                    root=own.pop("BRINGUP_ROOT"),
                    path=tuple(own.pop("PATH").split(":")),
                    env=tuple((k, v) for k, v in own.items() if k.startswith("BRINGUP")),
                )
            )
        info = RunInfo("openssh", "openssh", stages=tuple(dict.fromkeys(c.stage for c in checks)))
        fleet = LocalFleet(sshd.options())
        return Engine(info, nodes, make_plan(checks, nodes, context), context, fleet, RunFolder(folder)).run()


def test_the_battery_through_openssh_finds_the_fault_and_nothing_else(sshd: Sshd, tmp_path: Path) -> None:
    names = ("gpu-001", "gpu-002", "gpu-003", "gpu-004")
    fault = FaultSpec("nvlink-down", ("gpu-003",), {"gpu": 2, "link": 7}, 0)
    state = run_through(sshd, tmp_path, names, (fault,))
    assert [(d.code, d.component) for d in state.defects] == [("NVLINK-DOWN", "gpu-003/gpu/2")]
    assert state.verdict is RunVerdict.NOT_READY
    assert {o.why for o in state.outcomes if o.verdict is Verdict.NOT_RUN} <= {Why.NOT_APPLICABLE}


def test_healthy_nodes_through_openssh_is_ready(sshd: Sshd, tmp_path: Path) -> None:
    state = run_through(sshd, tmp_path, ("gpu-001", "gpu-002", "gpu-003"), ())
    unsettled = [(o.check, o.target, o.reason) for o in state.outcomes if not settled(o)]
    assert (state.verdict, unsettled, state.defects) == (RunVerdict.READY, [], [])
