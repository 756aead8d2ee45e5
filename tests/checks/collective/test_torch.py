"""The collectives of GPUs over PyTorch (fact `collective.binary` is torch).

The reports have the form of those of the program over gloo; figures of NCCL and its errors are invented, its log lines
are those of the corpus and of NVIDIA's documentation.
"""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Pair, Verdict

FACTS = {
    "collective.binary": "torch", "collective.mpirun": "mpirun", "perf.python": "/opt/py/bin/python3", "gpu.count": 2,
    "gpu.vendor": "nvidia", "fabric.hcas": ["mlx5_0", "mlx5_1"],
}  # fmt: skip
LIMITS = {"collective.wrong": ("==", 0, "values"), "collective.pair.all_reduce": (">=", 440, "GB/s")}
DONE = {
    "backend": "nccl",
    "step": "out farewell",
    "size": 1 << 31,
    "busbw_gbs": 470.25,
    "pace_ms": 2.1,
    "wrong": 0,
}


@pytest.fixture
def pair(make_node) -> Pair:
    return Pair(make_node(), make_node(name="gpu-002", address="192.0.2.2"))


@pytest.fixture
def check(load_check):
    return load_check("collective/pair.py")


@pytest.fixture
def judge(check, pair, make_context, make_outputs):
    def judge(*said):
        ctx = make_context(LIMITS, FACTS)
        steps = check.plan(pair, ctx).steps
        given = {(s.node.name, s.command): text for s, text in zip(steps, said, strict=True)}
        return judged(check, pair, make_outputs(given), ctx)

    return judge


def report(
    node: int, *ranks: dict[str, object], why: str = "", named: tuple[int, ...] = (), log: str = ""
) -> str:
    """What the node prints: NCCL's lines, then the report with its two ranks."""
    host = f"gpu-00{node + 1}"
    entries = [{"rank": 2 * node + k, "host": host, **entry} for k, entry in enumerate(ranks)]
    body: dict[str, object] = {"bringup_collective": 1, "node": node, "host": host, "ranks": entries}
    if node == 0:
        steps = ["in rendezvous" if why else "done"] * 4
        body["meeting"] = {"why": why, "named": list(named), "steps": steps}
    return log.replace("HOST", host) + json.dumps(body) + "\n"


def both(*, log: str = "", **more: object) -> tuple[str, str]:
    return tuple(report(n, DONE | more, DONE | more, log=log) for n in (0, 1))  # type: ignore[return-value]


def test_every_node_starts_its_own_ranks_over_the_planned_ports(check, pair, make_context) -> None:
    steps = check.plan(pair, make_context(LIMITS, FACTS)).steps
    assert [step.node.name for step in steps] == ["gpu-001", "gpu-002"]
    for n, step in enumerate(steps):
        assert (
            f"--node {n} --nodes 2 --meet 192.0.2.1:18515 --backend nccl --processes 2 --mib 2048"
            in step.command.script
        )
        assert "NCCL_IB_HCA==mlx5_0,mlx5_1" in step.command.script.replace("'", "")
        assert step.command.needs == ("/opt/py/bin/python3",)


def test_good_slow_and_wrong(judge, values) -> None:
    outcome = judge(*both())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert [(m.name, m.value, m.at, m.ok) for m in outcome.measurements] == [
        ("wrong", 0, "gpu-001 ~ gpu-002", True),
        ("busbw", 470.25, "gpu-001 ~ gpu-002", True),
    ]
    slow = judge(report(0, DONE, DONE), report(1, DONE, DONE | {"busbw_gbs": 200.0}))
    assert [(m.name, m.value, m.ok) for m in slow.measurements] == [
        ("wrong", 0, True),
        ("busbw", 200.0, False),
    ]
    wrong = judge(*both(wrong=7))
    assert [(m.name, m.value, m.ok) for m in wrong.measurements] == [
        ("wrong", 7, False),
        ("busbw", 470.25, True),
    ]


