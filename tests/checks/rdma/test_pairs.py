"""rdma.write-bw and rdma.write-lat: good, slow and cut pairs, and every reason for which a pair has no result."""

from __future__ import annotations

import pytest

from bringup.check import Serve
from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Measurement, Pair, Port, Verdict
from bringup.parsers import perftest

HEAD = " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n"
SLOW = HEAD + " 1048576    220000           0.00               187.40 \t\t     0.022340\n"  # invented
CUT = HEAD + " 1048576    0           0.000000            0.000000            0.000000\n"
WAITING = "\n************************************\n* Waiting for client to connect... *\n"
RETRY = " Completion with error at client\n Failed status 12: wr_id 0 syndrom 0x81\nscnt=128, ccnt=0\n"
MEMLOCK = "perftest/24-err-allocate-mr-memlock.txt"
PORT_DOWN = "perftest/16-err-port-state-down.txt"
AT = "gpu-001/hca/mlx5_3/port/1 ~ gpu-002/hca/mlx5_4/port/1"
LIMITS = {"rdma.write_bw": (">=", 90, "Gb/s"), "rdma.write_lat": ("<=", 5, "us")}
FACTS = {"perftest.seconds": 10, "fabric.hcas": ["mlx5_0", "mlx5_1"]}


@pytest.fixture
def ctx(make_context):
    return make_context(LIMITS, FACTS, listen_port=18633)


@pytest.fixture
def pair(make_node) -> Pair:
    a = make_node(ports=(Port(0, "mlx5_0"), Port(1, "mlx5_3")))
    b = make_node(
        name="gpu-002", address="192.0.2.2", peer_address="198.51.100.2", ports=(Port(1, "mlx5_4"),)
    )
    return Pair(a, b, rail=1)


@pytest.fixture
def bw(load_check):
    return load_check("rdma/write_bw.py")


@pytest.fixture
def lat(load_check):
    return load_check("rdma/write_lat.py")


@pytest.fixture
def judge(pair, ctx, make_outputs):
    """The outcome of a check from what server and client answered; None means that it was not started."""

    def judge(check, server, client):
        plan = check.plan(pair, ctx)
        given = {("gpu-002", plan.server.command): server, ("gpu-001", plan.client.command): client}
        return judged(check, pair, make_outputs({k: v for k, v in given.items() if v is not None}), ctx)

    return judge


# ------------------------------------------------------------------------------------------------- the plan


def test_server_on_b_client_on_a(bw, lat, pair, ctx) -> None:
    plan = bw.plan(pair, ctx)
    assert isinstance(plan, Serve)
    assert (plan.server.node.name, plan.client.node.name) == ("gpu-002", "gpu-001")
    assert plan.server.command == perftest.bandwidth("ib_write_bw", "mlx5_4", 18633, 10)
    assert plan.client.command == perftest.bandwidth("ib_write_bw", "mlx5_3", 18633, 10, "198.51.100.2")
    plan = lat.plan(pair, ctx)
    assert plan.server.command == perftest.latency("ib_write_lat", "mlx5_4", 18633)
    assert plan.client.command == perftest.latency("ib_write_lat", "mlx5_3", 18633, "198.51.100.2")


def test_the_address_is_the_peer_address_the_address_or_the_name(bw, pair, ctx, make_node) -> None:
    for fields, peer in (({"address": "192.0.2.2"}, "192.0.2.2"), ({"address": ""}, "gpu-002")):
        b = make_node(name="gpu-002", ports=pair.b.ports, **fields)
        client = bw.plan(Pair(pair.a, b, 1), ctx).client.command
        assert client == perftest.bandwidth("ib_write_bw", "mlx5_3", 18633, 10, peer)


def test_plans_that_cannot_be_made(bw, lat, pair, make_context, ctx) -> None:
    for check in (bw, lat):
        for rail in (0, 7, None):
            with pytest.raises(NotApplicable):
                check.plan(Pair(pair.a, pair.b, rail), ctx)
    with pytest.raises(NoLimit):
        bw.plan(pair, make_context(LIMITS, {"fabric.hcas": []}))
    with pytest.raises(NoLimit):
        bw.plan(pair, make_context(LIMITS, {"perftest.seconds": "10"}))


# ---------------------------------------------------------------------------------------------- results


def test_a_good_pair(bw, judge, corpus_text) -> None:
    text = corpus_text("perftest/12-ib_write_bw-D-lockfree-new-header-cpufreq.txt")
    outcome = judge(bw, text, text)
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert [(m.name, m.value, m.unit, m.at) for m in outcome.measurements] == [
        ("write_bw", 98.02, "Gb/s", AT)
    ]
    assert outcome.at == ("gpu-001/hca/mlx5_3/port/1", "gpu-002/hca/mlx5_4/port/1")


