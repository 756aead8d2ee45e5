"""The stage after the load, over real SSH: what only the load brings out is found at its part, and it costs one script."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import paramiko
import pytest

from bringup import battery
from bringup.context import Context
from bringup.fleet import LocalFleet
from bringup.inventory import parse
from bringup.mock import serve
from bringup.model import Pair, RunInfo, Stage, Verdict
from bringup.orchestrator import Engine, RunFolder, make_plan
from bringup.profile import available, load_all
from bringup.transport import Options

PORT = "gpu-{:03}/hca/{}/port/1"
FOUND: list[tuple[dict[str, object], str, str]] = [
    ({"kind": "errors-under-load", "hca": "mlx5_4", "count": 100}, "LINK-ERRORS", PORT.format(1, "mlx5_4")),
    ({"kind": "port-flaps", "hca": "mlx5_9"}, "LINK-ERRORS", PORT.format(2, "mlx5_9")),
    ({"kind": "bit-errors", "hca": "mlx5_0", "rate": 1e-9}, "LINK-ERRORS", PORT.format(3, "mlx5_0")),
    ({"kind": "remote-errors", "hca": "mlx5_5", "count": 50}, "LINK-ERRORS", PORT.format(4, "mlx5_5")),
    ({"kind": "buffer-overruns", "hca": "mlx5_6", "count": 2}, "LINK-ERRORS", PORT.format(5, "mlx5_6")),
    ({"kind": "integrity-errors", "hca": "mlx5_10", "count": 3}, "LINK-ERRORS", PORT.format(6, "mlx5_10")),
    ({"kind": "retransmits", "hca": "mlx5_3", "count": 2000}, "RDMA-RETRANSMITS", PORT.format(7, "mlx5_3")),
    (
        {"kind": "nvlink-errors-under-load", "gpu": 2, "link": 7, "count": 40},
        "NVLINK-ERRORS",
        "gpu-008/gpu/2/nvlink/7",
    ),
    ({"kind": "pcie-error-storm", "gpu": 3, "count": 250_000}, "PCIE-AER", "gpu-009/gpu/3"),
    ({"kind": "pcie-replays", "gpu": 1, "count": 5_000}, "PCIE-REPLAYS", "gpu-010/gpu/1"),
    ({"kind": "rebooted-during-run", "after_s": 2.0}, "NODE-REBOOTED", "gpu-011"),
    ({"kind": "slow-login", "delay_s": 8}, "LOGIN-SLOW", "gpu-012"),
]
SILENT: list[dict[str, object]] = [
    {"kind": "first-plug"},
    {"kind": "replay-counters"},
    {"kind": "corrected-pcie-errors", "hca": "mlx5_3"},
    {"kind": "transmit-waits"},
    {"kind": "just-booted"},
    {"kind": "long-up"},
    {"kind": "late-login"},
    {"kind": "throttled-login"},
]


def test_what_only_the_load_brings_out_is_found_and_oddities_stay_silent(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    """One run, one fault or oddity on each node; every node must show just its own."""
    kinds = [fault for fault, _, _ in FOUND] + SILENT
    faults = [{**fault, "node": f"gpu-{i:03}"} for i, fault in enumerate(kinds, 1)]
    ended = bringup("run", "--json", "-i", str(simulated(len(faults) + 2, faults)), timeout=400)
    assert ended.code == 1, ended.stderr
    assert ended.defects == {(code, component) for _, code, component in FOUND}


def test_a_node_runs_one_script_for_each_stage_whatever_the_number_of_checks(
    simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    """Counted where SSH asks for a command; a stage of pairs asks once more for each side and round."""
    asked: Counter[str] = Counter()
    real = paramiko.Channel.exec_command

    def counted(channel: paramiko.Channel, command: str | bytes) -> None:
        asked[channel.get_transport().getpeername()[1]] += 1
        real(channel, command)

    monkeypatch.setattr(paramiko.Channel, "exec_command", counted)
    path = simulated(2)
    inventory = parse(path.read_bytes(), path, known_profiles=set(available([])))
    assert inventory.simulate is not None
    single = (Stage.REACH, Stage.HOST, Stage.PCIE, Stage.GPU, Stage.NVLINK, Stage.LINK, Stage.AFTER)
    checks = [c for c in battery.load() if c.stage in single and c.level in ("quick", "standard")]
    assert not [c for c in checks if c.target is Pair]
    profiles = dict(load_all(sorted({n.profile for n in inventory.nodes}), []))
    context = Context(profiles, started=time.time())
    info = RunInfo("r", "sim", started=context.started, stages=single, nodes=2)
    folder = RunFolder.create(tmp_path / "runs", {"started": context.started}, "", {})
    with serve(inventory.simulate, inventory.nodes) as served:
        fleet = LocalFleet(Options(known_hosts=served.known_hosts), workers=2)
        plans = make_plan(checks, served.nodes, context)
        state = Engine(info, served.nodes, plans, context, fleet, folder).run()
        ports = {node.port for node in served.nodes}
    assert dict(asked) == dict.fromkeys(ports, len(single))
    told = {(o.check, o.verdict) for o in state.outcomes if o.stage is Stage.AFTER}
    assert {verdict for _, verdict in told} <= {Verdict.PASS, Verdict.NOT_RUN}
    assert len({check for check, _ in told}) > 10