def test_the_way_of_each_node_is_in_its_own_text(judge) -> None:
    head = "HOST:11:12 [0] NCCL INFO "
    good = f"{head}NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_1:1/IB [RO]; OOB eth0:192.0.2.1<0>\n{head}Using network IB\n"
    outcome = judge(
        report(0, DONE, DONE, log=good), report(1, DONE, DONE, log=f"{head}Using network Socket\n")
    )
    said = "the data goes over TCP sockets (NET/Socket), not over the fabric ports"
    assert outcome.findings == (Finding("COLL-TRANSPORT", said, "gpu-002"),)
    assert [(m.name, m.limit is None) for m in outcome.measurements] == [("wrong", False), ("busbw", True)]


def test_a_rank_that_cannot_begin_is_named_and_one_that_was_told_of_a_broken_way_is_not(judge) -> None:
    why = "failed: RuntimeError: CUDA error: uncorrectable ECC error encountered"
    came = {"step": "came"}
    outcome = judge(
        report(0, came | {"stopped": why}, came | {"stopped": why}, why=why, named=(3,)).replace(
            '"in rendezvous"', '"came"'
        ),
        report(1, came | {"stopped": why}, came | {"error": why[8:]}),
    )
    assert outcome.verdict is Verdict.FAIL and outcome.measurements == ()
    assert [(f.code, f.at) for f in outcome.findings] == [("COLL-FAILED", "gpu-002")]
    told = "failed: DistBackendError: NCCL error: remote process exited or there was a network error"
    outcome = judge(
        report(0, came | {"error": told[8:]}, came | {"stopped": told}, why=told, named=(0,)),
        report(1, came | {"stopped": told}, came | {"stopped": told}),
    )
    assert [(f.code, f.at) for f in outcome.findings] == [("COLL-FAILED", "gpu-001 ~ gpu-002")]


def test_a_node_without_pytorch_lacks_a_tool(judge) -> None:
    why = "failed: ModuleNotFoundError: No module named 'torch'"
    came = {"step": "came"}
    outcome = judge(
        report(0, came | {"stopped": why}, came | {"stopped": why}, why=why, named=(2,)).replace(
            '"in rendezvous"', '"came"'
        ),
        report(1, came | {"error": why[8:]}, came | {"stopped": why}),
    )
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "TOOL-MISSING", "gpu-002")
    assert "torch" in outcome.reason


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ((report(0, DONE, DONE), report(1, DONE)), "3 of 4 ranks told their result"),
        ((report(0, DONE, DONE), report(1, DONE, DONE).replace("gpu-002", "gpu-001")), "the ranks ran on 1 hosts, needed 2"),
        ((report(0, DONE, DONE), "Killed\n"), "gpu-002: bringup's collective printed no report: 'Killed'"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_no_pass(judge, said, reason) -> None:
    outcome = judge(*said)
    assert (outcome.verdict, outcome.measurements, outcome.findings) == (Verdict.ERROR, (), ())
    assert reason in outcome.reason


def test_that_hangs(judge, answer) -> None:
    outcome = judge(
        answer("", ended=Ended.TIMEOUT),
        report(1, {"stopped": "node 0 is gone"}, {"stopped": "node 0 is gone"}),
    )
    assert outcome.verdict is Verdict.ERROR


def test_one_node_meets_itself_and_tests_of_nccl_tests_alone_do_not_apply(
    load_check, make_node, make_context
) -> None:
    node, ctx = (
        make_node(),
        make_context({**LIMITS, "collective.node.all_reduce": (">=", 460, "GB/s")}, FACTS),
    )
    (step,) = load_check("collective/node.py").plan(node, ctx).steps
    assert "--node 0 --nodes 1" in step.command.script and "NCCL_IB_HCA" not in step.command.script
    for name in ("perf/collectives.py", "soak/collective.py"):
        with pytest.raises(NotApplicable, match="has no nccl-tests"):
            load_check(name).plan(node, ctx)
