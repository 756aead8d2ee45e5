"""The tests with several transfers: both ways, GPU memory, all rails, across rails, many into one."""

from __future__ import annotations

import pytest

from bringup.check import Serve
from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Pair, Port, Verdict

HEAD = " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n"
RETRY = " Completion with error at client\n Failed status 12: wr_id 0 syndrom 0x81\nscnt=128, ccnt=0\n"
NO_CUDA = "ib_write_bw: unrecognized option '--use_cuda=0'\n Invalid Command or flag.\n"  # invented
RISES = {
    f"link.rise.{name}": ("<=", 0, "errors")
    for name in (
        "recovery",
        "link_downed",
        "rcv_errors",
        "xmit_discards",
        "integrity_errors",
        "buffer_overruns",
    )
}
LIMITS = {
    **RISES,
    "rdma.write_bw": (">=", 380, "Gb/s"),
    "rdma.write_lat": ("<=", 5, "us"),
    "link.rate": ("==", 400, "Gb/s"),
    "rdma.bidirectional_share": (">=", 90, "%"),
    "rdma.gpu_share": (">=", 95, "%"),
    "rdma.all_rails_share": (">=", 90, "%"),
    "rdma.cross_rail.unreachable": ("==", 0, ""),
    "rdma.incast_share": (">=", 80, "%"),
    "rdma.incast_fair": (">=", 50, "%"),
}
FACTS = {"perftest.seconds": 10, "gpu.count": 8, "gpu.vendor": "nvidia"}
A, B = "gpu-001/hca/mlx5_{}/port/1", "gpu-002/hca/mlx5_{}/port/1"


def row(gbps: float) -> str:
    """A result as perftest prints it."""
    return f"{HEAD} 1048576    220000           0.00               {gbps:.2f} \t\t     0.022340\n"


def printed(*flows: str | tuple[str, int], rose: str = "") -> str:
    """A client's output: text with status 0, or both."""
    text = "@bringup begin before\nmlx5_0 port_rcv_errors 5\n@bringup end before 0\n"
    for n, flow in enumerate(flows):
        said, status = (flow, 0) if isinstance(flow, str) else flow
        text += f"@bringup begin flow-{n}\n{said}\n@bringup end flow-{n} {status}\n"
    return f"{text}@bringup begin after\n{rose or 'mlx5_0 port_rcv_errors 5'}\n@bringup end after 0\n"


@pytest.fixture
def pair(make_node) -> Pair:
    ports = (Port(0, "mlx5_0"), Port(1, "mlx5_1"))
    return Pair(make_node(ports=ports), make_node(name="gpu-002", address="192.0.2.2", ports=ports))


@pytest.fixture
def judge(pair, make_context, make_outputs, load_check):
    def judge(name, client, server=None, rail=None, facts=FACTS):
        check, ctx = load_check(f"rdma/{name}.py"), make_context(LIMITS, facts)
        target = Pair(pair.a, pair.b, rail)
        plan = check.plan(target, ctx)
        assert isinstance(plan, Serve)
        assert (plan.server.node.name, plan.client.node.name) == ("gpu-002", "gpu-001")
        given = {("gpu-002", plan.server.command): printed() if server is None else server}
        given["gpu-001", plan.client.command] = client
        return judged(check, target, make_outputs(given), ctx)

    return judge


def broken(outcome) -> list[tuple[str, str, object]]:
    return [(m.code, m.at, m.value) for m in outcome.measurements if not m.ok]


def found(outcome) -> list[tuple[str, str]]:
    return [(f.code, f.at) for f in outcome.findings]


BOTH = f"{A.format(1)} ~ {B.format(1)}"


@pytest.mark.parametrize(("gbps", "bad"), [(760.0, []), (700.0, [("RDMA-BIDIR", BOTH, 87.5)])])
def test_both_ways(judge, gbps: float, bad: list[object]) -> None:
    outcome = judge("bidirectional", printed(row(gbps)), rail=1)
    assert (broken(outcome), found(outcome)) == (bad, [])
    assert outcome.verdict is (Verdict.FAIL if bad else Verdict.PASS)


def test_errors_are_told_at_the_end_that_counted_them(judge) -> None:
    dirty = printed(row(760), rose="mlx5_0 port_rcv_errors 12")
    outcome = judge("bidirectional", dirty, rail=1)
    assert broken(outcome) == [("RDMA-DIRTY", A.format(0), 7)]
    outcome = judge("bidirectional", printed(row(760)), server=dirty, rail=1)
    assert broken(outcome) == [("RDMA-DIRTY", B.format(0), 7)]


def test_no_data_with_exit_status_0_is_a_failure(judge) -> None:
    cut = f"{HEAD} 1048576    0           0.000000            0.000000            0.000000\n"
    for name, rail in (("bidirectional", 1), ("gpu_memory", 1), ("all_rails", None)):
        outcome = judge(name, printed(*([cut] * (1 if name == "bidirectional" else 2))), rail=rail)
        assert outcome.verdict is Verdict.FAIL
        assert {code for code, _ in found(outcome)} <= {"RDMA-CONNECT", "RDMA-GPU-BW"}


