"""Judging again without any change says the same about everything, whatever happened in the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.battle import CHECKS, NODES, ONE, Bandwidth, Cluster, Reached, battle

from bringup.check import AnyCheck, Check, Outputs, Plan, run
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Measurement, Node, Stage
from bringup.orchestrator import read_kept, rejudge
from bringup.run import RunState, load


class Refused(Check[Group]):
    """Cannot even be planned, although it would pass."""

    id, stage = "gpu.refused", Stage.GPU
    faults = (Fault("VERSION-MINORITY", "refused", "a"),)

    def plan(self, target: Group, ctx: Context) -> Plan:
        raise CannotJudge("no rule for it", code="NO-PROFILE")

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield Measurement("x", 1.0, "", "fleet", ONE)


class Sometimes(Check[Node]):
    """Sees only after asking that it does not concern the node."""

    id, stage = "gpu.sometimes", Stage.GPU
    faults = (Fault("LINK-DOWN", "other words", "other action"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, Command("count"))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        if out.text(target, Command("count")) == "1":
            raise NotApplicable("nothing to see")
        yield Measurement("x", 1.0, "", target.name, ONE)


def same(folder: Path, state: RunState, checks: Sequence[AnyCheck]) -> None:
    again = rejudge(load(folder), checks, Context({}), lambda e: read_kept(folder, e))
    assert {k: (o.verdict, o.why, o.reason, o.code) for k, o in again.cases.items() if o} == {
        k: (o.verdict, o.why, o.reason, o.code) for k, o in state.cases.items() if o
    }
    assert again.defects == state.defects
    assert again.judge_run() is state.judge_run()
    assert {s: i.counts for s, i in again.stages.items()} == {
        s: {v: n for v, n in i.counts.items() if n} for s, i in state.stages.items()
    }


def ill(node: str, script: str) -> bytes | Ended | None:
    verb, *rest = script.split()
    if verb == "client" and rest[2] == "1" and "n4" in (node, rest[0]):
        return b"187"
    return {
        ("n1", "links"): Ended.TIMEOUT,
        ("n2", "count"): b"\xff\x00",
        ("n5", "links"): b"mlx5_0=1 mlx5_1=0",
        ("n6", "count"): Ended.LOST,
    }.get((node, script))


EVERYTHING = (*CHECKS, Refused(), Sometimes())


@pytest.mark.parametrize("refused", [[], ["n3"], ["n1", "n2", "n3", "n4", "n5"]])
def test_a_run_with_all_kinds_of_trouble(tmp_path: Path, refused: list[str]) -> None:
    state = battle(tmp_path, Cluster(ill, refused=refused), checks=EVERYTHING)
    same(tmp_path, state, EVERYTHING)


def test_a_stopped_and_a_resumed_run(tmp_path: Path) -> None:
    cluster = Cluster()

    def answer(node: str, script: str) -> bytes | Ended | None:
        if (node, script) == ("n4", "links"):
            cluster.stop()
        return ill(node, script)

    cluster.answer = answer
    same(tmp_path, battle(tmp_path, cluster, checks=EVERYTHING), EVERYTHING)
    resumed = battle(tmp_path, Cluster(ill), checks=EVERYTHING, before=load(tmp_path))
    same(tmp_path, resumed, EVERYTHING)


def test_checks_that_did_not_take_part_change_nothing(tmp_path: Path) -> None:
    """Another check's declaration of the same code has other words."""

    class Late(Bandwidth):
        """Declares the same code otherwise."""

        id = "rdma.late"
        faults = (Fault("LINK-DOWN", "x", "y"), Fault("RDMA-BW", "x", "y", explained_by=("LINK-DOWN",)))

    state = battle(tmp_path, Cluster(ill), checks=CHECKS)
    same(tmp_path, state, (*CHECKS, Late(), Sometimes()))


def test_a_node_check_is_judged_on_the_node_whatever_its_name(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(), [Node("fleet"), *NODES[:2]], [Reached()])
    same(tmp_path, state, [Reached()])


def test_evidence_that_is_gone_is_an_error_and_no_crash(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster())
    (tmp_path / "evidence/n2/gpu.out").unlink()
    again = rejudge(load(tmp_path), CHECKS, Context({}), lambda e: read_kept(tmp_path, e))
    changed = {k for k, o in again.cases.items() if o and o.verdict is not state.cases[k].verdict}  # type: ignore[union-attr]
    assert changed == {("gpu.count", "n2")}
    lost = again.cases["gpu.count", "n2"]
    assert lost is not None
    assert (lost.verdict.value, "n2/gpu.out" in lost.reason) == ("error", True)


def test_evidence_that_was_cut_is_not_judged(tmp_path: Path) -> None:
    battle(tmp_path, Cluster(lambda n, s: b"10" if s == "links" else None), checks=CHECKS)
    battle_of = tmp_path / "evidence/n2/link.out"
    battle_of.write_bytes(battle_of.read_bytes()[:-1])
    again = rejudge(load(tmp_path), CHECKS, Context({}), lambda e: read_kept(tmp_path, e))
    cut = again.cases["link.state", "n2"]
    assert cut is not None
    assert (cut.verdict.value, "not whole" in cut.reason) == ("error", True)
