"""Steady commands: asked once before the load, judged in every stage that wants them, never instead of a lost answer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.battle import NODES, ONE, Cluster, battle, verdicts
from support.records import replace

from bringup.check import AnyCheck, Check, Outputs, Plan, run
from bringup.commands import Command, Ended, Evidence, is_steady, steady
from bringup.context import Context
from bringup.defects import Fault
from bringup.fleet import Job
from bringup.model import Finding, Measurement, Node, RunVerdict, Stage
from bringup.orchestrator import read_kept, rejudge
from bringup.orchestrator.standing import HOLDS_S, Standing
from bringup.run import RunState, load

STEADY = steady(Command("count all"))
FRESH = Command("count fresh")


def check(stage: Stage) -> AnyCheck:
    """A check of this stage that wants the steady answer, and one of its own."""

    class Wants(Check[Node]):
        """The answers are one."""

        faults = (Fault("GPU-MISSING", "t", "a"),)

        def plan(self, target: Node, ctx: Context) -> Plan:
            return run(target, STEADY, FRESH)

        def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
            for command in (STEADY, FRESH):
                yield Measurement(command.script, float(out.text(target, command)), "", target.name, ONE)

    found = Wants()
    found.id, found.stage = f"{stage.value}.wants", stage  # type: ignore[misc]
    return found


STAGES = (Stage.PCIE, Stage.GPU, Stage.NVLINK, Stage.PERF, Stage.AFTER)
CHECKS = tuple(check(stage) for stage in STAGES)


def play(tmp_path: Path, cluster: Cluster, before: RunState | None = None) -> RunState:
    return battle(tmp_path, cluster, NODES[:2], CHECKS, before)


def asked(cluster: Cluster, node: str = "n1") -> list[str]:
    return [script.removeprefix("count ") for name, script in cluster.asked if name == node]


def test_asked_once_before_the_load_and_at_every_stage_from_then_on(tmp_path: Path) -> None:
    cluster = Cluster()
    state = play(tmp_path, cluster)
    assert state.verdict is RunVerdict.READY
    assert len(state.outcomes) == len(STAGES) * 2
    assert asked(cluster) == ["all", "fresh", "fresh", "fresh", "all", "fresh", "all", "fresh"]
    files = {o.check: [e.file for e in o.evidence] for o in state.outcomes if o.target == "n2"}
    assert files["gpu.wants"] == ["evidence/n2/pcie.out", "evidence/n2/gpu.out"]
    assert files["after.wants"] == ["evidence/n2/after.out"] * 2
    again = rejudge(load(tmp_path), CHECKS, Context({}), partial(read_kept, tmp_path))
    assert again.cases == state.cases


@pytest.mark.parametrize("lost", [Ended.TIMEOUT, Ended.LOST])
def test_an_answer_that_did_not_come_is_asked_for_again(tmp_path: Path, lost: Ended) -> None:
    cluster = Cluster()
    cluster.answer = lambda node, script: lost if (node, len(cluster.asked)) == ("n1", 1) else None
    state = battle(tmp_path, cluster, NODES[:1], CHECKS)
    assert asked(cluster)[:4] == ["all", "fresh", "all", "fresh"]
    assert verdicts(state, "pcie.wants") == {"n1": "error"}
    assert verdicts(state, "gpu.wants") == {"n1": "pass"}


def test_a_resumed_run_asks_again(tmp_path: Path) -> None:
    first = Cluster()
    first.answer = lambda node, script: first.stop() if len(asked(first)) == 3 else None
    play(tmp_path, first)
    second = Cluster()
    state = play(tmp_path, second, load(tmp_path))
    assert state.verdict is RunVerdict.READY
    assert asked(second)[0] == "all"


def test_a_kept_answer_that_is_gone_is_asked_for_again(tmp_path: Path) -> None:
    cluster = Cluster()

    def spoil(node: str, script: str) -> None:
        if len(cluster.asked) == 3:  # in stage gpu: what stage pcie was told stands until then
            (tmp_path / "evidence/n1/pcie.out").write_bytes(b"")

    cluster.answer = spoil
    state = battle(tmp_path, cluster, NODES[:1], CHECKS[:3])
    assert asked(cluster) == ["all", "fresh", "fresh", "all", "fresh"]
    assert verdicts(state, "nvlink.wants") == {"n1": "pass"}


def test_a_check_that_compares_is_never_given_the_answer_that_it_compares_with(tmp_path: Path) -> None:
    late = check(Stage.NVLINK)
    late.compares = True  # type: ignore[misc]
    cluster = Cluster()
    battle(tmp_path, cluster, NODES[:1], (*CHECKS[:2], late))
    assert asked(cluster) == ["all", "fresh", "fresh", "all", "fresh"]


def test_that_a_command_is_steady_is_no_part_of_it() -> None:
    assert Command("count all") == STEADY
    assert is_steady(Command("count all")) and not is_steady(FRESH)


def test_what_is_old_is_asked_again(tmp_path: Path) -> None:
    now = 1000.0
    (tmp_path / "evidence/n1").mkdir(parents=True)
    (tmp_path / "evidence/n1/pcie.out").write_bytes(b"1")
    standing = Standing(tmp_path, lambda: now)
    evidence = Evidence(
        "n1", "evidence/n1/pcie.out", STEADY, Ended.EXITED, 0, 0.1, now - HOLDS_S + 1, 0, 1, 0
    )
    job = Job(NODES[0], (STEADY, FRESH))
    standing.keep(Stage.PCIE, evidence)
    assert standing.shortened(Stage.GPU, [job]) == [replace(job, commands=(FRESH,))]
    assert [(o.stdout, e) for o, e in standing.recall("n1")] == [(b"1", evidence)]
    assert standing.recall("n1") == []
    standing.keep(Stage.PCIE, replace(evidence, at=now - HOLDS_S - 1))
    assert standing.shortened(Stage.GPU, [job]) == [job]


@pytest.mark.parametrize(
    "changed",
    [{"status": 9}, {"truncated": True}, {"ended": Ended.TIMEOUT}, {"command": FRESH}],
    ids=["failed", "cut", "late", "not steady"],
)
def test_only_whole_and_good_answers_stand(changed: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    standing = Standing(tmp_path, lambda: 0.0)
    evidence = Evidence("n1", "f", STEADY, Ended.EXITED, 0, 0.1, 0.0, 0, 1, 0)
    standing.keep(Stage.PCIE, replace(evidence, **changed))  # type: ignore[arg-type]
    job = Job(NODES[0], (STEADY, FRESH))
    assert standing.shortened(Stage.GPU, [job]) == [job]
