"""Scenarios in processes of their own: a crash or a hang fails one of them and nothing else."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from bringup.campaign import Plan, Setup, play_all
from bringup.campaign.layout import inventory_text
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
