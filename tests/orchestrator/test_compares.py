"""Checks that compare with the first answers of a run: on whom they are run, what they get, and again by rejudge."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.battle import CHECKS, NODES, ONE, Cluster, battle, verdicts
from support.records import replace

from bringup.check import AnyCheck, Check, Outputs, Plan, run
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault
from bringup.model import Finding, Limit, Measurement, Node, Stage, Verdict
from bringup.orchestrator import read_kept, rejudge
from bringup.run import RunState, load

COUNTER = Command("counter")
NONE = Limit("rise", "==", 0.0)


class First(Check[Node]):
    """The counter can be read."""

    id, stage, collects = "link.counter", Stage.LINK, True

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, COUNTER)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield Measurement("counter", float(out.text(target, COUNTER)), "", target.name)


class Rise(Check[Node]):
    """The counter has not risen since."""

    id, stage, compares = "after.counter", Stage.AFTER, True
    faults = (Fault("ROSE", "t", "a", explained_by=("GPU-MISSING",)),)
    plan = First.plan

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        first, now = (float(o.text(target, COUNTER)) for o in (out.before, out))
        yield Measurement("rise", now - first, "", target.name, NONE)


class Stands(Check[Node]):
    """The counter is one: asks for no comparison, and gets none."""

    id, stage = "after.stands", Stage.AFTER
    faults = (Fault("STANDS", "t", "a"),)
    plan = First.plan

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield Measurement("counter", float(out.text(target, COUNTER)), "", target.name, ONE)


class LateGate(Check[Node]):
    """The node is fit for the load."""

    id, stage, gate = "rdma.fit", Stage.RDMA, "node"
    faults = (Fault("UNFIT", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, Command("hello late"))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        fit = out.text(target, Command("hello late")) == "hi"
        yield Measurement("fit", 1.0 if fit else 0.0, "", target.name, ONE)


CASES: tuple[AnyCheck, ...] = (*CHECKS, First(), LateGate(), Rise(), Stands())


class Counting(Cluster):
    """The counter of each node rises by `rises[node]` with every reading, from 1."""

    def __init__(self, rises: dict[str, int] | None = None, **more: object) -> None:
        super().__init__(self.say, **more)  # type: ignore[arg-type]
        self.rises, self.said = rises or {}, dict[str, int]()
        self.odd: dict[tuple[str, str], bytes | Ended] = {}

    def say(self, node: str, script: str) -> bytes | Ended | None:
        if (node, script) in self.odd:
            return self.odd[node, script]
        if script != "counter":
            return None
        self.said[node] = self.said[node] + self.rises.get(node, 0) if node in self.said else 1
        return str(self.said[node]).encode()


def again(folder: Path, state: RunState) -> None:
    judged = rejudge(load(folder), CASES, Context({}), partial(read_kept, folder))
    assert {k: (o.verdict, o.reason) for k, o in judged.cases.items() if o} == {
        k: (o.verdict, o.reason) for k, o in state.cases.items() if o
    }
    assert judged.defects == state.defects


def rises(state: RunState) -> dict[str, object]:
    """By node: the rise, or why there is none."""
    return {
        o.target: o.measurements[0].value if o.measurements else o.reason
        for o in state.outcomes
        if o.check == "after.counter"
    }


def test_the_first_answer_is_compared_with_the_last(tmp_path: Path) -> None:
    state = battle(tmp_path, Counting({"n2": 5}), checks=CASES)
    assert rises(state) == {**{f"n{i}": 0.0 for i in range(1, 7)}, "n2": 5.0}
    assert [(d.code, d.component) for d in state.defects if d.code == "ROSE"] == [("ROSE", "n2")]
    again(tmp_path, state)


def test_both_stages_ask_once_however_many_checks_want_the_answer(tmp_path: Path) -> None:
    cluster = Counting()
    battle(tmp_path, cluster, checks=CASES)
    assert cluster.asked.count(("n1", "counter")) == 2
    stages = 5  # reach, gpu, link, rdma, after; the rounds of pairs come on top
    mine = [n for n, _ in cluster.scripts if n == "n1"]
    pairs = [s for n, s in cluster.asked if n == "n1" and s.split()[0] in ("server", "client")]
    assert len(mine) == stages + 3
    assert len(pairs) == 3 * 2


def test_without_a_first_answer_it_is_an_error_that_says_so(tmp_path: Path) -> None:
    state = battle(tmp_path, Counting(), checks=[c for c in CASES if c.id != "link.counter"])
    assert set(verdicts(state, "after.counter").values()) == {"error"}
    assert (
        rises(state)["n1"] == "counter had no answer on n1 before the load: there is nothing to compare with"
    )
    assert set(verdicts(state, "after.stands").values()) == {"pass"}


@pytest.mark.parametrize("odd", [Ended.TIMEOUT, Ended.MISSING])
def test_a_first_answer_that_never_came_is_none(tmp_path: Path, odd: Ended) -> None:
    cluster = Counting()
    before = cluster.say

    def say(node: str, script: str) -> bytes | Ended | None:
        if (node, script) == ("n3", "counter") and "n3" not in cluster.said:
            cluster.said["n3"] = 1
            return odd
        return before(node, script)

    cluster.answer = say
    state = battle(tmp_path, cluster, checks=CASES)
    assert verdicts(state, "after.counter")["n3"] == "error"
    codes = {
        Ended.TIMEOUT: "COMMAND-HANGS",
        Ended.MISSING: "TOOL-MISSING",
    }  # why there is none: as the first check says
    assert {
        o.code
        for o in state.outcomes
        if o.target == "n3" and "counter" in o.check and o.verdict is Verdict.ERROR
    } == {codes[odd]}
    again(tmp_path, state)


def test_a_node_that_a_gate_sent_away_is_asked_again_if_it_answered_before(tmp_path: Path) -> None:
    cluster = Counting({"n4": 2})
    cluster.odd[("n4", "hello late")] = b"unfit"
    cluster.odd[("n2", "count")] = b"0"  # leaves before its counter was read
    state = battle(tmp_path, cluster, checks=CASES)
    assert rises(state)["n4"] == 2.0
    assert verdicts(state, "after.stands")["n4"] == "not-run quarantined"
    assert verdicts(state, "after.counter")["n2"] == "not-run quarantined"
    assert "gpu.count" in str(rises(state)["n2"])
    again(tmp_path, state)


def test_a_node_that_nobody_can_reach_is_not_asked_again(tmp_path: Path) -> None:
    cluster = Counting()
    real = cluster.connect

    def connect(node: Node, *more: object):  # type: ignore[no-untyped-def]
        if node.name == "n5":
            cluster.refused = {"n5"} if ("n5", "counter") in cluster.asked else set()
        return real(node, *more)

    cluster.connect = connect  # type: ignore[method-assign,assignment]
    cluster.odd[("n5", "hello late")] = Ended.LOST
    state = battle(tmp_path, cluster, checks=CASES)
    assert verdicts(state, "after.counter")["n5"] in ("error", "not-run quarantined")
    assert state.missing == []
    assert cluster.asked.count(("n5", "counter")) == 1


def test_a_resumed_run_compares_with_the_first_answer_of_all(tmp_path: Path) -> None:
    cluster = Counting({"n2": 5})

    def answer(node: str, script: str) -> bytes | Ended | None:
        if (node, script) == ("n1", "hello late"):
            cluster.stop()
        return cluster.say(node, script)

    cluster.answer = answer
    stopped = battle(tmp_path, cluster, checks=CASES)
    assert stopped.aborted
    later = Counting({"n2": 5})
    later.said = dict(cluster.said)
    state = battle(tmp_path, later, checks=CASES, before=load(tmp_path))
    assert rises(state) == {**{f"n{i}": 0.0 for i in range(1, 7)}, "n2": 5.0}
    assert later.asked.count(("n1", "counter")) == 1
    again(tmp_path, state)


def test_a_first_answer_whose_bytes_are_gone_is_none(tmp_path: Path) -> None:
    state = battle(tmp_path, Counting(), checks=CASES)
    (tmp_path / "evidence/n3/link.out").unlink()
    judged = rejudge(load(tmp_path), CASES, Context({}), partial(read_kept, tmp_path))
    assert {k for k, o in judged.cases.items() if o and o.verdict is not state.cases[k].verdict} == {  # type: ignore[union-attr]
        ("link.counter", "n3"),
        ("link.state", "n3"),
        ("after.counter", "n3"),
    }


def test_the_login_is_timed_with_the_first_script_and_told_only_there(tmp_path: Path) -> None:
    state = battle(tmp_path, Counting(), NODES, CASES)
    told = {(o.stage, e.login_s) for o in state.outcomes if o.nodes == ("n1",) for e in o.evidence}
    assert {stage for stage, login_s in told if login_s == 0.1} == {Stage.REACH}
    assert {login_s for stage, login_s in told if stage is not Stage.REACH} == {None}
    assert replace(load(tmp_path)).cases == state.cases