@pytest.mark.parametrize(("gpu", "bad"), [(389.0, []), (180.0, [("RDMA-GPU-BW", BOTH, 46.2)])])
def test_gpu_memory_against_host_memory(judge, gpu: float, bad: list[object]) -> None:
    outcome = judge("gpu_memory", printed(row(390), row(gpu)), rail=1)
    assert (broken(outcome), found(outcome)) == (bad, [])


def test_gpu_memory_that_cannot_be_reached(judge) -> None:
    outcome = judge(
        "gpu_memory", printed(row(390), ("Couldn't allocate MR\nfailed to create mr\n", 1)), rail=1
    )
    assert (outcome.verdict, found(outcome)) == (Verdict.FAIL, [("RDMA-GPU-BW", BOTH)])


def test_a_perftest_without_gpus(judge) -> None:
    outcome = judge("gpu_memory", printed(row(390), (NO_CUDA, 1)), rail=1)
    assert (outcome.verdict, outcome.why.value) == (Verdict.NOT_RUN, "not-applicable")
    outcome = judge(
        "gpu_memory", printed(row(390), (NO_CUDA, 1)), rail=1, facts={**FACTS, "perftest.gpudirect": True}
    )
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "RDMA-SETUP")


def test_all_rails(judge) -> None:
    assert judge("all_rails", printed(row(390), row(388))).verdict is Verdict.PASS
    outcome = judge("all_rails", printed(row(390), row(200)))
    assert broken(outcome) == [("RDMA-ALL-RAILS", "gpu-001 ~ gpu-002", 77.6)]
    outcome = judge("all_rails", printed(row(390), (RETRY, 1)))
    assert (broken(outcome), found(outcome)) == ([], [("RDMA-CONNECT", BOTH)])


def test_across_rails(judge) -> None:
    assert judge("cross_rail", printed(row(3), row(3))).verdict is Verdict.PASS
    outcome = judge("cross_rail", printed(row(3), (RETRY, 1)))
    assert found(outcome) == [("RDMA-CROSS", "gpu-001 ~ gpu-002")]
    assert outcome.findings[0].message.startswith(
        "1 of 2 do not get through: mlx5_1 to mlx5_0 (no answer over the fabric"
    )
    assert broken(outcome) == [("RDMA-CROSS", "gpu-001 ~ gpu-002", 1)]


def test_many_into_one(judge) -> None:
    assert judge("incast", printed(row(195), row(193))).verdict is Verdict.PASS
    outcome = judge("incast", printed(row(340), row(45)))
    assert broken(outcome) == [("RDMA-INCAST", "gpu-001 ~ gpu-002", 23.4)]
    outcome = judge("incast", printed(row(100), row(100)))
    assert broken(outcome) == [("RDMA-INCAST", "gpu-001 ~ gpu-002", 52.6)]


@pytest.mark.parametrize("name", ["cross_rail", "incast"])
def test_rails_that_are_networks_of_their_own(judge, name: str) -> None:
    with pytest.raises(NotApplicable, match="networks of their own"):
        judge(name, "", facts={**FACTS, "fabric.cross_rail": False})


@pytest.mark.parametrize("name", ["bidirectional", "gpu_memory", "all_rails", "cross_rail", "incast"])
def test_what_has_no_result_is_no_pass(judge, answer, name: str) -> None:
    rail = 1 if name in ("bidirectional", "gpu_memory") else None
    for client, code in (
        (answer(ended=Ended.TIMEOUT), "COMMAND-HANGS"),
        (answer(ended=Ended.LOST, detail="gone"), "NODE-LOST"),
        (answer(ended=Ended.MISSING, detail="ib_write_bw"), "TOOL-MISSING"),
        ("", "OUTPUT-UNKNOWN"),
        (printed(("Couldn't connect to b:18515\n", 1), ("Couldn't connect to b:18515\n", 1)), "RDMA-SETUP"),
    ):
        outcome = judge(name, client, rail=rail)
        assert (outcome.verdict, outcome.code) == (Verdict.ERROR, code), name
    outcome = judge(
        name, printed(row(390), row(390)), server=answer(ended=Ended.LOST, detail="gone"), rail=rail
    )
    assert (outcome.verdict, outcome.error_at) == (Verdict.ERROR, "gpu-002")


def test_reads_and_sends_keep_the_limits_of_writes_where_there_are_none_of_their_own(
    pair, make_context, make_outputs, load_check, corpus_text
) -> None:
    target = Pair(pair.a, pair.b, 1)
    for name, code, text, held in (
        ("read_bw", "", row(391), Verdict.PASS),
        ("read_bw", "", row(360), Verdict.FAIL),
        ("send_lat", "", corpus_text("perftest/18-ib_write_lat-spark-cx7.txt"), Verdict.PASS),
    ):
        check, ctx = load_check(f"rdma/{name}.py"), make_context(LIMITS, FACTS)
        plan = check.plan(target, ctx)
        given = {("gpu-002", plan.server.command): text, ("gpu-001", plan.client.command): text}
        outcome = judged(check, target, make_outputs(given), ctx)
        assert (outcome.verdict, outcome.code) == (held, code)
