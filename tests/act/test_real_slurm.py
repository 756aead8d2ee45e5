"""`bringup act slurm --apply` against a small real Slurm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.answers import eventually
from support.invented_run import events_of, nodes, single
from support.real_slurm import Slurm, needs_slurm
from support.records import replace

from bringup.journal import encode
from bringup.model import Node, Outcome

pytestmark = needs_slurm


def test_drain_and_resume_on_a_real_slurm(slurm: Slurm, tmp_path: Path) -> None:
    def act(run: str, *more: str) -> list[dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-m", "bringup", "act", "slurm", run, "--json", *more], cwd=tmp_path, timeout=120,
            capture_output=True, text=True, check=False, env={**os.environ, "SLURM_CONF": slurm.conf},  # type: ignore[attr-defined]
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout)["steps"])

    def states() -> dict[str, str]:
        rows = [
            line.split("|") for line in slurm("sinfo", "-h", "-N", "-p", "gpu", "-o", "%N|%T|%E").splitlines()
        ]
        return {name: f"{state} {why}" for name, state, why in rows}

    write(tmp_path, "r1", {"n1": True, "n2": False, "n3": True})
    slurm("scontrol", "update", "NodeName=n3", "State=DRAIN", "Reason=ticket 4711")
    assert act("r1")[0]["done"] is False
    assert states()["n2"] == "idle none", "nothing is done without --apply"
    assert [(s["what"], s["nodes"], s["done"]) for s in act("r1", "--apply")] == [
        ("drain", ["n2"], True), ("leave", ["n1"], False), ("leave", ["n3"], False),
    ]  # fmt: skip
    wanted = {"n1": "idle none", "n2": "drained bringup: GPU-LOST run r1", "n3": "drained ticket 4711"}
    assert eventually(lambda: states() == wanted, 60), states()
    assert {str(s["what"]) for s in act("r1", "--apply")} == {"leave"}, "the same again changes nothing"
    assert eventually(lambda: states() == wanted, 60), states()
    write(tmp_path, "r2", {"n1": False, "n2": True, "n3": False})
    act("r2", "--apply")
    wanted = {"n1": "drained bringup: GPU-LOST run r2", "n2": "idle none", "n3": "drained ticket 4711"}
    assert eventually(lambda: states() == wanted, 60), (
        states()
    )  # a resumed node is idle* until it has answered


def write(tmp_path: Path, name: str, good: dict[str, bool]) -> None:
    members: dict[str, Node] = {n: replace(node) for n, node in nodes(3).items()}
    outcomes: list[Outcome] = [single("gpu.count", n, good=fine) for n, fine in good.items()]
    folder = tmp_path / "runs" / name
    folder.mkdir(parents=True)
    told = events_of(name, outcomes, members=members)
    (folder / "journal.jsonl").write_bytes(b"".join(encode(event) + b"\n" for event in told))
