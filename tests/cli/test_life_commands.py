"""The commands about defects over several runs, on invented runs: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.invented_run import events_of, port, single

from bringup.cli import cli
from bringup.cli.ledger import take_in
from bringup.errors import NothingSelected, UsageError
from bringup.journal import encode
from bringup.life import entries as en
from bringup.life import ledger
from bringup.model import Outcome
from bringup.orchestrator import RunFolder
from bringup.run import load

SLOW = single("link.rate", "n1", good=False, at=port("n1"))
FINE = single("link.rate", "n1", at=port("n1"))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def made(runs: Path, name: str, *outcomes: Outcome, cluster: str = "hall") -> str:
    """A finished run that the ledger knows; returns the id of its first defect."""
    folder = runs / name
    folder.mkdir(parents=True)
    told = events_of(name, [*outcomes, single("gpu.count", "n2")], cluster=cluster)
    (folder / "journal.jsonl").write_bytes(b"".join(encode(event) + b"\n" for event in told))
    (folder / "run.toml").write_text('orchestrator = "desk"\n')
    state = load(folder)
    take_in(state, RunFolder(folder))
    return state.defects[0].id if state.defects else ""


def call(*arguments: str) -> str:
    """What a command prints; its errors are raised."""
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False).output


def refused(*arguments: str) -> str:
    found = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(found.exception, UsageError), found.output
    return str(found.exception)


def test_claim_fixed_and_note_are_lines_of_the_ledger(runs: Path) -> None:
    ident = made(runs, "r1", SLOW)
    assert call("claim", ident.lower(), "--owner", "ann") == f"{ident}  n1 mlx5_0 is slow: claimed by ann\n"
    assert "fixed?: no run has proven it yet" in call("fixed", ident, "-m", "cleaned")
    call("note", ident, "-m", "ticket 4711")
    said = [
        e
        for e in ledger.read(runs / "defects.jsonl").entries
        if isinstance(e, en.Claimed | en.Repaired | en.Noted)
    ]
    assert [(type(e).__name__, e.id, e.cluster) for e in said] == [
        ("Claimed", ident, "hall"), ("Repaired", ident, "hall"), ("Noted", ident, "hall")
    ]  # fmt: skip
    assert all(e.at > 0 and e.by for e in said)
    assert "repaired: cleaned" in call("defects", "--all")
    assert "ticket 4711" in call("history", "n1:mlx5_0")


def test_nodes_can_be_chosen_by_their_defects(runs: Path, tmp_path: Path) -> None:
    ident = made(runs, "r1", SLOW)
    hall = tmp_path / "hall.yaml"
    hall.write_text("name: hall\nnodes: [{names: 'n[1-3]', profile: linux}]\n")

    def chosen(words: str) -> list[str]:
        told = json.loads(call("plan", "-i", str(hall), "-n", words, "--check", "reach.connect", "--json"))
        return [case["target"] for case in told["stages"][0]["cases"]]

    assert chosen("code:*") == chosen("state:open") == chosen(f"id:{ident}") == ["n1"]
    assert chosen("!state:open") == ["n2", "n3"]
    call("claim", ident, "--owner", "ann")
    assert chosen("state:claimed") == ["n1"]
    found = CliRunner().invoke(cli, ["plan", "-i", str(hall), "-n", "state:open"], standalone_mode=False)
    assert str(found.exception) == 'selection: no node has state "open"; there are claimed'


def test_a_waiver_makes_the_run_ready_and_can_be_taken_back(runs: Path) -> None:
    ident = made(runs, "r1", SLOW)
    call("waive", ident, "--reason", "spare", "--owner", "Jane", "--until", "2099-01-01")
    document = json.loads(call("report", "r1", "-f", "json"))
    assert (document["verdict"], document["exceptions"][0]["what"]) == ("READY", ident)
    assert json.loads(call("defects", "r1", "--json"))["defects"][0]["life"]["state"] == "waived"
    assert "no defect" in call("defects", "r1", "--state", "open")
    call("waive", ident, "--end")
    assert json.loads(call("report", "r1", "-f", "json"))["verdict"] == "NOT READY"


def test_a_node_can_be_left_out(runs: Path) -> None:
    made(runs, "r1", SLOW)
    call("waive", "--node", "n1", "--reason", "later", "--owner", "Jane", "--until", "2099-01-01")
    document = json.loads(call("report", "r1", "-f", "json"))
    assert (document["verdict"], [n["name"] for n in document["nodes"] if n["ready"]]) == ("READY", ["n2"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("claim", "D-000000"), "no defect 'D-000000'"),
        (("waive",), "needs a defect's id, or --node"),
        (("waive", "ID"), "an exception needs --reason, --owner, --until"),
        (("waive", "ID", "--reason", "r", "--owner", "o", "--until", "soon"), "needs a day as 2026-12-31"),
        (("waive", "ID", "--reason", "r", "--owner", "o", "--until", "2020-01-01"), "this day is over"),
        (
            ("waive", "--node", "n9", "--reason", "r", "--owner", "o", "--until", "2099-01-01"),
            "has no node 'n9'",
        ),
        (("note", "ID", "-m", "  "), "--message: needs some text"),
        (("history", "n77"), "no run in runs knows n77"),
        (("act", "slurm", "r1", "--prefix", "a b"), "--prefix a b: needs one word"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(runs: Path, arguments: tuple[str, ...], says: str) -> None:
    ident = made(runs, "r1", SLOW)
    before = (runs / "defects.jsonl").read_bytes()
    assert says in refused(*(ident if word == "ID" else word for word in arguments))
    assert (runs / "defects.jsonl").read_bytes() == before


def test_the_same_defect_in_two_clusters_must_be_told_apart(runs: Path) -> None:
    ident = made(runs, "r1", SLOW)
    made(runs, "r2", SLOW, cluster="other")
    assert "say which with --cluster" in refused("claim", ident)
    call("claim", ident, "--cluster", "other", "--owner", "bob")
    assert "claimed by bob" in call("defects", "r2")
    assert "claimed" not in call("defects", "r1")


def test_diff_and_history_as_json(runs: Path) -> None:
    ident = made(runs, "r1", SLOW)
    made(runs, "r2", FINE)
    found = json.loads(call("diff", "r1", "r2", "--json"))
    assert (found["schema"], found["gone"], found["new"]) == ("bringup.diff/1", [ident], [])
    assert found["results"] == [{"check": "link.rate", "target": "n1", "before": "fail", "after": "pass"}]
    history = json.loads(call("history", "n1:mlx5_0", "--json"))
    assert [run["id"] for run in history["runs"]] == ["r2", "r1"]


def test_nothing_to_retest_is_told(runs: Path) -> None:
    folder = runs / "r1"
    made(runs, "r1", SLOW)
    (folder / "run.toml").write_text('inventory = ""\nchecks = ["link.rate"]\n')
    (folder / "profiles").mkdir()
    (folder / "inventory.yaml").write_text("name: hall\nnodes:\n  - names: n[1-2]\n")
    found = CliRunner().invoke(cli, ["retest", "r1"], standalone_mode=False)
    assert isinstance(found.exception, NothingSelected)
    assert "no defect is called fixed" in str(found.exception)


def test_a_retest_is_not_resumed(runs: Path) -> None:
    made(runs, "r2", FINE)
    (runs / "r2/run.toml").write_text('retest_of = "r1"\n')
    assert "is a retest; make it again" in refused("resume", "r2")
