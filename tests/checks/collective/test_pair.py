"""collective.pair: two nodes, one mpirun; what is proven and what could not be tried."""

from __future__ import annotations

import pytest

from bringup.check import Together
from bringup.commands import Ended
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Pair, Verdict
from bringup.parsers.nccl_tests import all_reduce_hydra, all_reduce_pair, all_reduce_srun

FACTS = {
    "gpu.count": 8,
    "collective.binary": "all_reduce_perf",
    "collective.mpirun": "mpirun",
    "fabric.hcas": ["mlx5_0", "mlx5_3"],
}
LIMITS = {"collective.wrong": ("==", 0, "values"), "collective.pair.all_reduce": (">=", 440, "GB/s")}
H100 = "nccl-tests/19-allreduce-16gpu-h100-machinefile-preamble.txt"
A100 = "nccl-tests/14-allreduce-2node-a100x16.txt"
AT = "gpu-001 ~ gpu-002"


@pytest.fixture
def check(load_check):
    return load_check("collective/pair.py")


@pytest.fixture
def pair(make_node) -> Pair:
    return Pair(make_node(), make_node(name="gpu-002", address="192.0.2.2"))


@pytest.fixture
def judge(check, pair, make_context, make_outputs):
    def judge(said, limits=LIMITS):
        ctx = make_context(limits, FACTS)
        (step,) = check.plan(pair, ctx).steps
        assert step.node.name == "gpu-001"
        return judged(check, pair, make_outputs({step.command: said}), ctx)

    return judge


def test_the_plan(check, pair, make_context) -> None:
    (step,) = check.plan(pair, make_context(LIMITS, FACTS)).steps
    hosts = ("192.0.2.1", "192.0.2.2")
    assert step.command == all_reduce_pair("mpirun", "all_reduce_perf", hosts, 8, ("mlx5_0", "mlx5_3"))
    assert (check.per_rail, check.rounds) == (False, 2)


def test_slurm_starts_it_by_the_names_of_the_nodes(check, pair, make_context, make_outputs, answer) -> None:
    ctx = make_context(LIMITS, {**FACTS, "collective.mpirun": "/opt/slurm/bin/srun"})
    (step,) = check.plan(pair, ctx).steps
    assert step.command == all_reduce_srun(
        "/opt/slurm/bin/srun", "all_reduce_perf", "gpu-[001-002]", 2, 8, ("mlx5_0", "mlx5_3")
    )

    def said(text: str, status: int) -> tuple[object, ...]:
        outcome = judged(
            check, pair, make_outputs({step.command: answer("", status=status, stderr=text)}), ctx
        )
        return outcome.verdict, outcome.code, outcome.error_at, outcome.reason

    busy = "srun: job 6 queued and waiting for resources\nsrun: error: Unable to allocate resources: Requested nodes are busy\n"
    assert said(busy, 1) == (
        Verdict.ERROR, "COLL-SETUP", "", "the test did not begin: Unable to allocate resources: Requested nodes are busy"
    )  # fmt: skip
    missing = "slurmstepd-gpu-002: error: execve(): all_reduce_perf: No such file or directory\n"
    verdict, code, at, _ = said(missing, 2)
    assert (verdict, code, at) == (Verdict.ERROR, "TOOL-MISSING", "gpu-002")
    _, code, at, _ = said(missing.replace("slurmstepd-gpu-002", "slurmstepd"), 2)
    assert (code, at) == ("TOOL-MISSING", ""), "an older Slurm does not say where: nobody is guessed"


WAITS = "".join(
    f"HYDRA_LAUNCH: /opt/mpich/bin/hydra_pmi_proxy --control-port 192.0.2.1:18515 --rmk user --proxy-id {n} \n"
    for n in range(2)
)


