"""What must never be a pass and never disturb others: hangs, kills, mistakes; and what is left on nodes afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bringup.journal import read
from bringup.model import Verdict
from bringup.run import load, settled


def test_a_hanging_tool_is_unjudged_on_its_node_only(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    ended = bringup(
        "run", "--json", "-i", str(simulated(4, [{"kind": "hanging-tool", "tool": "nvidia-smi", "node": "gpu-002"}])),
        "--stage", "gpu", "--stage", "nvlink",
    )  # fmt: skip
    assert ended.code == 3, ended.stdout + ended.stderr
    assert ended.defects == {("COMMAND-HANGS", "gpu-002")}
    assert ended.report["verdict"] == "INCOMPLETE"


def test_some_nodes_of_a_simulated_cluster_whose_faults_are_elsewhere(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    faults = [{"kind": "unreachable", "how": "refused", "node": "gpu-003"}]
    path = str(simulated(3, faults))
    ended = bringup("run", "--json", "-i", path, "-n", "gpu-[001-002]", "--stage", "rdma")
    assert (ended.code, ended.defects) == (0, set()), ended.stdout + ended.stderr
    alone = bringup("run", "--json", "-i", path, "-n", "gpu-001", "--stage", "rdma")
    assert (alone.code, alone.report["verdict"]) == (3, "INCOMPLETE"), alone.stdout + alone.stderr


def test_a_node_with_an_unknown_profile_is_refused_before_anything_runs(
    bringup, simulated, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    path = simulated(2)
    path.write_text(path.read_text().replace("profile: hgx-h100", "profile: hgx-h10O"))
    ended = bringup("run", "-i", str(path))
    assert ended.code == 2
    assert 'no profile "hgx-h10O"' in ended.stderr
    assert "hgx-h100" in ended.stderr.split("did you mean")[1]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "-i", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["run", "-n", "gpu-999"], 5, "gpu-999"),
        (["run", "--check", "nonsense.*"], 5, "no such check"),
        (["resume", "1120-0000"], 2, "no run '1120-0000'"),
        (["frobnicate"], 2, "No such command"),
        (["show", "nope", "gpu-001"], 2, "no run"),
    ],
)
def test_a_users_mistake_is_said_in_one_breath(bringup, arguments: list[str], code: int, words: str) -> None:  # type: ignore[no-untyped-def]
    ended = bringup(*arguments)
    assert (ended.code, words in ended.stderr, "Traceback" in ended.stderr) == (code, True, False), (
        ended.stderr
    )


def start(tmp_path: Path, inventory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bringup", "run", "-q", "-i", str(inventory)],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def until(tmp_path: Path, kind: str, stage: str, limit_s: float = 60.0) -> Path:
    """Wait until the run's journal holds this event of this stage; returns the run folder."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        for folder in (tmp_path / "runs").glob("*"):
            journal = folder / "journal.jsonl"
            if journal.is_file() and any(
                type(e).__name__ == kind and getattr(e, "stage", None) == stage for e in read(journal)
            ):
                return folder
        time.sleep(0.05)
    raise AssertionError(f"no {kind} of stage {stage} within {limit_s} s")


@pytest.mark.parametrize("stage", ["host", "rdma"])
def test_after_a_kill_resume_ends_with_the_same_verdicts(
    bringup, simulated, tmp_path: Path, stage: str
) -> None:  # type: ignore[no-untyped-def]
    inventory = simulated(4, [{"kind": "slow-hca", "hca": "mlx5_9", "fraction": 0.45, "node": "gpu-003"}])
    process = start(tmp_path, inventory)
    folder = until(tmp_path, "Working", stage)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = load(folder)
    assert before.verdict is None
    assert before.missing
    resumed = bringup("resume", folder.name)
    assert resumed.code == 1, resumed.stderr
    state = load(folder)
    assert {(d.code, d.component) for d in state.defects} == {("RDMA-BW", "gpu-003/hca/mlx5_9/port/1")}
    assert state.missing == []
    assert {o.verdict for o in state.outcomes if not settled(o)} == {Verdict.FAIL}
    again = [
        o for o in state.outcomes if o.attempt > 1 and before.cases[o.check, o.target].verdict is Verdict.PASS
    ]  # type: ignore[union-attr]
    assert again == []


def test_ctrl_c_leaves_a_complete_journal_and_says_130(simulated, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    process = start(tmp_path, simulated(4))
    folder = until(tmp_path, "Working", "rdma")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    state = load(folder)
    assert (state.aborted, state.missing) == ("interrupted", [])
    assert (folder / "reports/junit").is_dir()


def test_plan_touches_nothing_and_shows_every_command(bringup, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ended = bringup("plan")
    assert ended.code == 0, ended.stderr
    assert list(tmp_path.iterdir()) == []
    for part in ("nvidia-smi -q -x", "ib_write_bw", "all_reduce_perf", "3 rounds", "16 nodes", "about"):
        assert part in ended.stdout
