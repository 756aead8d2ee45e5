"""soak.fabric: all rails of two nodes in both directions for minutes, on both ends' counters."""

from __future__ import annotations

import pytest

from bringup.check import Serve
from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Outcome, Pair, Port, Verdict
from bringup.parsers.perftest_flows import COUNTERS

HEAD = " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n"
RETRY = " Completion with error at client\n Failed status 12: wr_id 0 syndrom 0x81\nscnt=128, ccnt=0\n"
LIMITS = {
    "rdma.write_bw": (">=", 380, "Gb/s"),
    "rdma.all_rails_share": (">=", 90, "%"),
    **dict.fromkeys(COUNTERS.values(), ("<=", 0, "errors")),
}
A, B = "gpu-001/hca/mlx5_{}/port/1", "gpu-002/hca/mlx5_{}/port/1"


def row(gbps: float) -> str:
    """A result as perftest prints it."""
    return f"{HEAD} 1048576    13200000         0.00               {gbps:.2f} \t\t     0.022340\n"


def printed(*flows: str | tuple[str, int], errors: int = 5) -> str:
    """What one side prints, with a counter that stands at 5 before."""
    text = "@bringup begin before\nmlx5_0 port_rcv_errors 5\n@bringup end before 0\n"
    for n, flow in enumerate(flows):
        said, status = (flow, 0) if isinstance(flow, str) else flow
        text += f"@bringup begin flow-{n}\n{said}\n@bringup end flow-{n} {status}\n"
    return f"{text}@bringup begin after\nmlx5_0 port_rcv_errors {errors}\n@bringup end after 0\n"


@pytest.fixture
def soak(make_node, make_context, make_outputs, load_check):  # type: ignore[no-untyped-def]
    def run(client: object, server: object = None, ports: int = 2) -> Outcome:
        rails = tuple(Port(n, f"mlx5_{n}") for n in range(ports))
        pair = Pair(make_node(ports=rails), make_node(name="gpu-002", address="192.0.2.2", ports=rails))
        check = load_check("soak/fabric.py")
        ctx = make_context(LIMITS, {"soak.fabric_seconds": 600})
        plan = check.plan(pair, ctx)
        assert isinstance(plan, Serve)
        for step in (plan.server, plan.client):
            assert step.command.script.count(" -D 600 ") == 2 and " -b" in step.command.script
            assert 600 < step.command.estimate_s < step.command.timeout_s
        given = {("gpu-002", plan.server.command): printed() if server is None else server}
        given["gpu-001", plan.client.command] = client
        return judged(check, pair, make_outputs(given), ctx)

    return run


def broken(outcome: Outcome) -> list[tuple[str, str, object]]:
    return [(m.code, m.at, m.value) for m in outcome.measurements if not m.ok]


def test_full_speed_on_all_rails(soak) -> None:  # type: ignore[no-untyped-def]
    outcome = soak(printed(row(770), row(768)))
    assert (outcome.verdict, outcome.reason, broken(outcome)) == (Verdict.PASS, "", [])
    assert [(m.at, m.value) for m in outcome.measurements] == [
        (f"{A.format(n)} ~ {B.format(n)}", gbps) for n, gbps in enumerate((770.0, 768.0))
    ]


def test_a_port_that_does_not_hold_its_speed(soak) -> None:  # type: ignore[no-untyped-def]
    outcome = soak(printed(row(770), row(640)))
    assert broken(outcome) == [("RDMA-SOAK", f"{A.format(1)} ~ {B.format(1)}", 640.0)]


def test_the_end_that_counted_errors_is_named(soak) -> None:  # type: ignore[no-untyped-def]
    both = (row(770), row(768))
    assert broken(soak(printed(*both, errors=9))) == [("RDMA-DIRTY", A.format(0), 4)]
    assert broken(soak(printed(*both), server=printed(errors=6))) == [("RDMA-DIRTY", B.format(0), 1)]


def test_a_connection_that_breaks(soak) -> None:  # type: ignore[no-untyped-def]
    outcome = soak(printed(row(770), (RETRY, 1)))
    assert [(f.code, f.at) for f in outcome.findings] == [("RDMA-CONNECT", f"{A.format(1)} ~ {B.format(1)}")]


def test_what_was_not_measured_is_no_pass(soak, answer) -> None:  # type: ignore[no-untyped-def]
    cut = "@bringup begin before\n@bringup end before 0\n"
    for client in (cut, answer(ended=Ended.TIMEOUT), answer(ended=Ended.MISSING, detail="ib_write_bw")):
        assert soak(client).verdict is Verdict.ERROR


def test_nodes_without_ports_have_no_fabric(make_node, make_context, load_check) -> None:  # type: ignore[no-untyped-def]
    pair = Pair(make_node(), make_node(name="gpu-002"))
    with pytest.raises(NotApplicable):
        load_check("soak/fabric.py").plan(
            pair, make_context(LIMITS, {"fabric.hcas": [], "soak.fabric_seconds": 600})
        )