@pytest.fixture
def under_hydra(check, pair, make_context, make_outputs, answer):
    """(verdict, code, at, reason) of a job under Hydra, from the answers of both nodes."""

    def said(first, second=None):
        ctx = make_context(LIMITS, {**FACTS, "collective.mpirun": "/opt/mpich/bin/mpiexec.hydra"})
        plan = check.plan(pair, ctx)
        assert isinstance(plan, Together)
        here, there = plan.steps
        assert [step.command for step in (here, there)] == list(
            all_reduce_hydra(
                "/opt/mpich/bin/mpiexec.hydra", "all_reduce_perf", ("192.0.2.1", "192.0.2.2"), 8, 18515,
                ("mlx5_0", "mlx5_3"),
            )
        )  # fmt: skip
        outputs = {
            ("gpu-001", here.command): first,
            ("gpu-002", there.command): second or answer("", status=0),
        }
        outcome = judged(check, pair, make_outputs(outputs), ctx)
        return outcome.verdict, outcome.code, outcome.error_at, outcome.reason

    return said


def test_hydra_starts_it_without_a_login_between_the_nodes(under_hydra, corpus_text, answer) -> None:
    good = WAITS + "HYDRA_LAUNCH_END\n" + corpus_text(H100)
    assert under_hydra(good)[0] is Verdict.PASS
    assert under_hydra(good, answer("", status=7))[0] is Verdict.PASS, "how a proxy ends then says nothing"


REFUSED = '[proxy:0:1@b] HYDU_sock_connect (sock.c:141): unable to connect from "b" to "192.0.2.1" (Connection refused)\n'


def test_who_cannot_take_part_in_a_job_under_hydra_is_named(under_hydra, answer) -> None:
    stopped = answer(
        WAITS + "HYDRA_LAUNCH_END\n", status=137, stderr="bringup: 1 of 2 proxies came within 45 s\n"
    )
    setup = (Verdict.ERROR, "COLL-SETUP")
    assert under_hydra(stopped, answer("", status=5, stderr=REFUSED)) == (
        *setup, "gpu-002", "the test did not begin: no way to mpiexec.hydra on gpu-001 from gpu-002: Connection refused"
    )  # fmt: skip
    assert under_hydra(stopped, answer(ended=Ended.CANCELLED)) == (
        *setup, "gpu-002", "the test did not begin: no way to mpiexec.hydra on gpu-001 from gpu-002: it was still trying"
    )  # fmt: skip
    alone = answer(WAITS + "HYDRA_LAUNCH_END\n", status=137, stderr=REFUSED)
    assert under_hydra(alone)[1:3] == ("COLL-SETUP", "gpu-001")
    killed = answer("", status=137, stderr="Killed\n")
    assert under_hydra(stopped, killed) == (
        *setup, "",
        "the test did not begin: 1 of 2 proxies came within 45 s (the proxy on gpu-002 was killed)",
    )  # fmt: skip
    missing = answer(ended=Ended.MISSING, detail="/opt/mpich/bin/hydra_pmi_proxy")
    assert under_hydra(stopped, missing)[1:3] == ("TOOL-MISSING", "gpu-002")
    assert under_hydra(missing, answer(ended=Ended.CANCELLED))[1:3] == ("TOOL-MISSING", "gpu-001")
    lost = answer(ended=Ended.LOST, detail="connection lost")
    assert under_hydra(stopped, lost)[1:3] == ("NODE-LOST", "gpu-002")
    none = "[proxy:0:1@b] HYDU_create_process (launch.c:73): execvp error on file /opt/none (No such file or directory)\n"
    stopped = answer(WAITS + "HYDRA_LAUNCH_END\n", status=255, stderr=none)
    assert under_hydra(stopped)[1:3] == ("TOOL-MISSING", "gpu-002")
    taken = answer("", status=255, stderr="[mpiexec@a] HYDU_sock_listen (sock.c:67): no port to bind\n")
    assert under_hydra(taken, answer(ended=Ended.CANCELLED)) == (
        *setup, "gpu-001", "the test did not begin: gpu-001: no port to bind"
    )  # fmt: skip
    silent = answer(WAITS + "HYDRA_LAUNCH_END\n", ended=Ended.TIMEOUT)
    assert under_hydra(silent) == (
        *setup, "", "the test did not begin: every proxy came, and no rank said anything within 345 s"
    )  # fmt: skip


