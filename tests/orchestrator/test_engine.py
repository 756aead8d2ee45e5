"""The engine with invented checks and connections: gates, quarantine, rounds, losses, stopping, resuming."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.battle import CHECKS, COUNT, NODES, Cluster, battle, verdicts

from bringup import events as ev
from bringup.commands import Ended
from bringup.context import Context
from bringup.journal import read
from bringup.model import Node, RunVerdict, Verdict, Why
from bringup.orchestrator import read_kept, rejudge
from bringup.report.verdict import ready_nodes
from bringup.run import load


def test_a_healthy_fleet_is_ready_and_each_stage_is_one_script_per_node(tmp_path: Path) -> None:
    cluster = Cluster()
    state = battle(tmp_path, cluster)
    assert state.verdict is RunVerdict.READY
    assert {o.verdict for o in state.outcomes} == {Verdict.PASS}
    assert len(state.outcomes) == 6 * 4 + 1 + 3 * 3 * 2
    assert cluster.asked.count(("n1", "hello")) == 1
    assert len(cluster.scripts) == 6 * 3 + 3 * 3 * 2
    assert load(tmp_path).cases == state.cases
    assert state.working == set()


def test_planned_comes_before_anything_runs(tmp_path: Path) -> None:
    battle(tmp_path, Cluster())
    kinds = [type(e).__name__ for e in read(tmp_path / "journal.jsonl")]
    assert max(i for i, k in enumerate(kinds) if k == "Planned") < kinds.index("StageStarted")
    assert kinds[0] == "RunStarted"
    assert kinds[-1] == "RunEnded"


def test_an_unreachable_node_is_named_once_and_disturbs_nobody(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(refused=["n3"]))
    assert state.verdict is RunVerdict.INCOMPLETE
    assert verdicts(state, "reach.connect")["n3"] == "error"
    assert verdicts(state, "reach.tools")["n3"] == "not-run quarantined"
    assert verdicts(state, "gpu.count")["n3"] == "not-run quarantined"
    pairs = verdicts(state, "rdma.write-bw")
    assert {v for t, v in pairs.items() if "n3" in t} == {"not-run quarantined"}
    assert {v for t, v in pairs.items() if "n3" not in t} == {"pass"}
    assert [(d.code, d.nodes) for d in state.defects] == [("NODE-UNREACHABLE", ("n3",))]
    assert set(state.nodes) - ready_nodes(state) == {"n3"}


def test_partners_left_alone_meet_each_other(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(refused=["n3", "n4"]))
    met = {
        o.target.split(" rail")[0]
        for o in state.outcomes
        if o.check == "rdma.write-bw" and o.verdict is Verdict.PASS
    }
    for name in ("n1", "n2", "n5", "n6"):
        assert sum(name in pair.split(" ~ ") for pair in met) >= 2


def test_a_failed_gate_sends_the_node_away_and_a_failed_port_only_the_port(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        if (node, script) == ("n2", "count"):
            return b"0"
        return b"mlx5_0=1 mlx5_1=0" if (node, script) == ("n5", "links") else None

    state = battle(tmp_path, Cluster(answer))
    assert state.verdict is RunVerdict.NOT_READY
    assert verdicts(state, "link.state")["n2"] == "not-run quarantined"
    pairs = verdicts(state, "rdma.write-bw")
    assert {v for t, v in pairs.items() if "n2" in t} == {"not-run quarantined"}
    assert {v for t, v in pairs.items() if "n5" in t and "n2" not in t and t.endswith("1")} == {
        "not-run quarantined"
    }
    assert {v for t, v in pairs.items() if "n5" in t and "n2" not in t and t.endswith("0")} == {"pass"}
    assert sorted((d.code, d.component) for d in state.defects) == [
        ("GPU-MISSING", "n2"),
        ("LINK-DOWN", "n5/hca/mlx5_1/port/1"),
        ("VERSION-MINORITY", "fleet"),
    ]


def test_not_applicable_leaves_a_run_ready(tmp_path: Path) -> None:
    nodes = (*NODES, Node("c1", tags=("cpu",)))
    checks = [c for c in CHECKS if c.id in ("reach.connect", "gpu.count")]
    state = battle(tmp_path, Cluster(), nodes, checks)
    assert state.verdict is RunVerdict.READY
    assert verdicts(state, "gpu.count")["c1"] == "not-run not-applicable"


def test_a_node_lost_in_the_middle_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> Ended | None:
        return Ended.LOST if (node, script) == ("n4", "count") else None

    state = battle(tmp_path, Cluster(answer))
    assert state.verdict is RunVerdict.INCOMPLETE
    assert verdicts(state, "gpu.count") == {**{f"n{i}": "pass" for i in range(1, 7)}, "n4": "error"}
    assert [(d.code, d.nodes) for d in state.defects] == [("NODE-LOST", ("n4",))]


@pytest.mark.parametrize("ended", [Ended.TIMEOUT, Ended.MISSING])
def test_a_hanging_or_missing_tool_is_never_a_pass(tmp_path: Path, ended: Ended) -> None:
    state = battle(tmp_path, Cluster(lambda n, s: ended if (n, s) == ("n1", "links") else None))
    assert state.verdict is RunVerdict.INCOMPLETE
    assert verdicts(state, "link.state")["n1"] == "error"
    assert len(state.defects) == 1


def test_a_slow_port_is_blamed_alone(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        return b"187" if verb == "client" and rest[2] == "1" and "n4" in (node, rest[0]) else None

    state = battle(tmp_path, Cluster(answer))
    assert [(d.code, d.component) for d in state.defects] == [("RDMA-BW", "n4/hca/mlx5_1/port/1")]


def test_stopping_leaves_a_complete_journal_and_resume_finishes_with_the_same_verdicts(
    tmp_path: Path,
) -> None:
    def slow(node: str, script: str) -> bytes | None:
        bad = script.startswith("client") and script.endswith("1") and "n4" in (node, script.split()[1])
        return b"187" if bad else None

    stopped = Cluster()

    def answer(node: str, script: str) -> bytes | None:
        if (node, script) == ("n2", "links"):
            stopped.stop()
        return slow(node, script)

    stopped.answer = answer
    state = battle(tmp_path, stopped)
    assert (state.aborted, state.verdict) == ("interrupted", RunVerdict.INCOMPLETE)
    assert state.missing == []
    assert {o.why for o in state.outcomes if o.verdict is Verdict.NOT_RUN} == {Why.ABORTED}
    again = Cluster(slow)
    resumed = battle(tmp_path, again, before=load(tmp_path))
    fresh = battle(tmp_path / "fresh", Cluster(slow)) if (tmp_path / "fresh").mkdir() is None else None
    assert fresh is not None
    assert {k: o.verdict for k, o in resumed.cases.items() if o} == {
        k: o.verdict for k, o in fresh.cases.items() if o
    }
    assert [(d.code, d.component) for d in resumed.defects] == [("RDMA-BW", "n4/hca/mlx5_1/port/1")]
    assert resumed.verdict is RunVerdict.NOT_READY
    assert not [s for _, s in again.asked if s in ("hello", "count")]
    assert load(tmp_path).cases == resumed.cases


def test_a_display_that_raises_is_dropped_and_the_run_goes_on(tmp_path: Path) -> None:
    def bad(event: ev.AnyEvent) -> None:
        raise RuntimeError("no screen")

    state = battle(tmp_path, Cluster(), listeners=[bad])
    assert state.verdict is RunVerdict.READY
    assert [text for _, text in state.notes] == ["a display was dropped: RuntimeError('no screen')"]


def test_evidence_holds_the_bytes_that_were_judged(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(lambda n, s: b"1\x00\xff" if s == "count" else None))
    outcome = state.cases["gpu.count", "n1"]
    assert outcome is not None
    (e,) = outcome.evidence
    kept = (tmp_path / e.file).read_bytes()[e.offset : e.offset + e.stdout_bytes]
    assert (outcome.verdict, kept, e.command) == (Verdict.ERROR, b"1\x00\xff", COUNT)


def test_judging_again_gives_the_same_verdicts_and_defects(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | Ended | None:
        verb, *rest = script.split()
        if verb == "client" and rest[2] == "1" and "n4" in (node, rest[0]):
            return b"187"
        return Ended.TIMEOUT if (node, script) == ("n1", "links") else None

    state = battle(tmp_path, Cluster(answer, refused=["n6"]))
    again = rejudge(load(tmp_path), CHECKS, Context({}), lambda e: read_kept(tmp_path, e))
    assert {k: (o.verdict, o.reason) for k, o in again.cases.items() if o} == {
        k: (o.verdict, o.reason) for k, o in state.cases.items() if o
    }
    assert again.defects == state.defects
    assert again.verdict is state.verdict
