"""Following a journal: marks stay right event by event, whatever happens to the file."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bringup import events as ev
from bringup.journal import Journal
from bringup.model import Node, Outcome, RunInfo, RunVerdict, Stage, Verdict, Why
from bringup.report import verdict as judge
from bringup.tui.feed import RunView
from bringup.tui.look import Mark

Make = Callable[..., Any]


def view_of(folder: Path) -> RunView:
    view = RunView(folder)
    while view.drain(1.0):
        pass
    return view


def test_a_finished_run_shows_every_kind_of_node(finished: Any) -> None:
    view = view_of(finished.folder)
    assert view.over and view.stage is Stage.RDMA
    bad = {name: mark for name, mark in view.marks.items() if mark is not Mark.PASS}
    assert bad == {
        "gpu-009": Mark.DEFECT,
        "gpu-021": Mark.DEFECT,
        **{f"gpu-{k:03}": Mark.CONFIG for k in range(33, 41)},
        "gpu-045": Mark.UNKNOWN,
        "gpu-051": Mark.FIXED,
        **{f"gpu-{k:03}": Mark.NOT_RUN for k in (10, 11, 12)},  # each was to meet gpu-045
    }
    assert [line.text for line in view.log if line.loud] == [
        "gpu-045 is left out from now on: reach.ssh: connection refused on port 22",
        "run ended: NOT READY",
    ]


def test_marks_are_the_same_whether_read_at_once_or_bit_by_bit(finished: Any, tmp_path: Path) -> None:
    data = (finished.folder / "journal.jsonl").read_bytes()
    growing = tmp_path / "growing"
    growing.mkdir()
    view, chance = RunView(growing), random.Random(7)
    with (growing / "journal.jsonl").open("wb") as file:
        while data:
            cut = chance.randrange(1, 40_000)
            file.write(data[:cut])
            file.flush()
            data = data[cut:]
            view.drain(1.0)
    assert view.marks == view_of(finished.folder).marks


def test_the_same_nodes_are_ready_here_and_in_the_reports(finished: Any) -> None:
    view = view_of(finished.folder)
    here = {name for name, mark in view.marks.items() if mark in (Mark.PASS, Mark.FIXED)}
    assert here == judge.ready_nodes(view.state)
    assert len(here) == 50


def test_a_run_that_never_reached_a_check_has_no_ready_node(make_story: Make) -> None:
    story = make_story(nodes=4)
    story.write(ev.RunStarted(info=RunInfo("r", "n", checks=("reach.ssh", "soak.burn"))))
    story.write(*(ev.NodeListed(node=n) for n in story.hall.nodes))
    story.stage(Stage.REACH)
    before = view_of(story.folder)
    assert before.counts() == {Mark.PASS: 3, Mark.UNKNOWN: 1}
    story.end(RunVerdict.INCOMPLETE, aborted="interrupted")
    assert view_of(story.folder).counts() == {Mark.UNKNOWN: 4}


def test_an_unfinished_journal_shows_who_works_and_who_failed(running: Any) -> None:
    view = view_of(running.folder)
    assert not view.over and view.failing
    counts = view.counts()
    assert counts[Mark.RUNNING] == 51
    assert counts[Mark.DEFECT] == 4  # gpu-009 and gpu-021, and two partners whom nobody has cleared yet
    assert view.marks["gpu-009"] is view.marks["gpu-042"] is Mark.DEFECT
    assert (counts[Mark.CONFIG], counts[Mark.UNKNOWN]) == (8, 1)


def test_a_run_that_ends_with_holes_has_unknown_nodes(running: Any) -> None:
    before = view_of(running.folder)
    assert before.marks["gpu-064"] is Mark.RUNNING
    running.end(RunVerdict.INCOMPLETE, aborted="interrupted")
    view = view_of(running.folder)
    assert view.marks["gpu-064"] is Mark.UNKNOWN
    holes = {name for _, target in view.state.missing for name in judge.nodes_of(view.state, target)}
    assert holes and not {name for name, mark in view.marks.items() if mark is Mark.PASS} & holes


def test_a_pair_that_was_not_run_leaves_no_hole_at_the_node_that_it_does_not_name(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", clock=lambda: 5.0)
    pair = Outcome("rdma.bw", Stage.RDMA, "a ~ b rail 1", ("b",), Verdict.NOT_RUN, why=Why.QUARANTINED)
    journal.write(ev.RunStarted(info=RunInfo("r", "n")))
    for name in ("a", "b"):
        journal.write(ev.NodeListed(node=Node(name)))
        journal.write(ev.Judged(outcome=Outcome("host.cpu", Stage.HOST, name, (name,), Verdict.PASS)))
    journal.write(ev.Planned(stage=Stage.RDMA, check="rdma.bw", targets=["a ~ b rail 1"]))
    journal.write(ev.Judged(outcome=pair))
    journal.write(ev.RunEnded(verdict=RunVerdict.INCOMPLETE))
    journal.close()
    assert view_of(tmp_path).marks == {"a": Mark.PASS, "b": Mark.NOT_RUN}


def test_a_later_attempt_replaces_the_earlier(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", clock=lambda: 5.0)
    journal.write(ev.RunStarted(info=RunInfo("r", "n")))
    journal.write(ev.NodeListed(node=Node("a")))
    journal.write(ev.Judged(outcome=Outcome("host.cpu", Stage.HOST, "a", ("a",), Verdict.FAIL)))
    view = view_of(tmp_path)
    assert view.marks["a"] is Mark.DEFECT
    journal.write(ev.Judged(outcome=Outcome("host.cpu", Stage.HOST, "a", ("a",), Verdict.PASS, attempt=2)))
    journal.close()
    view.drain(1.0)
    assert view.marks["a"] is Mark.FIXED
    assert [o.attempt for o in view.results(Stage.HOST)] == [2]


def test_a_replaced_journal_begins_anew(finished: Any, make_story: Make) -> None:
    view = view_of(finished.folder)
    assert len(view.marks) == 64
    other = make_story("other", nodes=4)
    other.begin()
    other.journal.close()
    (finished.folder / "journal.jsonl").write_bytes((other.folder / "journal.jsonl").read_bytes())
    view.drain(1.0)
    assert set(view.marks) == {"gpu-001", "gpu-002", "gpu-003", "gpu-004"}
    assert not view.over and view.state.defects == [] and len(view.log) == 1


DAMAGE = [
    b"\xff\xfe\x00\n",
    b'{"type":"note","text":"\xff"}\n',
    b"[" * 100_000 + b"\n",
    b'{"type":"from-the-future","seq":9}\n',
    b'{"type":"outcome","seq":9}\n',
    b'{"type":"zz","at":' + b"9" * 400 + b"}\n",
    b'{"type":"run-ended","at":1e308,"verdict":"READY"}\n',
    b'{"type":"stage-started","stage":"rdma","estimate_s":-1e308,"rounds":-5}\n',
    b'{"type":"round-started","stage":"soak","round":-1,"rounds":0}\n',
    b'{"type":"working","stage":"gpu","nodes":["nobody","",""]}\n',
    b"null\n{}\n[]\n",
]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
def test_damage_in_the_middle_costs_only_the_damaged_line(damage: bytes, make_story: Make) -> None:
    story = make_story(nodes=4)
    story.begin()
    with (story.folder / "journal.jsonl").open("ab") as file:
        file.write(damage)
    story.write(ev.Note(text="still here"))
    story.journal.close()
    view = view_of(story.folder)
    assert len(view.marks) == 4
    assert view.log[-1].text == "still here"


def test_without_a_journal_there_is_nothing_and_no_error(tmp_path: Path) -> None:
    view = view_of(tmp_path)
    assert (view.version, view.marks, view.stage) == (0, {}, None)


def test_a_very_long_line_does_not_end_the_reading(make_story: Make) -> None:
    story = make_story(nodes=2)
    story.begin()
    story.write(ev.Note(text="x" * 3_000_000), ev.Note(text="behind it"))
    story.journal.close()
    view = RunView(story.folder)
    assert view.drain(30.0) is False
    assert view.log[-1].text == "behind it"


def test_reading_stops_when_its_time_is_over(finished: Any) -> None:
    view = RunView(finished.folder)
    ticks = iter(range(100))
    assert view.drain(1.5, clock=lambda: next(ticks))
    assert 0 < view.version < view_of(finished.folder).version