def test_what_mpiexec_prints_is_read_and_never_followed(under_hydra, answer) -> None:
    other = WAITS.replace(":18515", ":4444") + "HYDRA_LAUNCH_END\n"
    assert under_hydra(answer(other, status=137)) == (
        Verdict.ERROR, "COLL-SETUP", "gpu-001",
        "the test did not begin: mpiexec.hydra waits for 2 proxies at port 4444, needed 2 at port 18515",
    )  # fmt: skip
    evil = "HYDRA_LAUNCH: /bin/sh -c reboot\nHYDRA_LAUNCH_END\n"
    verdict, code, _, reason = under_hydra(answer(evil, status=137))
    assert (verdict, code) == (
        Verdict.ERROR,
        "OUTPUT-UNKNOWN",
    ) and "does not start a hydra_pmi_proxy" in reason


def test_hydra_needs_ipv4(check, make_node, make_context) -> None:
    ctx = make_context(LIMITS, {**FACTS, "collective.mpirun": "mpiexec.hydra"})
    with pytest.raises(
        CannotJudge, match="2001:db8::1 to the others, and Hydra needs an IPv4 address or a name"
    ):
        check.plan(Pair(make_node(address="2001:db8::1"), make_node(name="gpu-002")), ctx)


def test_plans_that_cannot_be_made(check, pair, make_context) -> None:
    with pytest.raises(NotApplicable):
        check.plan(pair, make_context(LIMITS, {**FACTS, "gpu.count": 0}))
    for missing in ("collective.binary", "collective.mpirun", "fabric.hcas"):
        with pytest.raises(NoLimit):
            check.plan(pair, make_context(LIMITS, {k: v for k, v in FACTS.items() if k != missing}))


def test_nodes_that_nothing_joins(check, pair, make_context) -> None:
    alone = {**FACTS, "fabric.hcas": []}
    with pytest.raises(NotApplicable, match="no planned fabric ports between them"):
        check.plan(pair, make_context(LIMITS, alone))
    # The trays of one rack reach each other over NVLink.
    (step,) = check.plan(pair, make_context(LIMITS, {**alone, "nvlink.domain_nodes": 18})).steps
    assert step.command == all_reduce_pair("mpirun", "all_reduce_perf", ("192.0.2.1", "192.0.2.2"), 8, ())


def test_nodes_of_different_kinds(check, make_node, make_context) -> None:
    ctx = make_context(LIMITS, FACTS)
    other = make_context(LIMITS, {**FACTS, "gpu.count": 4}).rules["test"]
    mixed = type(ctx)(rules={**ctx.rules, "four": other})
    with pytest.raises(CannotJudge, match="different numbers of GPUs"):
        check.plan(Pair(make_node(), make_node(name="gpu-002", profile="four")), mixed)


def test_good(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(H100))
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [("wrong", AT, 0, True), ("busbw", AT, 471.22, True)]


def test_slow(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(A100))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("wrong", AT, 0, True), ("busbw", AT, 177.59, False)]


def test_the_survivor_prints_and_nobody_is_blamed(judge, corpus_text, answer) -> None:
    outcome = judge(
        answer(corpus_text("nccl-tests/09-alltoall-4gpu-comm-init-failure-all-ranks.txt"), status=3)
    )
    assert outcome.verdict is Verdict.FAIL
    assert [(f.code, f.at) for f in outcome.findings] == [("COLL-FAILED", AT)]


