"""The journal survives what happens to files: cut lines, newer events, followers, a second writer after a kill."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from bringup import events as ev
from bringup.commands import Command, Ended, Evidence
from bringup.errors import RunFolderError
from bringup.journal import Journal, Tail, decode, encode, read
from bringup.model import Measurement, Node, Outcome, RunInfo, RunVerdict, Stage, Verdict, Why
from bringup.run import fold, load


def outcome(check: str, node: str, verdict: Verdict, **more: object) -> Outcome:
    return Outcome(check, Stage(check.split(".")[0]), node, (node,), verdict, **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    journal = Journal(tmp_path / "journal.jsonl", clock=lambda: 100.0)
    journal.write(ev.RunStarted(info=RunInfo("1120-0931", "hall-2", nodes=2)))
    for name in ("a", "b"):
        journal.write(ev.NodeListed(node=Node(name)))
    journal.write(ev.Planned(stage=Stage.HOST, check="host.cpu", targets=["a", "b"]))
    journal.write(ev.Judged(outcome=outcome("host.cpu", "a", Verdict.PASS)))
    journal.close()
    return tmp_path


def test_a_fold_knows_what_is_done_and_what_is_missing(folder: Path) -> None:
    state = load(folder)
    assert (state.info.id, list(state.nodes), state.missing) == ("1120-0931", ["a", "b"], [("host.cpu", "b")])
    assert (state.stages[Stage.HOST].cases, state.stages[Stage.HOST].done) == (2, 1)
    assert state.judge_run() is RunVerdict.INCOMPLETE


def test_a_hole_is_never_ready_and_a_full_plan_is(folder: Path) -> None:
    state = load(folder)
    state.apply(ev.Judged(outcome=outcome("host.cpu", "b", Verdict.NOT_RUN, why=Why.NOT_APPLICABLE)))
    assert state.judge_run() is RunVerdict.READY
    state.apply(ev.Judged(outcome=outcome("host.cpu", "b", Verdict.NOT_RUN, why=Why.ABORTED)))
    assert state.judge_run() is RunVerdict.INCOMPLETE
    state.apply(ev.Judged(outcome=outcome("host.cpu", "b", Verdict.FAIL)))
    assert state.judge_run() is RunVerdict.NOT_READY
    assert state.stages[Stage.HOST].counts == {Verdict.PASS: 1, Verdict.FAIL: 1, Verdict.NOT_RUN: 0}
    assert [o.verdict for o in state.by_node["b"]] == [Verdict.FAIL]


def test_nothing_judged_is_not_ready() -> None:
    assert fold([]).judge_run() is RunVerdict.INCOMPLETE


def test_a_cut_last_line_is_skipped_and_mended_by_the_next_writer(folder: Path) -> None:
    path = folder / "journal.jsonl"
    with path.open("ab") as file:
        file.write(b'{"type":"note","te')
    assert len(list(read(path))) == 5
    journal = Journal(path)
    journal.write(ev.Note(text="again"))
    journal.close()
    seen = list(read(path))
    assert [e.seq for e in seen] == [1, 2, 3, 4, 5, 6]
    assert isinstance(seen[-1], ev.Note)


def test_an_event_of_a_newer_version_becomes_a_note(folder: Path) -> None:
    path = folder / "journal.jsonl"
    with path.open("ab") as file:
        file.write(b'{"type":"teleported","seq":6,"at":1.5,"where":"mars"}\nnot json\n')
    last = list(read(path))[-1]
    assert isinstance(last, ev.Note)
    assert "teleported" in last.text


def test_a_tail_sees_each_event_once_even_when_lines_arrive_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    tail = Tail(path)
    assert tail.new() == []
    line = b'{"type":"note","seq":1,"at":1.0,"text":"one"}\n'
    with path.open("ab") as file:
        file.write(line[:20])
        file.flush()
        assert tail.new() == []
        file.write(line[20:])
        file.flush()
        assert [e.text for e in tail.new() if isinstance(e, ev.Note)] == ["one"]
    assert tail.new() == []
    path.write_bytes(b"")
    assert tail.new() == []
    path.write_bytes(line)
    assert len(tail.new()) == 1


def test_text_that_is_no_text_does_not_stop_the_journal(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    bad = outcome("host.cpu", "a", Verdict.ERROR, reason="cut \ud800 here")
    odd = outcome("host.cpu", "b", Verdict.PASS, measurements=(Measurement("x", "\udcff", "", "a"),))
    for each in (bad, odd):
        journal.write(ev.Judged(outcome=each))
    journal.close()
    events = list(read(tmp_path / "j"))
    assert [e.outcome.verdict for e in events if isinstance(e, ev.Judged)] == [Verdict.ERROR, Verdict.PASS]
    assert isinstance(events[0], ev.Judged)
    assert events[0].outcome.reason == "cut \\ud800 here"


def test_no_journal_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no journal here"):
        load(tmp_path)
    (tmp_path / "journal.jsonl").write_text("")
    with pytest.raises(RunFolderError, match="does not say which run"):
        load(tmp_path)


def test_two_writers_of_one_journal_are_refused(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j")
    first.write(ev.Note(text="one"))
    with pytest.raises(RunFolderError, match="still being written"):
        Journal(tmp_path / "j")
    first.close()
    Journal(tmp_path / "j").close()
    assert len(list(read(tmp_path / "j"))) == 1


# ------------------------------------------------------------------------------------------------ commands


LONG, SHORT = Command("echo long\n" * 500), Command('echo "a \\ b" \udc80')  # the second cannot be UTF-8


def judged(node: str, check: str, *commands: Command) -> ev.Judged:
    kept = tuple(
        Evidence(node, f"evidence/{node}/host.out", c, Ended.EXITED, 0, 0.1, 2.0, 0, 3, 0) for c in commands
    )
    return ev.Judged(outcome=outcome(check, node, Verdict.PASS, evidence=kept))


def written(path: Path, events: Iterable[ev.AnyEvent]) -> list[ev.AnyEvent]:
    journal = Journal(path, clock=lambda: 100.0)
    try:
        return [journal.write(event) for event in events]
    finally:
        journal.close()


def told(commands: int) -> list[ev.AnyEvent]:
    nodes = [f"n{i}" for i in range(commands)]
    return [judged(node, check, LONG, SHORT) for node in nodes for check in ("host.cpu", "host.memory")]


def readable(event: ev.AnyEvent) -> ev.AnyEvent | None:
    """The event as a line without names would give it back."""
    return decode(encode(event))


def test_a_command_is_written_twice_however_many_results_rest_on_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    events = written(path, told(50))
    text = path.read_bytes()
    assert text.count(b"echo long") == 2 * 500
    assert len(text.splitlines()) == len(events)
    assert list(read(path)) == [readable(e) for e in events]


def test_a_command_that_comes_once_stands_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    (event,) = written(path, [judged("a", "host.cpu", LONG)])
    assert path.read_bytes() == encode(event) + b"\n"


def test_wherever_a_journal_is_cut_what_is_left_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    events = [readable(e) for e in written(path, told(3))]
    lines = path.read_bytes().splitlines(keepends=True)
    for count in range(len(lines) + 1):
        path.write_bytes(b"".join(lines[:count]) + (lines[count][:90] if count < len(lines) else b""))
        assert list(read(path)) == events[:count]


def test_the_next_writer_goes_on_with_the_names(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    events = [*written(path, told(2)), *written(path, told(3))]
    assert path.read_bytes().count(b"echo long") == 3 * 500  # once more when it first comes again
    assert list(read(path)) == [readable(e) for e in events]


def test_a_follower_sees_whole_commands(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    tail, journal = Tail(path), Journal(path, clock=lambda: 100.0)
    for event in told(3):
        said = journal.write(event)
        assert tail.new() == [readable(said)]
    journal.close()


def test_without_its_definition_a_result_keeps_everything_but_the_command(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, told(2))
    lines = path.read_bytes().splitlines(keepends=True)
    assert b'"commands"' in lines[1]
    for forged in (b"", lines[1].replace(b"echo long", b"echo lies")):
        path.write_bytes(b"".join((lines[0], forged, *lines[2:])))
        last = list(read(path))[-1]
        assert isinstance(last, ev.Judged)
        assert last.outcome.verdict is Verdict.PASS
        assert {e.command.script[:30] for e in last.outcome.evidence} <= {
            "# the journal does not hold th", SHORT.script.encode("utf-8", "backslashreplace").decode()
        }  # fmt: skip


def test_names_cannot_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    written(path, told(2))
    lines = path.read_bytes().splitlines(keepends=True)
    name = lines[-1].split(b'"command":"')[1].split(b'"')[0]
    many = (
        b'{"type":"note","seq":9,"text":"x","more":['
        + b",".join([b'{"command":"' + name + b'"}'] * 20000)
        + b"]}\n"
    )
    path.write_bytes(b"".join((*lines, many)))
    last = list(read(path))[-1]
    assert isinstance(last, ev.Note)
    assert "another version" in last.text


def test_what_is_written_together_reaches_the_file_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    with journal.together():
        journal.write(ev.Note(text="one"))
        journal.write(ev.Note(text="two"))
        assert path.read_bytes() == b""
    assert [(e.seq, e.text) for e in read(path) if isinstance(e, ev.Note)] == [(1, "one"), (2, "two")]
    journal.write(ev.Note(text="three"))
    assert len(path.read_bytes().splitlines()) == 3
    journal.close()


def test_what_was_written_together_is_kept_if_the_work_breaks_off(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    with contextlib.suppress(ValueError), journal.together():
        journal.write(ev.Note(text="one"))
        raise ValueError
    assert [e.text for e in read(tmp_path / "j") if isinstance(e, ev.Note)] == ["one"]
    journal.close()
