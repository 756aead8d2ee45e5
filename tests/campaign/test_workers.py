"""Scenarios in processes of their own: a crash or a hang fails one of them and nothing else."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from bringup.campaign import Plan, Setup, play_all
from bringup.campaign.layout import inventory_text
from bringup.campaign.probes import PROBES
from bringup.campaign.types import Scenario
from bringup.inventory import FaultSpec, Params

PLAN = Plan("hgx-h100", ("mlx5_0",))
SETUP = Setup(("reach.connect", "reach.identity"))


def cluster(name: str, **more: str) -> Scenario:
    text = inventory_text(PLAN, "hgx-h100", 2, 1, name=name)
    return Scenario(name, "clean", "hgx-h100", 1, 2, text, **more)


def test_a_crash_fails_its_own_scenario_only(tmp_path: Path) -> None:
    bad = Scenario("bad", "clean", "hgx-h100", 1, 2, "nodes: [")
    unknown = cluster("unknown", probe="no-such-procedure")
    waits = cluster("waits", closes="later", blocked="for a part")
    scores = {
        s.scenario.id: s for s in play_all([bad, cluster("good"), unknown, waits], SETUP, tmp_path, jobs=2)
    }
    assert {name: s.failed for name, s in scores.items()} == {
        "bad": True,
        "good": False,
        "unknown": True,
        "waits": False,
    }
    assert "InventoryError" in scores["bad"].problems[0]
    assert "KeyError" in scores["unknown"].problems[0]
    assert not (tmp_path / "good").exists()  # only what failed is kept


def test_a_scenario_that_hangs_is_ended_and_leaves_no_process(tmp_path: Path) -> None:
    hangs = FaultSpec("hanging-tool", ("gpu-001",), Params({"tool": "nvidia-smi"}))
    text = inventory_text(PLAN, "hgx-h100", 2, 1, [hangs], name="slow")
    slow = Scenario("slow", "clean", "hgx-h100", 1, 2, text)
    begun = time.monotonic()
    (score,) = play_all([slow], Setup(("gpu.count",)), tmp_path, jobs=1, limit_s=3.0)
    assert score.failed
    assert "still running" in score.problems[0]
    assert time.monotonic() - begun < 20  # the tool itself would have hung for 30 s
    assert multiprocessing.active_children() == []


def test_a_crowd_is_connected_to_with_one_socket_for_each(tmp_path: Path) -> None:
    """The procedure of the case of 1,000 nodes, on a few."""
    text = inventory_text(PLAN, "hgx-h100", 12, 1, name="crowd")
    crowd = Scenario("crowd", "case", "hgx-h100", 1, 12, text, probe="many_nodes")
    played = PROBES["many_nodes"](crowd, Setup(("reach.connect",)), tmp_path)
    assert (played.verdict, played.missing, played.defects) == ("READY", 0, ())
    # How soon the first node is at work depends on what else this machine does.
    assert not [said for said in played.broken if "at work" not in said]
