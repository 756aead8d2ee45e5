"""collective.rail, collective.sendrecv and collective.alltoall: how they are called, their floors, and what they say.

The logs are those of the corpus, with groups and figures put in: no log of a split job over two nodes is at hand.
"""

from __future__ import annotations

import re

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Pair, Verdict, Why

FACTS = {
    "gpu.count": 8, "gpu.vendor": "nvidia", "collective.binary": "/opt/nccl-tests/all_reduce_perf",
    "collective.mpirun": "mpirun", "fabric.hcas": ["mlx5_0", "mlx5_3"],
}  # fmt: skip
LIMITS = {"collective.wrong": ("==", 0, "values"), "rdma.write_bw": (">=", 380, "Gb/s")}
H100 = "nccl-tests/19-allreduce-16gpu-h100-machinefile-preamble.txt"
EACH = 380 / 8 * 2 / 8 * 0.85
"""GB/s that two ports of 380 Gb/s must give each of eight GPUs."""


@pytest.fixture
def pair(make_node) -> Pair:
    return Pair(make_node(rack="R01"), make_node(name="gpu-002", address="192.0.2.2", rack="R01"))


@pytest.fixture
def judge(load_check, pair, make_context, make_outputs):
    def judge(name: str, text: str, **facts):
        check, ctx = load_check(f"collective/{name}.py"), make_context(LIMITS, {**FACTS, **facts})
        (step,) = check.plan(pair, ctx).steps
        return judged(check, pair, make_outputs({step.command: text}), ctx)

    return judge


def split(text: str) -> str:
    """Every rank in the group of its number modulo 8."""
    return re.sub(r"Rank +(\d+) Group +\d+", lambda m: f"Rank {m[1]:>2} Group {int(m[1]) % 8:>2}", text)


@pytest.mark.parametrize(
    ("name", "program", "per_rail"),
    [
        ("rail", "all_reduce_perf", True),
        ("sendrecv", "sendrecv_perf", True),
        ("alltoall", "alltoall_perf", False),
    ],
)
def test_the_plan(load_check, pair, make_context, name, program, per_rail) -> None:
    check = load_check(f"collective/{name}.py")
    (step,) = check.plan(pair, make_context(LIMITS, FACTS)).steps
    assert (check.per_rail, check.level.value, step.node.name) == (False, "full", "gpu-001")
    assert f" /opt/nccl-tests/{program} -b 8G -e 8G -g 1 " in step.command.script
    split_by = " -x NCCL_TESTS_SPLIT='MOD 8' -x NCCL_MNNVL_ENABLE=0 "
    assert (split_by in step.command.script, step.command.script.endswith(" -a 3\n")) == (per_rail, per_rail)
    slurm = make_context(LIMITS, {**FACTS, "collective.mpirun": "srun"})
    (step,) = check.plan(pair, slurm).steps
    assert (" NCCL_TESTS_SPLIT='MOD 8' NCCL_MNNVL_ENABLE=0 srun " in step.command.script) == per_rail
    hydra = make_context(LIMITS, {**FACTS, "collective.mpirun": "mpiexec.hydra"})
    first, _ = check.plan(pair, hydra).steps
    assert (" -genv NCCL_TESTS_SPLIT 'MOD 8' " in first.command.script) == per_rail


@pytest.mark.parametrize(("name", "floor"), [("rail", EACH), ("sendrecv", EACH), ("alltoall", EACH * 15 / 8)])
def test_the_floor_is_what_the_ports_must_carry(judge, corpus_text, name, floor) -> None:
    outcome = judge(name, split(corpus_text(H100)))
    (busbw,) = (m for m in outcome.measurements if m.name == "busbw")
    assert busbw.limit is not None
    assert (outcome.verdict, busbw.limit.value) == (Verdict.PASS, round(floor, 1))
    assert busbw.code == "COLL-BUSBW"


def test_below_it_fails(judge, corpus_text) -> None:
    text = corpus_text(H100)
    slow = re.sub(
        r"(?m)^( +\d+ +\d+ +\w+ +\w+ +-?\d+ +)[\d.]+ +[\d.]+ +[\d.]+", r"\g<1>999999 5.00 4.20", text
    )
    assert slow != text
    for name in ("rail", "sendrecv", "alltoall"):
        assert judge(name, split(slow)).verdict is Verdict.FAIL


@pytest.mark.parametrize("name", ["rail", "sendrecv"])
def test_a_program_that_did_not_split_the_job_has_measured_something_else(judge, corpus_text, name) -> None:
    outcome = judge(name, corpus_text(H100))
    assert (outcome.verdict, outcome.why, outcome.measurements) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE, ())
    assert "NCCL_TESTS_SPLIT" in outcome.reason


def test_what_needs_none_of_it(load_check, pair, make_context) -> None:
    def plan(name: str, **facts):
        return load_check(f"collective/{name}.py").plan(pair, make_context(LIMITS, {**FACTS, **facts}))

    with pytest.raises(NotApplicable, match="NVLink joins"):
        plan("alltoall", **{"nvlink.domain_nodes": 18})
    assert plan("rail", **{"nvlink.domain_nodes": 18}).steps, "with NVLink between the nodes turned off"
    for name in ("rail", "sendrecv"):
        with pytest.raises(NotApplicable, match="rccl-tests"):
            plan(name, **{"gpu.vendor": "amd"})
    for name in ("rail", "sendrecv", "alltoall"):
        with pytest.raises(NotApplicable, match="nccl-tests"):
            plan(name, **{"collective.binary": "torch", "perf.python": "python3"})
        with pytest.raises(NotApplicable, match="no fabric ports"):
            plan(name, **{"fabric.hcas": []})
