"""collective.job: one mpirun over many nodes, and a floor that follows from their ports and their number."""

from __future__ import annotations

import pytest

from bringup.errors import CannotJudge, NotApplicable
from bringup.judging import judged
from bringup.model import Group, Verdict
from bringup.parsers.nccl_tests import all_reduce_pair

FACTS = {
    "gpu.count": 8,
    "collective.binary": "all_reduce_perf",
    "collective.mpirun": "mpirun",
    "fabric.hcas": [f"mlx5_{k}" for k in range(8)],
}
LIMITS = {
    "collective.wrong": ("==", 0, "values"),
    "collective.pair.all_reduce": (">=", 440, "GB/s"),
    "rdma.write_bw": (">=", 380, "Gb/s"),
}
H100 = "nccl-tests/19-allreduce-16gpu-h100-machinefile-preamble.txt"


@pytest.fixture
def check(load_check):
    return load_check("collective/job.py")


@pytest.fixture
def group(make_node):
    def group(count: int) -> Group:
        return Group(
            "all job",
            tuple(make_node(name=f"gpu-{k:03}", address=f"192.0.2.{k}") for k in range(1, count + 1)),
        )

    return group


@pytest.fixture
def judge(check, group, make_context, make_outputs):
    def judge(count: int, said, facts=FACTS):
        ctx = make_context(LIMITS, facts)
        target = group(count)
        (step,) = check.plan(target, ctx).steps
        return judged(check, target, make_outputs({step.command: said}), ctx)

    return judge


def test_the_plan_starts_one_job_over_all_from_the_first(check, group, make_context) -> None:
    (step,) = check.plan(group(4), make_context(LIMITS, FACTS)).steps
    hosts = tuple(f"192.0.2.{k}" for k in range(1, 5))
    assert step.node.name == "gpu-001"
    assert step.command == all_reduce_pair("mpirun", "all_reduce_perf", hosts, 8, tuple(FACTS["fabric.hcas"]))
    assert check.jobs


def test_one_node_is_no_job(check, group, make_context) -> None:
    with pytest.raises(NotApplicable):
        check.plan(group(1), make_context(LIMITS, FACTS))


def test_the_floor_is_what_ports_or_a_pair_allow(judge, corpus_text) -> None:
    outcome = judge(2, corpus_text(H100))
    assert outcome.verdict is Verdict.PASS
    (speed,) = [m.limit for m in outcome.measurements if m.name == "busbw"]
    assert (
        speed is not None and speed.value == 440
    )  # two nodes: 380/8 x 0.85 x 15 = 606 is more than a pair must
    few = judge(2, corpus_text(H100), {**FACTS, "fabric.hcas": ["mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3"]})
    (speed,) = [m.limit for m in few.measurements if m.name == "busbw"]
    assert speed is not None and speed.value == 302.8  # half of the ports: 380/8 x 0.5 x 0.85 x 15


def test_a_job_on_other_nodes_than_asked_for_judges_nothing(judge, corpus_text) -> None:
    outcome = judge(4, corpus_text(H100))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "COLL-SETUP")
    assert outcome.reason == "all_reduce ran with 16 ranks on 16 GPUs of 2 nodes, needed 32 on 4 nodes"


def test_nodes_of_different_kinds(check, group, make_node, make_context) -> None:
    ctx = make_context(LIMITS, FACTS)
    mixed = type(ctx)(
        rules={**ctx.rules, "four": make_context(LIMITS, {**FACTS, "gpu.count": 4}).rules["test"]}
    )
    target = Group("all job", (*group(3).members, make_node(name="gpu-009", profile="four")))
    with pytest.raises(CannotJudge, match="gpu-001, gpu-002 and 2 more have different numbers of GPUs"):
        check.plan(target, mixed)
