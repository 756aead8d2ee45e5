"""rdma.tcp-bw and rdma.tcp-fleet: both directions, the errors that come with exit status 0, and who is far slower."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Group, Measurement, Pair, Port, Verdict

FACTS = {"tcp.seconds": 5, "fabric.hcas": [], "tools.required": ["iperf3"]}
FLOOR = {"rdma.tcp_bw": (">=", 18, "Gb/s")}
GOOD, BUSY = "iperf3/02-json-tcp-1-stream.json", "iperf3/08-json-err-server-busy-rc0.json"
AT = "gpu-001 ~ gpu-002"


def printed(sends: str, receives: str, status: int = 0) -> str:
    return "".join(
        f"@bringup begin {name}\n{text}\n@bringup end {name} {status}\n"
        for name, text in (("sends", sends), ("receives", receives))
    )


def failing(words: str) -> str:
    return json.dumps(
        {"start": {}, "intervals": [], "end": {}, "error": words}
    )  # invented from the real layout


@pytest.fixture
def pair(make_node) -> Pair:
    return Pair(make_node(), make_node(name="gpu-002", address="192.0.2.2", peer_address="198.51.100.2"))


@pytest.fixture
def judge(load_check, pair, make_context, make_outputs, answer):
    def judge(client, server=None, limits=FLOOR):
        check, ctx = load_check("rdma/tcp_bw.py"), make_context(limits, FACTS)
        plan = check.plan(pair, ctx)
        assert (
            "-c 198.51.100.2 -p 18515" in plan.client.command.script and plan.server.command.listens == 18515
        )
        server = answer(ended=Ended.CANCELLED) if server is None else server
        given = {("gpu-002", plan.server.command): server, ("gpu-001", plan.client.command): client}
        return judged(check, pair, make_outputs(given), ctx)

    return judge


def test_good_and_slow(judge, corpus_text, values) -> None:
    text = corpus_text(GOOD)
    outcome = judge(printed(text, text))
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("sends", AT, 18.74, True), ("receives", AT, 18.74, True)]
    outcome = judge(printed(text, text), limits={"rdma.tcp_bw": (">=", 20, "Gb/s")})
    assert [(m.code, m.ok) for m in outcome.measurements] == [("TCP-BW", False)] * 2
    outcome = judge(printed(text, text), limits={})
    assert (outcome.verdict, [m.limit for m in outcome.measurements]) == (Verdict.PASS, [None, None])


@pytest.mark.parametrize("said", ["unable to connect to server: Connection timed out", "No route to host"])
def test_a_way_that_is_cut_with_exit_status_0(judge, said: str) -> None:
    outcome = judge(printed(failing(said), failing(said)))
    assert outcome.findings == (Finding("TCP-CONNECT", f"sends: {said}", AT),)


def test_what_is_no_hardware_is_not_judged(judge, answer, corpus_text) -> None:
    text = corpus_text(GOOD)
    for client, server, code in (
        (printed(corpus_text(BUSY), text), None, "TCP-SETUP"),
        (printed(text, failing("unable to connect: Connection refused")), None, "TCP-SETUP"),
        (printed("", "", 1), None, "TCP-SETUP"),
        (printed("{", text), None, "OUTPUT-UNKNOWN"),
        ("", None, "OUTPUT-UNKNOWN"),
        (answer(ended=Ended.TIMEOUT), None, "COMMAND-HANGS"),
        (answer(ended=Ended.MISSING, detail="iperf3"), None, "TOOL-MISSING"),
        (printed(text, text), answer("Address already in use", status=1), "TCP-SETUP"),
        (printed(text, text), answer(ended=Ended.LOST, detail="gone"), "NODE-LOST"),
    ):
        outcome = judge(client, server)
        assert (outcome.verdict, outcome.code) == (Verdict.ERROR, code)


def test_nodes_with_rdma_are_tested_only_with_a_floor(load_check, pair, make_node, make_context) -> None:
    check = load_check("rdma/tcp_bw.py")
    rdma = Pair(make_node(ports=(Port(0, "mlx5_0"),)), make_node(name="b", ports=(Port(0, "mlx5_0"),)))
    with pytest.raises(NotApplicable, match="no floor"):
        check.plan(rdma, make_context({}, FACTS))
    assert check.plan(rdma, make_context(FLOOR, FACTS)).steps


def test_the_fleet(load_check, make_node, make_context, make_outputs) -> None:
    check = load_check("rdma/tcp_fleet.py")
    fleet = Group("fleet", tuple(make_node(name=f"n{k}") for k in range(1, 5)))
    pairs = {"n1 ~ n2": (9.4, 9.3), "n3 ~ n4": (9.4, 0.9), "n1 ~ n3": (9.2, 9.4), "n2 ~ n4": (9.3, 0.94)}
    readings = {
        ("rdma.tcp-bw", name): tuple(Measurement(name, both[k], "Gb/s", at) for at, both in pairs.items())
        for k, name in enumerate(("sends", "receives"))
    }
    limits = {"rdma.tcp_share": (">=", 60, "% of the median")}
    outcome = judged(check, fleet, make_outputs({}), make_context(limits, FACTS, readings=readings))
    assert [(m.name, m.at, m.value) for m in outcome.measurements if not m.ok] == [
        ("sends, best partner", "n4", 10.1)
    ]
    with pytest.raises(NotApplicable):
        check.plan(Group("fleet", fleet.members[:3]), make_context(limits, FACTS))
    outcome = judged(check, fleet, make_outputs({}), make_context(limits, FACTS))
    assert outcome.verdict is Verdict.NOT_RUN


def test_the_only_node_of_a_run_is_not_compared(load_check, make_node, make_context) -> None:
    check = load_check("rdma/tcp_bw.py")
    told = "the only node of the run, and its profile asks for no speed: nobody to compare it with"
    assert check.alone(make_node(), make_context(facts=FACTS)) == told
    assert check.alone(make_node(), make_context(limits=FLOOR, facts=FACTS)) == ""
