"""When the orchestrator is killed, nothing of the run stays on a node: no process, no file. Any stage, within 10 s."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bringup.journal import read

LIMIT_S = 10.0


@pytest.fixture
def served(simulated, tmp_path: Path) -> Iterator[tuple[Path, Path]]:  # type: ignore[no-untyped-def]
    """A simulated cluster in a process of its own, so that it outlives the run: inventory and its folder."""
    source = simulated(3, [{"kind": "hanging-tool", "tool": "chronyc", "node": "gpu-002"}])
    source.write_text(source.read_text().replace("speed: 40", "speed: 2"))
    inventory = tmp_path / "served.yaml"
    server = subprocess.Popen(
        [sys.executable, "-m", "bringup", "mock", "up", "-i", str(source), "--write-inventory", str(inventory)],
        cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert server.stdout is not None
    assert b"3 simulated nodes are up" in server.stdout.readline()
    folder = Path(yaml.safe_load(inventory.read_text())["defaults"]["known_hosts"]).parent
    yield inventory, folder
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=30)
    assert not folder.exists()


def left_over(folder: Path) -> list[str]:
    """Processes that a bundle has started on nodes below the folder, and scratch directories there."""
    found = [str(path) for path in folder.glob("nodes/*/tmp/*")]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environ = (entry / "environ").read_bytes()
            if b"BRINGUP_MARK=" in environ and str(folder).encode() in environ:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("stage", ["host", "gpu", "rdma", "collective"])
def test_a_killed_orchestrator_leaves_nothing_on_the_nodes(
    served: tuple[Path, Path], tmp_path: Path, stage: str
) -> None:
    inventory, folder = served
    process = subprocess.Popen(
        [sys.executable, "-m", "bringup", "run", "-q", "-i", str(inventory), "--stage", stage],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not busy(tmp_path, stage):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    while not left_over(folder):  # the script is at work on a node now
        assert process.poll() is None, "the run was over before anything was seen on a node"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    killed = time.monotonic()
    while left := left_over(folder):
        assert time.monotonic() - killed < LIMIT_S, left
        time.sleep(0.1)


def busy(tmp_path: Path, stage: str) -> bool:
    """Whether a node has begun with this stage."""
    return any(
        type(event).__name__ == "Working" and getattr(event, "stage", None) == stage
        for journal in (tmp_path / "runs").glob("*/journal.jsonl")
        for event in read(journal)
    )