def test_a_slow_pair(load_check, pair, make_context, make_outputs) -> None:
    check, ctx = load_check("rdma/write_bw.py"), make_context({"rdma.write_bw": (">=", 380, "Gb/s")}, FACTS)
    plan = check.plan(pair, ctx)
    out = make_outputs({("gpu-002", plan.server.command): SLOW, ("gpu-001", plan.client.command): SLOW})
    outcome = judged(check, pair, out, ctx)
    assert (outcome.verdict, outcome.findings) == (Verdict.FAIL, ())
    assert outcome.measurements == (
        Measurement("write_bw", 187.4, "Gb/s", AT, ctx.limit(pair.a, "rdma.write_bw")),
    )


def test_the_client_counts_whatever_became_of_the_server(bw, judge, answer, corpus_text) -> None:
    text = corpus_text("perftest/12-ib_write_bw-D-lockfree-new-header-cpufreq.txt")
    for server in (
        answer(WAITING, ended=Ended.CANCELLED),
        answer(text, status=1),
        answer(text, ended=Ended.TIMEOUT),
    ):
        assert judge(bw, server, text).verdict is Verdict.PASS


def test_latency_is_the_median(lat, judge, corpus_text, values) -> None:
    text = corpus_text("perftest/18-ib_write_lat-spark-cx7.txt")
    outcome = judge(lat, text, text)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("write_lat", AT, 1.47, True), ("write_lat_p99", AT, 1.57, True)]


def test_latency_too_high(lat, judge, corpus_text, values) -> None:
    text = corpus_text("perftest/20-ib_read_lat-two-cpufreq-lines.txt")
    outcome = judge(lat, text, text)
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome)[0] == ("write_lat", AT, 7.04, False)


# ------------------------------------------------------------------------------------ the fabric is to blame


def test_a_cable_cut_during_the_run_ends_with_status_0_and_fails(bw, judge) -> None:
    outcome = judge(bw, CUT, CUT)
    assert (outcome.verdict, outcome.measurements) == (Verdict.FAIL, ())
    assert outcome.findings == (
        Finding("RDMA-CONNECT", "gpu-001: no data moved: the result has zero iterations", AT),
    )


def test_retries_exceeded(bw, lat, judge, answer) -> None:
    for check in (bw, lat):
        outcome = judge(check, answer(WAITING, ended=Ended.CANCELLED), answer(HEAD, status=1, stderr=RETRY))
        assert outcome.verdict is Verdict.FAIL
        assert [(f.code, f.at) for f in outcome.findings] == [("RDMA-CONNECT", AT)]
        assert "Failed status 12" in outcome.findings[0].message


def test_a_queue_pair_that_cannot_be_connected(bw, judge, answer) -> None:
    said = "Failed to modify QP 46 to RTR\n Unable to Connect the HCA's through the link\n"
    exchange = "ethernet_read_keys: Couldn't read remote address\n Unable to read to socket/rdma_cm\n"
    outcome = judge(bw, answer(WAITING, status=1, stderr=exchange), answer("", status=1, stderr=said))
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings[0].message == (
        "gpu-001: the queue pair cannot be connected (path, GID or MTU): Failed to modify QP 46 to RTR"
    )


def test_a_port_that_is_down_is_named_on_its_own_side(bw, judge, answer, corpus_text) -> None:
    down = answer(corpus_text(PORT_DOWN), status=1)
    for server, client, node, place in (
        (down, None, "gpu-002", "gpu-002/hca/mlx5_4/port/1"),
        (
            down,
            answer("", status=1, stderr="Couldn't connect to b:18633\n"),
            "gpu-002",
            "gpu-002/hca/mlx5_4/port/1",
        ),
        (answer(WAITING, ended=Ended.CANCELLED), down, "gpu-001", "gpu-001/hca/mlx5_3/port/1"),
    ):
        outcome = judge(bw, server, client)
        assert outcome.verdict is Verdict.FAIL
        assert outcome.findings == (
            Finding("RDMA-CONNECT", f"{node}: the port is down: Port number 1 state is Down", place),
        )


# ---------------------------------------------------------------------------------- the test could not be made


