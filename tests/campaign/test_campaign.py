"""The campaign through the command: a slice in every run of the tests, the whole with BRINGUP_CAMPAIGN=full.

The whole (every kind that must be found today, combinations, clean clusters of each shape, the acceptance cases) takes
two cores the better part of an hour.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.strict_junit import strict

from bringup.campaign import plans
from bringup.mock import KINDS
from bringup.mock.faults.expected import Scope
from bringup.orchestrator import read_kept
from bringup.profile import available
from bringup.report import junit
from bringup.run import load

WIDE = ("slow-leaf", "bad-pair-of-nodes", "fleet-memlock")
"""Of the faults that are wider than a node, each of which needs a cluster of its own, one of each scope."""

SLICE = (
    "gpu-lost", "nvlink-down", "port-rate", "unreachable", "ecc", "memory-missing", "memlock-low", "pcie-width",
    "slow-hca", "old-xid", "first-plug",
)  # fmt: skip
"""Kinds of several parts of a node, two of them oddities, that share one cluster."""

whole = pytest.mark.skipif(
    os.environ.get("BRINGUP_CAMPAIGN") != "full",
    reason="NOT RUN HERE: the whole campaign takes long; BRINGUP_CAMPAIGN=full pytest tests/campaign",
)


def campaign(out: Path, *arguments: str) -> dict[str, Any]:
    """Run the command; returns its JSON, with its exit code. The JUnit of every run that it has played must hold."""
    done = subprocess.run(
        [sys.executable, "-m", "bringup", "campaign", "-q", "--json", "--keep", "--out", str(out), *arguments],
        capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL, cwd=out,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    journals = sorted(out.rglob("journal.jsonl"))
    assert len(journals) >= len([s for s in result["scenarios"] if not s["blocked"]]) > 0
    for journal in journals:
        written = junit.write(
            load(journal.parent), journal.parent / "strict", read_evidence=partial(read_kept, journal.parent)
        )
        assert sum(int(strict(file).get("tests", "0")) for file in written) > 0
    return {**result, "exit": done.returncode}


def wrong(result: dict[str, Any]) -> list[tuple[str, object]]:
    """What a person would have to look at."""
    found: list[tuple[str, object]] = []
    for s in result["scenarios"]:
        if s["failed"]:
            found += [(s["id"], problem) for problem in s["problems"]]
            found += [
                (s["id"], (f["kind"], f["hit"], f["reported"]))
                for f in s["faults"]
                if f["hit"] not in ("right", "oddity")
            ]
            found += [(s["id"], (a["kind"], a["code"], a["component"], a["measured"])) for a in s["alarms"]]
    return found


def test_a_slice_is_found_at_its_parts_and_nothing_else(tmp_path: Path) -> None:
    only = [word for kind in SLICE for word in ("--only", kind)]
    result = campaign(tmp_path, "--no-cases", "--clean", "0", "--nodes", "16", "--jobs", "1", *only)
    assert wrong(result) == []
    assert result["exit"] == 0
    assert {k["kind"] for k in result["kinds"]} == set(SLICE)


@whole
def test_every_kind_of_today_is_found_at_its_part_and_nothing_else(tmp_path: Path) -> None:
    chosen = [k.id for k in KINDS.values() if (k.scope is Scope.NODE or k.id in WIDE) and not k.closes]
    only = [word for kind in chosen for word in ("--only", kind)]
    result = campaign(tmp_path, "--no-cases", "--alone", "8", *only)
    assert wrong(result) == []
    assert result["exit"] == 0
    seeded = {k["kind"] for k in result["kinds"]}
    assert seeded | set(result["not_played"]) == set(chosen)
    assert seeded >= {*WIDE, "gpu-lost", "nvlink-down", "port-rate", "unreachable", "old-xid"}


@whole
@pytest.mark.parametrize("per_node", ["1", "2"])
def test_combined_faults_do_not_hide_each_other(per_node: str, tmp_path: Path) -> None:
    result = campaign(
        tmp_path,
        "--no-singles",
        "--no-cases",
        "--clean",
        "0",
        "--combine",
        "4",
        "--combinations",
        "2",
        "--per-node",
        per_node,
        "--nodes",
        "10",
    )
    assert wrong(result) == []
    assert [len(s["faults"]) for s in result["scenarios"]] == [4, 4]


@whole
def test_clean_clusters_of_every_shape_are_ready(tmp_path: Path) -> None:
    result = campaign(tmp_path, "--no-singles", "--no-cases", "--nodes", "4")
    assert wrong(result) == []
    assert {s["shape"] for s in result["scenarios"]} == set(plans(available()))


@whole
def test_the_acceptance_cases(tmp_path: Path) -> None:
    result = campaign(tmp_path, "--no-singles", "--clean", "0")
    assert wrong(result) == []
    waiting = {s["id"] for s in result["scenarios"] if s["closes"]}
    assert waiting == set()
    assert {s["id"][:7] for s in result["scenarios"]} == {f"case-{n:02}" for n in range(1, 21)}


def test_a_failed_scenario_says_how_to_see_it_again(tmp_path: Path) -> None:
    """With a battery that cannot see the fault: missed, exit 1, and the replay plays the same cluster."""
    command = [sys.executable, "-m", "bringup", "campaign", "--check", "reach.*", "--out", str(tmp_path)]
    options = {"capture_output": True, "text": True, "timeout": 300, "check": False}
    first = subprocess.run(
        [*command, "--only", "cpu-missing", "--nodes", "2", "--clean", "0"],
        **options,  # type: ignore[call-overload]
    )
    assert first.returncode == 1, first.stderr
    name = "pack-01-hgx-h100-n2-s1"
    assert "cpu-missing at gpu-00" in first.stdout
    assert "was missed: wanted CPU-COUNT" in first.stdout
    assert f"bringup campaign --replay {name} --out {tmp_path}" in first.stdout
    again = subprocess.run([*command, "--replay", name], **options)  # type: ignore[call-overload]
    assert again.returncode == 1, again.stderr
    assert again.stdout.startswith(f"# scenario {name}")
    assert "was missed: wanted CPU-COUNT" in again.stdout
    plain = [
        sys.executable,
        "-m",
        "bringup",
        "run",
        "-q",
        "-i",
        str(tmp_path / f"scenarios/{name}.yaml"),
        "--stage",
        "host",
    ]
    found = subprocess.run(plain, cwd=tmp_path, **options)  # type: ignore[call-overload]
    assert found.returncode == 1, found.stderr
    assert "processors" in found.stdout
