"""A resumed run ends as an uninterrupted one would: same verdicts, nothing left over, nothing hidden."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from support.battle import CHECKS, NODES, ONE, Cluster, battle, verdicts

from bringup import events as ev
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault
from bringup.journal import read
from bringup.model import Finding, Measurement, Node, RunVerdict, Stage, Verdict, Why
from bringup.run import RunState, fold, load

SLOW = Command("hello2")


class Slow(Check[Node]):
    """Asks on its own."""

    id, stage = "reach.slow", Stage.REACH
    faults = (Fault("SLOW", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, SLOW)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        out.text(target, SLOW)
        yield Measurement("hello", 1.0, "", target.name, ONE)


def ends(state: RunState) -> dict[tuple[str, str], str]:
    return {k: f"{o.verdict.value} {o.why.value}".strip() for k, o in state.cases.items() if o}


def test_extra_pairs_of_an_earlier_attempt_leave_no_hole(tmp_path: Path) -> None:
    first = Cluster(refused=["n1", "n2"])

    def answer(node: str, script: str) -> None:
        if script.startswith("client"):
            first.stop()

    first.answer = answer
    before = battle(tmp_path, first)
    planned = {t for _, t in before.cases}
    resumed = battle(tmp_path, Cluster(), before=load(tmp_path))
    assert resumed.verdict is RunVerdict.READY
    fresh = battle(_folder(tmp_path), Cluster())
    extra = {k: v for k, v in ends(resumed).items() if k not in fresh.cases}
    assert set(extra.values()) <= {"not-run not-applicable", "pass"}
    assert {k: v for k, v in ends(resumed).items() if k in fresh.cases} == ends(fresh)
    assert planned - {t for _, t in fresh.cases}
    assert load(tmp_path).cases == resumed.cases


def test_extra_pairs_that_were_killed_before_they_ran_leave_no_hole(tmp_path: Path) -> None:
    battle(tmp_path, Cluster(refused=["n1", "n2"]))
    events = list(read(tmp_path / "journal.jsonl"))
    fresh = battle(_folder(tmp_path), Cluster())
    extra = next(
        i
        for i, e in enumerate(events)
        if isinstance(e, ev.Planned) and ("rdma.write-bw", e.targets[0]) not in fresh.cases
    )
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(b"".join(lines[: extra + 1]))
    assert load(tmp_path).missing
    resumed = battle(tmp_path, Cluster(), before=load(tmp_path))
    assert (resumed.verdict, resumed.missing) == (RunVerdict.READY, [])


def test_an_earlier_stage_is_judged_again_although_a_later_gate_has_failed(tmp_path: Path) -> None:
    def ill(node: str, script: str) -> bytes | Ended | None:
        if (node, script) == ("n2", "count"):
            return b"0"
        return Ended.TIMEOUT if (node, script) == ("n2", "hello2") else None

    checks = (CHECKS[0], Slow(), *CHECKS[2:])
    first = battle(
        tmp_path, Cluster(lambda n, s: ill(n, s) or (b"hi" if s == "hello2" else None)), checks=checks
    )
    assert verdicts(first, "reach.slow")["n2"] == "error"
    again = Cluster(lambda n, s: b"hi" if s == "hello2" else ill(n, s))
    resumed = battle(tmp_path, again, checks=checks, before=load(tmp_path))
    assert verdicts(resumed, "reach.slow")["n2"] == "pass"
    assert verdicts(resumed, "link.state")["n2"] == "not-run quarantined"
    assert ("n2", "links") not in again.asked
    assert set(load(tmp_path).quarantined) == {"n2"}


def test_a_node_that_is_back_is_no_longer_quarantined(tmp_path: Path) -> None:
    battle(tmp_path, Cluster(refused=["n3"]))
    assert set(load(tmp_path).quarantined) == {"n3"}
    resumed = battle(tmp_path, Cluster(), before=load(tmp_path))
    assert (resumed.verdict, resumed.quarantined) == (RunVerdict.READY, {})


def test_the_fleet_is_compared_again_when_a_node_has_come_back(tmp_path: Path) -> None:
    first = battle(tmp_path, Cluster(refused=["n3"]))
    assert verdicts(first, "gpu.same") == {"fleet": "pass"}

    def other(node: str, script: str) -> bytes | None:
        return b"1.5" if (node, script) == ("n3", "count") else None

    resumed = battle(tmp_path, Cluster(other), before=load(tmp_path))
    assert verdicts(resumed, "gpu.same") == {"fleet": "fail"}
    fresh = battle(_folder(tmp_path), Cluster(other))
    assert {(d.code, d.component) for d in resumed.defects} == {(d.code, d.component) for d in fresh.defects}


def test_resuming_a_finished_run_asks_nobody_and_changes_nothing(tmp_path: Path) -> None:
    first = battle(tmp_path, Cluster())
    cluster = Cluster()
    again = battle(tmp_path, cluster, before=load(tmp_path))
    assert cluster.asked == []
    assert again.cases == first.cases
    assert again.verdict is RunVerdict.READY
    assert {o.attempt for o in again.outcomes} == {1}


def test_every_place_of_a_kill_resumes_to_the_same_end(tmp_path: Path) -> None:
    """The journal is cut after every seventh event; what follows must be as if nothing had happened."""

    def answer(node: str, script: str) -> bytes | None:
        if (node, script) == ("n2", "count"):
            return b"0"
        verb, *rest = script.split()
        return b"187" if verb == "client" and rest[2] == "1" and "n4" in (node, rest[0]) else None

    whole = battle(_folder(tmp_path), Cluster(answer))
    lines = (tmp_path / "fresh/journal.jsonl").read_bytes().splitlines(keepends=True)
    listed = 1 + len(NODES)
    for number, cut in enumerate(range(listed, len(lines), 7)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "journal.jsonl").write_bytes(b"".join(lines[:cut]))
        before = load(folder)
        done = {k for k, o in before.cases.items() if o and o.verdict in (Verdict.PASS, Verdict.FAIL)}
        resumed = battle(folder, Cluster(answer), before=load(folder))
        assert ends(resumed) == ends(whole), cut
        assert {(d.id, d.measured) for d in resumed.defects} == {(d.id, d.measured) for d in whole.defects}, (
            cut
        )
        assert {k for k in done if resumed.cases[k].attempt > 1} <= {("gpu.same", "fleet")}, cut  # type: ignore[union-attr]
        assert resumed.quarantined == whole.quarantined
        assert fold(read(folder / "journal.jsonl")).cases == resumed.cases


def test_an_interrupted_resume_keeps_what_it_had(tmp_path: Path) -> None:
    battle(tmp_path, Cluster(refused=["n3"]))
    before = load(tmp_path)
    stopped = Cluster()

    def answer(node: str, script: str) -> None:
        stopped.stop()

    stopped.answer = answer
    state = battle(tmp_path, stopped, before=load(tmp_path))
    assert state.verdict is RunVerdict.INCOMPLETE
    assert all(state.cases[k] == o for k, o in before.cases.items() if o and o.verdict is Verdict.PASS)
    assert {o.why for o in state.outcomes if o.verdict is Verdict.NOT_RUN} <= {Why.ABORTED, Why.QUARANTINED}
    assert battle(tmp_path, Cluster(), before=load(tmp_path)).verdict is RunVerdict.READY


def _folder(tmp_path: Path) -> Path:
    path = tmp_path / "fresh"
    path.mkdir()
    return path