def test_set_up_faults_judge_no_hardware(bw, judge, answer, corpus_text) -> None:
    memlock = answer("", status=1, stderr=corpus_text(MEMLOCK))
    refused = answer("", status=1, stderr="Couldn't connect to b:18633\n")
    taken = answer(
        "", status=1, stderr="Couldn't listen to port 18633\nUnable to init the socket connection\n"
    )
    no_address = answer("", status=1, stderr="no RoCE v2 address on mlx5_4\n")
    waiting = answer(WAITING, ended=Ended.CANCELLED)
    crash = answer("", status=139, stderr="Segmentation fault\n")
    theirs = AT.split(" ~ ")[1]
    for server, client, words, place in (
        (memlock, None, "gpu-002: memory cannot be registered", "gpu-002"),
        (waiting, memlock, "gpu-001: memory cannot be registered", "gpu-001"),
        (waiting, refused, "gpu-001: the server cannot be reached over TCP", ""),
        (taken, refused, "gpu-002: the server's TCP port is taken", "gpu-002"),
        (no_address, refused, "gpu-002: the port has no RoCE v2 address", theirs),
        (crash, None, "gpu-002: perftest failed: status 139", ""),
    ):
        outcome = judge(bw, server, client)
        assert (outcome.verdict, outcome.code, outcome.findings) == (Verdict.ERROR, "RDMA-SETUP", ())
        assert outcome.reason.startswith(words)
        assert outcome.error_at == place


def test_a_server_that_never_listened(bw, judge, answer) -> None:
    outcome = judge(bw, answer(WAITING, ended=Ended.TIMEOUT), None)
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "COMMAND-HANGS", "gpu-002")
    outcome = judge(bw, None, None)
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "the server on gpu-002 gave no answer")


def test_a_client_that_hangs(bw, judge, answer) -> None:
    outcome = judge(bw, answer(WAITING, ended=Ended.CANCELLED), answer(HEAD, ended=Ended.TIMEOUT))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "COMMAND-HANGS")


@pytest.mark.parametrize("side", ["server", "client"])
def test_no_tool(bw, judge, answer, side) -> None:
    missing = answer(ended=Ended.MISSING, detail="ib_write_bw")
    outcome = judge(
        bw, *((missing, None) if side == "server" else (answer(WAITING, ended=Ended.CANCELLED), missing))
    )
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


def test_a_node_that_dies_is_lost_and_its_partner_is_not_blamed(bw, lat, judge, answer) -> None:
    gone = answer(WAITING, ended=Ended.LOST, detail="the other side closed the connection")
    for check in (bw, lat):
        outcome = judge(check, gone, answer(HEAD, status=1, stderr=RETRY))
        assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "NODE-LOST", "gpu-002")
        assert outcome.findings == ()


@pytest.mark.parametrize(
    "other", [None, {"ended": Ended.TIMEOUT}, {"ended": Ended.CANCELLED}, {"status": 1, "stderr": "Couldn't connect to b"}],
    ids=["never-started", "hangs", "cancelled", "refused"],
)  # fmt: skip
@pytest.mark.parametrize("lost", ["gpu-001", "gpu-002"])
def test_whatever_the_other_end_does_only_the_lost_one_is_named(bw, lat, judge, answer, other, lost) -> None:
    gone = answer(ended=Ended.LOST, detail="lost: the connection is gone")
    far = None if other is None else answer("", **other)
    if lost == "gpu-001" and far is None:
        far = answer(WAITING, ended=Ended.CANCELLED)
    for check in (bw, lat):
        outcome = judge(check, *((gone, far) if lost == "gpu-002" else (far, gone)))
        assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "NODE-LOST", lost)


def test_a_node_that_dies_after_its_pair_was_measured_changes_nothing(bw, judge, answer, corpus_text) -> None:
    gone = answer(WAITING, ended=Ended.LOST, detail="the other side closed the connection")
    slow = answer(SLOW)
    assert (
        judge(bw, gone, slow).measurements
        == judge(bw, answer(WAITING, ended=Ended.CANCELLED), slow).measurements
    )


def test_no_limit(load_check, pair, make_context, make_outputs) -> None:
    check, ctx = load_check("rdma/write_bw.py"), make_context({}, FACTS)
    plan = check.plan(pair, ctx)
    out = make_outputs({("gpu-002", plan.server.command): SLOW, ("gpu-001", plan.client.command): SLOW})
    outcome = judged(check, pair, out, ctx)
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "profile test has no limit rdma.write_bw")


def test_every_code_that_is_used_is_declared(bw, lat) -> None:
    assert {f.code for f in bw.faults} == {"RDMA-BW", "RDMA-CONNECT", "RDMA-SETUP"}
    assert {f.code for f in lat.faults} == {"RDMA-LAT", "RDMA-CONNECT", "RDMA-SETUP"}
    assert (bw.faults[0].code, lat.faults[0].code) == ("RDMA-BW", "RDMA-LAT")
