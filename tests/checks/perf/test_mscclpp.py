"""perf.mscclpp: its log and its file. The logs are invented, in the layout of test/mscclpp-test/common.cc; the figures of
the file are of the corpus."""

from __future__ import annotations

import pytest

from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers import mscclpp_test

FACTS = {"gpu.count": 8, "collective.mpirun": "mpirun", "mscclpp.binary": "/opt/mscclpp/allreduce_test_perf"}
LIMITS = {"collective.wrong": ("==", 0, "values")}
_JOB = '{"name":"allreduce", "kernel":6, "ranks":8, "ranksPerNode":8,'
RESULT = _JOB + '  "algBw":3.98,  "busBw":6.96,   "size":24576,      "time":6.18}'
LARGER = _JOB + '  "algBw":7.42,  "busBw":12.99,  "size":49152,      "time":6.62}'
UNTOLD = "mscclpp-test did not say how many results of 2 ranks are wrong"


def log(*wrong: str, ranks: int = 8, end: str = "# Out of bounds values : 0 OK\n#\n") -> str:
    text = "# minBytes 24576 maxBytes 49152 step: 2(factor) warmup iters: 10 iters: 20 validation: 1 graph: 15 kernel num: 6\n"
    text += "#\n# Using devices\n"
    for rank in range(ranks):
        text += f"#  Rank {rank:2d} Pid {4711 + rank:6d} on    gpu-001 device {rank:2d} [00000000:{rank + 1:02x}:00.0]"
        text += " NVIDIA H100 80GB HBM3\n"
    text += "#\n# Initializing MSCCL++\n# Setting up the connection in MSCCL++\n#\n"
    text += "#                                        in-place                       out-of-place\n"
    text += "#       size         count     time   algbw   busbw  #wrong     time   algbw   busbw  #wrong\n"
    text += "#        (B)    (elements)     (us)  (GB/s)  (GB/s)             (us)  (GB/s)  (GB/s)\n"
    for size, count in zip((24576, 49152), wrong, strict=False):
        text += f"{size:12d}  {size // 4:12d}  {'6.18':>7}  {'3.98':>6}  {'6.96':>6}  {count:>5}\n"
    return f"{text}\n{end}"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs, answer):
    def judge(text, limits=None, status=0, stderr="", **facts):
        context = make_context({**LIMITS, **(limits or {})}, {**FACTS, **facts})
        check = load_check("perf/mscclpp.py")
        (step,) = check.plan(node, context).steps
        said = answer(text, status=status, stderr=stderr)
        return judged(check, node, make_outputs({step.command: said}), context)

    return judge


def test_a_good_node(judge, values) -> None:
    outcome = judge(f"{log('0', '0')}{RESULT}\n{LARGER}\n")
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("mscclpp wrong", "gpu-001", 0, True),
        ("mscclpp allreduce busbw", "gpu-001", 12.99, True),
    ]


def test_a_floor_of_the_profile(judge) -> None:
    outcome = judge(f"{log('0', '0')}{RESULT}\n{LARGER}\n", {"perf.mscclpp": (">=", 13, "GB/s")})
    assert [(m.code, m.value) for m in outcome.measurements if not m.ok] == [("COLL-OPS-BW", 12.99)]


def test_wrong_results(judge) -> None:
    bad = log("0", "48", end="# Out of bounds values : 3 FAILED\n#\n")
    outcome = judge(f"{bad}{RESULT}\n{LARGER}\n", status=1)
    assert outcome.verdict is Verdict.FAIL
    assert [(m.code, m.value) for m in outcome.measurements if not m.ok] == [("COLL-OPS-WRONG", 48)]


def test_a_test_that_breaks_off(judge, found) -> None:
    said = "terminate called after throwing an instance of 'mscclpp::CudaError'"
    outcome = judge(f"{log('0', end='')}{RESULT}\n", status=134, stderr=said)
    assert found(outcome) == [("fail", "COLL-OPS-FAILED", "gpu-001")]
    assert outcome.findings[0].message == f"mscclpp-test ended with status 134: {said}"


@pytest.mark.parametrize(
    ("text", "status", "code", "reason"),
    [
        ("", 213, "COLL-OPS-FAILED", "the test did not begin: status 213"),
        ("mpirun: not an MPI\n", 1, "COLL-OPS-FAILED", "the test did not begin: mpirun: not an MPI"),
        (log("0", ranks=1), 0, "", "mscclpp-test ran on 1 ranks, needed 8"),
        (log("0", "0", end="") + RESULT, 0, "OUTPUT-UNKNOWN", "mscclpp-test: the log has no closing line: it is cut off"),
        (log("0", "0") + RESULT, 0, "OUTPUT-UNKNOWN", "mscclpp-test: 1 results for 2 sizes: its file is cut off"),
        (log("0", "0") + RESULT + "\n" + LARGER[:40], 0, "OUTPUT-UNKNOWN", ""),
        (log("0", "0"), 0, "OUTPUT-UNKNOWN", "mscclpp-test wrote no result"),
        (log("0", "0") + RESULT, 139, "", "mscclpp-test found no mistake and ended with status 139"),
        (log("0", "", end="# Out of bounds values : 2 FAILED\n"), 1, "", UNTOLD),
        (log("0", "0", end="# Out of bounds values : 2 FAILED\n"), 1, "", UNTOLD),
    ],
)  # fmt: skip
def test_what_tells_nothing_is_no_pass(judge, text, status, code, reason) -> None:
    outcome = judge(text, status=status)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, code)
    assert reason in outcome.reason


def test_only_where_the_profile_names_it(load_check, node, make_context) -> None:
    check = load_check("perf/mscclpp.py")
    for facts in ({**FACTS, "gpu.count": 1}, {k: v for k, v in FACTS.items() if k != "mscclpp.binary"},
                  {**FACTS, "collective.mpirun": "/usr/bin/srun"}):  # fmt: skip
        with pytest.raises(NotApplicable):
            check.plan(node, make_context(LIMITS, facts))


@pytest.mark.parametrize("options", ["-k 6; reboot", "-o /etc/passwd", "-b $(id)", "'-k 6'", 6])
def test_options_are_sizes_and_numbers(load_check, node, make_context, options) -> None:
    with pytest.raises(NoLimit, match=r"mscclpp\.options"):
        load_check("perf/mscclpp.py").plan(node, make_context(LIMITS, {**FACTS, "mscclpp.options": options}))


def test_the_command(load_check, node, make_context) -> None:
    facts = {**FACTS, "mscclpp.options": "-b 3G -e 3G -k 2"}
    (step,) = load_check("perf/mscclpp.py").plan(node, make_context(LIMITS, facts)).steps
    assert "mpirun -np 8 /opt/mscclpp/allreduce_test_perf -b 3G -e 3G -k 2 -c 1 -o " in step.command.script
    assert step.command.needs == ("mpirun", "/opt/mscclpp/allreduce_test_perf")


@pytest.mark.parametrize("text", ["x" * 5000, "# minBytes 1 " + "step: " * 500, log("0") * 50])
def test_hostile_logs_end(text: str) -> None:
    mscclpp_test.parse_log(text)
