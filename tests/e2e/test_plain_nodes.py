"""The whole battery on plain Linux machines over real networks: what they have is judged, and what is not there is said.

The machines are namespaces of the machine that runs the tests, so its own shortcomings (no chronyd, a full disk) are
theirs as well. What a run with `connection: local` says of it is therefore what a run over OpenSSH must say of each.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.plain_nodes import Hall, address, hall

from bringup.events import Judged
from bringup.journal import read

NAMES = ("box-1", "box-2", "box-3")
PROFILE = f"""name = "plain"
description = "the machines of this test"
extends = ["linux"]

[facts."network.interfaces"]
value = ["eth0 mtu 9000", "eth1 mtu 9000"]
why = "the test builds them so"
source = "tests/support/plain_nodes.py"

[facts."network.endpoints"]
value = ["{address(1)}:22"]
why = "the first machine's OpenSSH server, which each of them reaches"
source = "tests/support/plain_nodes.py"

[facts."perf.memory_seconds"]
value = 1
why = "a test is no measurement"
source = "this test"

[facts."perf.nvme_seconds"]
value = 1
why = "a test is no measurement"
source = "this test"
"""
LOCAL = "name: here\nnodes:\n  - {names: here, connection: local, profile: linux}\n"
NO_HARDWARE = ("gpu", "nvlink", "link")
"""The stages of which nothing applies to a machine without GPUs and without a fabric."""
NO_PORTS = ("rdma.write-bw", "rdma.write-lat", "collective.node", "perf.gemm", "perf.copies")


@dataclass(frozen=True)
class Said:
    """Codes of the defects of a machine, and by check the verdict with the kind of what was not run."""

    codes: set[str]
    verdicts: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def machines() -> Iterator[Hall]:
    with hall(NAMES) as built:
        yield built


@pytest.fixture(scope="module")
def here(machines: Hall, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What a run with `connection: local` says of this machine: its own defects, and its verdicts by check."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "here.yaml").write_text(LOCAL)
    report = _report(machines.bringup("run", "-i", "here.yaml", "--level", "full", "--json", cwd=folder))
    return Said({d["code"] for d in report["defects"]}, _verdicts(report, folder, "here"))


def _report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode in (0, 1, 3), done.stderr
    return dict(json.loads(done.stdout))


def _own(report: dict[str, Any], besides: set[str]) -> set[tuple[str, str, str]]:
    """Code, place and part of the defects that are not this machine's own shortcomings."""
    return {(d["code"], d["place"], d["component"]) for d in report["defects"] if d["code"] not in besides}


def _verdicts(report: dict[str, Any], folder: Path, node: str) -> dict[str, tuple[str, str]]:
    """By check what was said of this node: the verdict, and the kind where it was not run."""
    events = read(folder / "runs" / report["run"]["id"] / "journal.jsonl")
    outcomes = [event.outcome for event in events if isinstance(event, Judged)]
    return {one.check: (str(one.verdict), str(one.why)) for one in outcomes if one.nodes == (node,)}


def test_this_machine_without_ssh(here: Said) -> None:
    judged = {check for check, (verdict, _) in here.verdicts.items() if verdict != "not-run"}
    assert {"host.cpu", "host.memory", "host.limits", "host.disk", "perf.host-memory"} <= judged
    unused = {
        check: said
        for check, said in here.verdicts.items()
        if check.split(".")[0] in NO_HARDWARE or check in NO_PORTS
    }
    assert len(unused) > 50
    assert set(unused.values()) == {("not-run", "not-applicable")}
    others = {why for verdict, why in here.verdicts.values() if verdict == "not-run"}
    assert others == {"not-applicable"}


def test_healthy_machines_over_openssh(machines: Hall, here: Said, tmp_path: Path) -> None:
    inventory = machines.inventory(PROFILE)
    report = _report(machines.bringup("run", "-i", str(inventory), "--level", "full", "--json", cwd=tmp_path))
    assert _own(report, here.codes) == set()
    for name in NAMES:
        mine = _verdicts(report, tmp_path, name)
        assert mine.pop("host.interfaces") == mine.pop("host.endpoints") == ("pass", "")
        assert (
            mine.pop("reach.login-time") == mine.pop("reach.identity") == ("pass", "")
        )  # told by a login only
        assert mine == {check: here.verdicts[check] for check in mine}
        assert machines.left_over(name) == []


def test_what_is_broken_is_found_and_placed(machines: Hall, here: Said, tmp_path: Path) -> None:
    machines.inside("box-2", "ip", "link", "set", "eth1", "mtu", "1500")
    machines.inside("box-3", "ip", "link", "set", "eth1", "down")
    try:
        done = machines.bringup(
            "run", "-i", str(machines.inventory(PROFILE)), "--level", "full", "--json", cwd=tmp_path
        )
    finally:
        machines.inside("box-2", "ip", "link", "set", "eth1", "mtu", "9000")
        machines.inside("box-3", "ip", "link", "set", "eth1", "up")
    report = _report(done)
    assert (done.returncode, report["verdict"]) == (1, "NOT READY")
    assert _own(report, here.codes) == {
        ("INTERFACE-MTU", "R01 U12", "box-2"),
        ("INTERFACE-DOWN", "R01 U13", "box-3"),
    }
    (mtu,) = (d for d in report["defects"] if d["code"] == "INTERFACE-MTU")
    assert mtu["measured"] == "MTU of eth1, which hears leaf-1 port swp2 1500 bytes"
    assert [machines.left_over(name) for name in NAMES] == [[], [], []]
