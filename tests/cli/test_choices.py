"""Nothing that was asked for is left out in silence, and a run that is not over is not called ready."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bringup import battery
from bringup import events as ev
from bringup.cli import common
from bringup.cli import run as run_module
from bringup.cli.run import resume
from bringup.errors import NothingSelected, RunFolderError
from bringup.journal import Journal
from bringup.model import Exit, Level, Node, RunInfo, RunVerdict, Stage
from bringup.orchestrator import RunFolder, Setting

CHECKS = battery.load()


def test_each_named_stage_must_have_a_check() -> None:
    assert common.choose(CHECKS, Level.STANDARD, [Stage.RDMA, Stage.LINK], [])
    with pytest.raises(NothingSelected, match="rdma at level quick"):
        common.choose(CHECKS, Level.QUICK, [Stage.LINK, Stage.RDMA], [])
    with pytest.raises(NothingSelected, match="stage rdma"):
        common.choose(CHECKS, Level.FULL, [Stage.LINK, Stage.RDMA], ["link.*"])


def test_each_pattern_must_have_a_check_in_the_stages() -> None:
    with pytest.raises(NothingSelected, match=r"link\.\*"):
        common.choose(CHECKS, Level.FULL, [Stage.RDMA], ["link.*", "rdma.*"])


def test_a_fleet_check_brings_along_what_it_compares_but_nothing_of_a_deeper_level() -> None:
    chosen = {c.id for c in common.choose(CHECKS, Level.STANDARD, [], ["perf.fleet"])}
    assert {"perf.fleet", "perf.gemm", "perf.copies", "reach.connect"} <= chosen
    assert "perf.collectives" not in chosen
    assert "perf.collectives" in {c.id for c in common.choose(CHECKS, Level.FULL, [Stage.PERF], [])}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    settings: dict[str, Setting] = {"version": "0", "checks": ["reach.connect"], "batteries": []}
    return RunFolder.create(tmp_path / "runs", settings, "nodes: [a, b]\n", {})


def begun(folder: RunFolder, listed: int) -> None:
    journal = Journal(folder.journal)
    journal.write(ev.RunStarted(info=RunInfo(folder.id, "x", nodes=2)))
    for name in ("a", "b")[:listed]:
        journal.write(ev.NodeListed(node=Node(name, connection="local")))
    journal.close()


@pytest.mark.parametrize("listed", [0, 1])
def test_a_run_that_was_killed_before_all_nodes_were_listed_is_not_resumed_with_fewer(
    folder: RunFolder, listed: int
) -> None:
    begun(folder, listed)
    with pytest.raises(RunFolderError, match="of 2 nodes"):
        resume.main([str(folder.path), "-q"], standalone_mode=False)


def test_a_run_whose_check_is_gone_is_not_resumed_without_it(folder: RunFolder) -> None:
    begun(folder, 2)
    text = (
        (folder.path / "run.toml").read_text().replace('"reach.connect"', '"reach.connect", "gpu.vanished"')
    )
    (folder.path / "run.toml").write_text(text)
    with pytest.raises(RunFolderError, match=r"gpu\.vanished"):
        resume.main([str(folder.path), "-q"], standalone_mode=False)


class Child:
    """A background run that has announced its folder and goes on, or has ended."""

    def __init__(self, folder: Path, code: int | None) -> None:
        self.folder, self.code, self.env, self.arguments = folder, code, dict[str, str](), [""]

    def __call__(self, arguments: list[str], env: dict[str, str], **_: Any) -> Child:
        self.env, self.arguments = env, arguments
        Path(arguments[arguments.index("--announce") + 1]).write_text(str(self.folder))
        return self

    def poll(self) -> int | None:
        return self.code


def with_tui(monkeypatch: pytest.MonkeyPatch, child: Child) -> int:
    monkeypatch.setattr("bringup.tui.watch", lambda folder: None)
    monkeypatch.setattr(subprocess, "Popen", child)
    monkeypatch.setattr("sys.argv", ["bringup", "run", "--tui"])
    code = run_module.run.main(["--tui"], standalone_mode=False)
    assert isinstance(code, int)
    return code


def test_leaving_the_ui_of_a_run_that_goes_on_is_not_ready(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(folder, 2)
    assert with_tui(monkeypatch, Child(folder.path, None)) == Exit.INCOMPLETE


@pytest.mark.parametrize("code", [Exit.NOT_READY, Exit.INCOMPLETE, Exit.INTERNAL, Exit.INTERRUPTED])
def test_the_ui_of_a_run_that_is_over_ends_with_the_code_of_the_run(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    begun(folder, 2)
    journal = Journal(folder.journal)
    journal.write(ev.RunEnded(verdict=RunVerdict.INCOMPLETE))
    journal.close()
    assert with_tui(monkeypatch, Child(folder.path, code)) == code


def test_a_background_run_that_was_killed_is_incomplete(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(folder, 2)
    assert with_tui(monkeypatch, Child(folder.path, -9)) == Exit.INCOMPLETE


def test_the_background_run_opens_no_ui_of_its_own(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BRINGUP_RUN_TUI=1 in the environment would make every child start another one."""
    begun(folder, 2)
    monkeypatch.setenv("BRINGUP_RUN_TUI", "1")
    child = Child(folder.path, None)
    with_tui(monkeypatch, child)
    assert "BRINGUP_RUN_TUI" not in child.env
    assert child.env["PATH"] == os.environ["PATH"]
    assert "--tui" not in child.arguments


def test_the_internal_end_of_a_run_is_no_interruption() -> None:
    from bringup.cli.output import exit_code
    from bringup.run import RunState

    state = RunState()
    state.apply(ev.RunEnded(verdict=RunVerdict.INCOMPLETE, aborted="an internal error: OSError()"))
    assert exit_code(state) == Exit.INTERNAL
    state.apply(ev.RunEnded(verdict=RunVerdict.INCOMPLETE, aborted="interrupted"))
    assert exit_code(state) == Exit.INTERRUPTED
