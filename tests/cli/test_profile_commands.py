"""`bringup profile` and `bringup checks docs` as a user calls them: what is printed, written and refused.

All profiles, checks and answers are invented.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.battle import COUNT, Cluster, Reached

from bringup import battery
from bringup.check import AnyCheck, Check, Outputs, Plan, run
from bringup.cli import cli, common, profile_learn
from bringup.cli.checks import checks
from bringup.cli.profile import profile
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import ProfileError, RunFolderError, UsageError
from bringup.fleet import LocalFleet
from bringup.journal import Journal
from bringup.model import Exit, Finding, Measurement, Node, RunInfo, Stage
from bringup.orchestrator import Engine, RunFolder, make_plan
from bringup.profile import load_all
from bringup.transport import Options

HALL = """name = "hall"
description = "invented"
extends = ["linux"]

[limits."host.memory.total"]
op = ">="
value = 1000
unit = "GiB"
why = "w"
source = "s"
"""
TYPO = HALL.replace('"hall"', '"typo"').replace("host.memory.total", "host.memory.totl")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/hall.toml").write_text(HALL)
    (tmp_path / "profiles/typo.toml").write_text(TYPO)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(profile, arguments, standalone_mode=False)


# -------------------------------------------------------------------------------------------- check


def test_check_tells_file_and_line_and_ends_with_2(here: Path) -> None:
    done = call("check", "profiles/typo.toml", "hall", "--profiles", "profiles")
    assert done.return_value == Exit.USAGE
    assert done.stdout == (
        'profiles/typo.toml:5: limits."host.memory.totl": no check asks for this limit; did you mean host.memory.total?\n'
    )
    assert done.stderr.startswith("2 profiles: 1 problem in 1 file   compared with ")


def test_check_of_good_ones_and_of_all(here: Path) -> None:
    assert call("check", "profiles/hall.toml").return_value == Exit.READY
    done = call("check", "--profiles", "profiles", "--json")
    told = json.loads(done.stdout)
    assert (done.return_value, told["schema"]) == (Exit.USAGE, "bringup.profile-check/1")
    assert {"hall", "typo", "linux"} <= set(told["profiles"])
    assert [(p["file"], p["line"]) for p in told["problems"]] == [("profiles/typo.toml", 5)]


def test_check_knows_the_names_of_a_battery_of_ones_own(here: Path) -> None:
    (here / "own").mkdir()
    source = next(p for p in battery.stock_folder().rglob("memory.py") if p.parent.name == "host").read_text()
    (here / "own/totl.py").write_text(
        source.replace("host.memory.total", "host.memory.totl").replace('"host.memory"', '"host.totl"')
    )
    assert call("check", "profiles/typo.toml", "--battery", "own").return_value == Exit.READY


def test_a_misspelt_limit_stops_a_run_before_it_begins(here: Path) -> None:
    (here / "site.yaml").write_text("profiles: ./profiles\ndefaults: {profile: typo}\nnodes: [a, b]\n")
    with pytest.raises(ProfileError, match=r"line 5 .*did you mean host\.memory\.total\?"):
        common.read_inputs("site.yaml")
    with pytest.raises(ProfileError, match=r"host\.memory\.totl"):
        CliRunner().invoke(
            cli, ["inventory", "check", "site.yaml"], standalone_mode=False, catch_exceptions=False
        )
    (here / "site.yaml").write_text("profiles: ./profiles\ndefaults: {profile: hall}\nnodes: [a, b]\n")
    assert set(common.read_inputs("site.yaml").profiles) == {"hall"}


# --------------------------------------------------------------------------------------------- diff


def test_diff_tells_both_sides_and_ends_with_1(here: Path) -> None:
    (here / "profiles/old.toml").write_text(HALL.replace('"hall"', '"old"').replace("1000", "900"))
    done = call("diff", "profiles/old.toml", "profiles/hall.toml")
    assert done.return_value == 1
    assert done.stdout.splitlines() == [
        "~ limit host.memory.total: >= 900 GiB -> >= 1000 GiB",
        "    A old.toml:5   w [s]",
        "    B hall.toml:5   w [s]",
    ]
    assert done.stderr == "1 difference\n"
    same = call("diff", "profiles/hall.toml", "hall", "--profiles", "profiles")
    assert (same.return_value, same.stdout, same.stderr) == (Exit.READY, "", "0 differences\n")


def test_diff_as_json(here: Path) -> None:
    bare = HALL.partition("[limits")[0].replace('"hall"', '"bare"').replace('["linux"]', "[]")
    (here / "profiles/bare.toml").write_text(bare)
    (here / "profiles/hall.toml").write_text(HALL.replace('["linux"]', "[]"))
    done = call("diff", "profiles/hall.toml", "bare", "--profiles", "profiles", "--json")
    assert done.return_value == 1
    side = {"value": ">= 1000 GiB", "why": "w [s]", "where": "hall.toml:5"}
    assert json.loads(done.stdout) == {
        "schema": "bringup.profile-diff/1",
        "a": "profiles/hall.toml",
        "b": "bare",
        "differences": [
            {"table": "limit", "name": "host.memory.total", "kind": "removed", "a": side, "b": None}
        ],
    }


def test_diff_of_something_that_is_not_there(here: Path) -> None:
    assert isinstance(call("diff", "linux", "./none.toml").exception, ProfileError)
    assert isinstance(call("diff", "linux", "none").exception, ProfileError)


# -------------------------------------------------------------------------------------------- learn


class Speed(Check[Node]):
    """The node is fast enough."""

    id, stage = "host.speed", Stage.HOST
    faults = (Fault("SPEED", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, COUNT)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        value = float(out.text(target, COUNT))
        yield Measurement("speed", value, "GB/s", target.name, ctx.limit(target, "host.speed"))
        yield Measurement("memory", value * 100, "GiB", target.name, ctx.limit(target, "host.memory.total"))


CHECKS: tuple[AnyCheck, ...] = (Reached(), Speed())


def a_run(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    nodes: int = 6,
    profiles: tuple[str, ...] = ("hall",),
    slow: int = 0,
) -> None:
    """A run of nodes that read 50 GB/s, of which `slow` read 40; the last node cannot be reached."""
    monkeypatch.setattr(battery, "load", lambda extra=(): CHECKS)
    listed = [Node(f"n{i}", profile=profiles[i % len(profiles)]) for i in range(1, nodes + 2)]
    found = load_all(profiles, [here / "profiles"])
    folder = RunFolder.create(
        here / "runs",
        {"version": "1", "batteries": []},
        "",
        {n: t for p in found.values() for n, t in p.texts().items()},
    )
    cluster = Cluster(
        lambda node, script: (b"40" if int(node[1:]) <= slow else b"50") if script == "count" else None,
        refused=[f"n{nodes + 1}"],
    )
    ctx = Context(dict(found))
    fleet = LocalFleet(Options(), workers=4, connect=cluster.connect)
    info = RunInfo(folder.id, "test", stages=(Stage.REACH, Stage.HOST), started=1_787_306_520.0)
    Engine(info, listed, make_plan(CHECKS, listed, ctx), ctx, fleet, folder).run()


def test_learn_writes_a_profile_that_passes_its_own_check(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(here, monkeypatch)
    done = call("learn", "last", "--out", "profiles/mine.toml")
    assert (done.return_value, done.exception) == (Exit.READY, None)
    assert done.stdout.splitlines()[:3] == [
        "hall: learned from 6 healthy nodes",
        "  left out: n7 (reach.connect could not be judged: connection refused: port 22)",
        "  host.speed >= 45 GB/s   90 % of the median: median 50, MAD 0, min 50, max 50 in 6 readings of 6 parts on "
        "6 healthy nodes",
    ]
    read = tomllib.loads((here / "profiles/mine.toml").read_text())
    assert (read["name"], read["extends"], set(read["limits"])) == ("mine", ["hall"], {"host.speed"})
    assert "mine.toml" not in call("check", "profiles/mine.toml").stdout
    again = call("learn", "last", "--out", "profiles/mine.toml")
    assert isinstance(again.exception, UsageError)
    assert "is there already; --force" in str(again.exception)
    assert call("learn", "last", "--out", "profiles/mine.toml", "--force").return_value == Exit.READY


def test_learn_all_tightens_what_the_profile_has(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(here, monkeypatch)
    done = call("learn", "last", "--all", "--name", "tight", "--extends", "linux", "--json")
    told = json.loads(done.stdout)["profiles"][0]
    assert [(x["name"], x["op"], x["value"], x["nodes"]) for x in told["limits"]] == [
        ("host.memory.total", ">=", 5000.0, 6), ("host.speed", ">=", 45.0, 6),
    ]  # fmt: skip
    assert told["left_out"].keys() == {"n7"}
    assert tomllib.loads((here / "tight.toml").read_text())["extends"] == ["linux"]
    only = call("learn", "last", "--limit", "host.memory.total", "--name", "only", "--json")
    assert [x["name"] for x in json.loads(only.stdout)["profiles"][0]["limits"]] == ["host.memory.total"]


def test_learn_for_each_profile_of_a_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "profiles/hall-b.toml").write_text(HALL.replace('"hall"', '"hall-b"'))
    a_run(here, monkeypatch, nodes=12, profiles=("hall", "hall-b"))
    done = call("learn", "last", "--name", "new", "--out", "learned")
    assert (done.return_value, done.exception) == (Exit.READY, None)
    assert sorted(p.name for p in (here / "learned").iterdir()) == ["new-hall-b.toml", "new-hall.toml"]
    one = call("learn", "last", "--profile", "hall-b", "--out", "one.toml")
    assert (one.return_value, tomllib.loads((here / "one.toml").read_text())["extends"]) == (
        Exit.READY,
        ["hall-b"],
    )


def test_learn_from_some_profiles_only_is_incomplete(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "profiles/hall-b.toml").write_text(HALL.replace('"hall"', '"hall-b"'))
    a_run(here, monkeypatch, nodes=9, profiles=("hall", "hall-b"))
    done = call("learn", "last", "--out", "learned")
    assert done.return_value == Exit.INCOMPLETE
    assert "hall: learned from 4 healthy nodes\n" in done.stdout
    assert "  refused: 4 healthy nodes of 5, needs 5\n" in done.stdout
    assert [p.name for p in (here / "learned").iterdir()] == ["hall-b-learned.toml"]


@pytest.mark.parametrize(
    ("nodes", "slow", "arguments", "said"),
    [
        (4, 0, (), "refused: 4 healthy nodes of 5, needs 5"),
        (6, 3, (), "host.speed: the healthy parts spread too wide: median 45 GB/s, MAD 5 (40 to 50)"),
        (6, 2, (), "2 of 6 readings are below 45 GB/s: the healthy parts are of two kinds"),
        (6, 0, ("--limit", "host.swap"), "refused: no healthy node has read host.swap"),
        (6, 0, ("--profile", "hgx"), "--profile hgx: no node of the run has it; there are hall"),
        (6, 0, ("--name", "a/b"), "'a/b' is no name for a profile"),
        (6, 0, ("--name", "linux"), "there is a profile linux already"),
        (6, 0, ("--name", "hall"), "there is a profile hall already"),
        (6, 0, ("--out", "x.yaml"), "--out x.yaml: a profile's file is NAME.toml"),
        (6, 0, ("--out", "x.toml", "--name", "y"), "--name y and --out x.toml: the file of a profile has its name"),
        (6, 0, ("--extends", "none", "--name", "z"), 'no profile "none"'),
    ],
)  # fmt: skip
def test_learn_refuses_and_writes_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, nodes: int, slow: int, arguments: tuple[str, ...], said: str
) -> None:
    a_run(here, monkeypatch, nodes=nodes, slow=slow)
    before = sorted(here.rglob("*.toml"))
    done = call("learn", "last", *arguments)
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
    assert sorted(here.rglob("*.toml")) == before


def test_learn_needs_a_run_that_is_over(here: Path) -> None:
    folder = RunFolder.create(here / "runs", {"version": "1", "batteries": []}, "", {})
    journal = Journal(folder.journal)
    from bringup import events as ev

    journal.write(ev.RunStarted(info=RunInfo(folder.id, "x", nodes=1)))
    journal.close()
    with pytest.raises(RunFolderError, match="is not finished; first: bringup resume"):
        profile_learn.learn.main([str(folder.path)], standalone_mode=False)


# ------------------------------------------------------------------------------- docs and completion


def test_the_handbook_is_written_where_it_is_wanted(here: Path) -> None:
    done = CliRunner().invoke(checks, ["docs", "--out", "handbook"], standalone_mode=False)
    assert (done.return_value, done.exception) == (Exit.READY, None)
    assert done.stdout.splitlines() == ["handbook/checks.md", "handbook/faults.md"]
    assert (here / "handbook/checks.md").read_text().startswith("# The checks\n")


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        (["profile"], "", {"check", "diff", "learn", "show"}),
        (["profile", "show"], "hgx-h1", {"hgx-h100", "hgx-h100-roce"}),
        (["profile", "diff", "linux"], "cpu", {"cpu-ethernet"}),
        (["profile", "check", "--profiles", "profiles"], "ha", {"hall"}),
        (["checks"], "", {"docs", "list", "show"}),
        (["checks", "show"], "gpu.xi", {"gpu.xid"}),
    ],
)
def test_completion(here: Path, words: list[str], begun: str, expected: set[str]) -> None:
    from click.shell_completion import ShellComplete

    found = ShellComplete(cli, {}, "bringup", "_BRINGUP_COMPLETE").get_completions(words, begun)
    assert {item.value for item in found if not item.value.startswith("-")} == expected