def test_a_hang(judge, corpus_text, answer) -> None:
    text = corpus_text("nccl-tests/11-alltoall-hang-no-rows-no-error.txt")
    outcome = judge(answer(text, ended=Ended.TIMEOUT))
    assert outcome.findings == (Finding("COLL-FAILED", "hangs: 8 ranks, 0 sizes done in 300 s", AT),)


def test_mpirun_that_starts_nothing_judges_no_hardware(judge, answer) -> None:
    said = "-" * 60 + "\nThere are not enough slots available in the system\n" + "-" * 60 + "\n"  # invented
    outcome = judge(answer("", status=1, stderr=said))
    assert (outcome.verdict, outcome.code, outcome.reason) == (
        Verdict.ERROR,
        "COLL-SETUP",
        "the test did not begin: There are not enough slots available in the system",
    )


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (
            "Permission denied (publickey).\r\nORTE was unable to reliably start one or more daemons.\n",
            "gpu-002",
        ),
        ("ssh: connect to host 192.0.2.2 port 22: Connection refused\n", "gpu-002"),
        ("Host key verification failed.\r\n", "gpu-002"),
    ],
)  # invented
def test_who_cannot_be_logged_in_to_is_named(judge, answer, said, at) -> None:
    outcome = judge(answer("", status=1, stderr=said))
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "COLL-SETUP", at)


_NO_PROGRAM = """\
--------------------------------------------------------------------------
mpirun was unable to find the specified executable file, and therefore
did not launch the job.  This error was first reported for process
rank 1; it may have occurred for other processes as well.

NOTE: A common cause for this error is misspelling a mpirun command
      line parameter option (remember that mpirun interprets the first
      unrecognized command line token as the executable).

Node:       {}
Executable: all_reduce_perf
--------------------------------------------------------------------------
"""  # Open MPI 4.1.4


@pytest.mark.parametrize(("called", "at"), [("gpu-002", "gpu-002"), ("login-17.example", "gpu-001")])
def test_the_node_without_the_program_is_named(judge, answer, called, at) -> None:
    outcome = judge(answer("", status=134, stderr=_NO_PROGRAM.format(called)))
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "TOOL-MISSING", at)
    assert outcome.reason == (
        "not installed on the node (or not in PATH): all_reduce_perf (NVIDIA/nccl-tests or ROCm/rccl-tests, built from source)"
    )


def test_another_machine_than_planned_explains_a_test_that_cannot_start(check) -> None:
    (setup,) = (f for f in check.faults if f.code == "COLL-SETUP")
    assert "NODE-IDENTITY" in setup.explained_by


def test_ranks_in_the_wrong_places(judge, corpus_text) -> None:
    outcome = judge(corpus_text("nccl-tests/20-allreduce-mpirun-tag-output-2.18.txt"))
    assert (outcome.verdict, outcome.code, outcome.reason) == (
        Verdict.ERROR,
        "COLL-SETUP",
        "all_reduce ran with 2 ranks on 1 GPUs of 1 nodes, needed 16 on 2 nodes",
    )


def test_a_cut_log(judge, corpus_text) -> None:
    text = corpus_text(H100)
    outcome = judge(text[: text.index("# Out of bounds")])
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_no_tool(judge, answer) -> None:
    outcome = judge(answer(ended=Ended.MISSING, detail="mpirun"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


def test_no_answer_in_time_and_no_text(judge, answer) -> None:
    outcome = judge(answer(ended=Ended.TIMEOUT))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "COMMAND-HANGS")


def with_log(text: str, host: int, *said: str) -> str:
    """The run with lines of NCCL by the first or second of its hosts."""
    hosts = list(
        dict.fromkeys(line.split(" on ")[1].split()[0] for line in text.splitlines() if " Pid " in line)
    )
    return text + "".join(f"{hosts[host]}:11:12 [0] NCCL INFO {words}\n" for words in said)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Using network Socket", "the data goes over TCP sockets (NET/Socket), not over the fabric ports"),
        (
            "NET/IB : Using [0]mlx5_0:1/IB [RO]; OOB eth0:192.0.2.2<0>",
            "1 of 2 fabric ports are used, without mlx5_3",
        ),
    ],
)
def test_the_node_that_takes_the_wrong_way_is_named_and_the_bandwidth_is_void(
    judge, corpus_text, said, found
) -> None:
    limits = {**LIMITS, "collective.pair.all_reduce": (">=", 1000, "GB/s")}
    good = "NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_3:1/IB [RO]; OOB eth0:192.0.2.1<0>"
    outcome = judge(
        with_log(with_log(corpus_text(H100), 0, good, "Using network IB"), 1, said), limits=limits
    )
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (Finding("COLL-TRANSPORT", found, "gpu-002"),)
    assert [(m.name, m.limit is None) for m in outcome.measurements] == [("wrong", False), ("busbw", True)]


@pytest.mark.parametrize(("rack", "verdict"), [("R01", Verdict.FAIL), ("R02", Verdict.PASS)])
def test_two_trays_of_different_nvlink_domains_need_only_what_their_ports_carry(
    check, make_node, make_context, make_outputs, corpus_text, rack, verdict
) -> None:
    trays = Pair(make_node(rack="R01"), make_node(name="gpu-002", address="192.0.2.2", rack=rack))
    limits = {
        **LIMITS,
        "collective.pair.all_reduce": (">=", 4400, "GB/s"),
        "rdma.write_bw": (">=", 384, "Gb/s"),
    }
    ctx = make_context(limits, {**FACTS, "nvlink.domain_nodes": 18})
    (step,) = check.plan(trays, ctx).steps
    outcome = judged(check, trays, make_outputs({step.command: corpus_text(H100)}), ctx)
    busbw = next(m for m in outcome.measurements if m.name == "busbw")
    assert (outcome.verdict, busbw.ok) == (verdict, verdict is Verdict.PASS)
    assert busbw.limit is not None
    assert busbw.limit.value == (4400 if rack == "R01" else 153.0)  # 384 Gb/s / 8 * 2 / 8 ports * 85 % * 15


@pytest.mark.parametrize(
    ("rack", "said", "verdict", "used"),
    [
        ("R01", "MNNVL 1 cliqueId 1 cliqueSize 8 cliqueRank 0", Verdict.PASS, ["used"]),
        ("R01", "MNNVL 0 cliqueId 1 cliqueSize 4 cliqueRank 0", Verdict.FAIL, ["not used"]),
        ("R01", "Using network IB", Verdict.PASS, []),
        ("R02", "MNNVL 0 cliqueId 1 cliqueSize 4 cliqueRank 0", Verdict.PASS, []),
    ],
)
def test_nvlink_between_two_trays_is_a_fact_about_the_two(
    check, make_node, make_context, make_outputs, corpus_text, rack, said, verdict, used
) -> None:
    trays = Pair(make_node(rack="R01"), make_node(name="gpu-002", address="192.0.2.2", rack=rack))
    limits = {**LIMITS, "rdma.write_bw": (">=", 384, "Gb/s")}
    ctx = make_context(limits, {**FACTS, "nvlink.domain_nodes": 18})
    (step,) = check.plan(trays, ctx).steps
    log = with_log(with_log(corpus_text(H100), 0, said), 1, said)
    outcome = judged(check, trays, make_outputs({step.command: log}), ctx)
    assert (outcome.verdict, outcome.findings) == (verdict, ())
    ways = [m for m in outcome.measurements if m.code == "COLL-TRANSPORT"]
    assert [(m.value, m.at) for m in ways] == [(word, "gpu-001 ~ gpu-002") for word in used]
    (busbw,) = (m for m in outcome.measurements if m.name == "busbw")
    assert (busbw.limit is None) is (verdict is Verdict.FAIL), "over the wrong way it is not judged"
