"""perf.network: iperf3 to the servers that a profile names, and the fleet where it names no speed."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict

NAMED = ("store:5201-5204 gbps 20", "front:5201")


def report(gbps: float | None, error: str = "") -> str:
    """As iperf3 -J prints it, but for what nobody reads."""
    sums = {"bits_per_second": (gbps or 0) * 1e9, "retransmits": 7}
    end = {"sum_sent": sums, "sum_received": {"bits_per_second": (gbps or 0) * 1e9}}
    return json.dumps({"start": {}, "end": end} | ({"error": error} if error else {}))


def part(name: str, body: str) -> str:
    return f"@bringup begin {name}\n{body}\n@bringup end {name} 0\n"


def both(number: int, to: str, back: str) -> str:
    return part(f"to-{number}", to) + part(f"from-{number}", back)


@pytest.fixture
def look(load_check, node, make_context, make_outputs):  # type: ignore[no-untyped-def]
    def run(text: object, named: object = NAMED):  # type: ignore[no-untyped-def]
        check = load_check("perf/network.py")
        facts = {"perf.network_seconds": 3, "perf.network_patience_s": 300}
        ctx = make_context(facts=facts | ({"network.bandwidth": list(named)} if named else {}))
        (step,) = check.plan(node, ctx).steps
        return judged(check, node, make_outputs({step.command: text}), ctx)

    return run


def test_fast_enough(look, values) -> None:  # type: ignore[no-untyped-def]
    outcome = look(both(0, report(23.1), report(22.9)) + both(1, report(9.4), report(9.3)))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert [row for row in values(outcome) if "again" not in row[0]] == [
        ("network to store:5201-5204", "gpu-001", 23.1, True),
        ("network from store:5201-5204", "gpu-001", 22.9, True),
        ("network to front:5201", "gpu-001", 9.4, True),
        ("network from front:5201", "gpu-001", 9.3, True),
    ]


def test_slow_in_one_direction(look) -> None:  # type: ignore[no-untyped-def]
    outcome = look(both(0, report(23.1), report(4.2)) + both(1, report(0.9), report(0.9)))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.code, m.name, m.value) for m in outcome.measurements if not m.ok] == [
        ("NETWORK-BW", "network from store:5201-5204", 4.2)
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (report(45.0, "control socket has closed unexpectedly"), "control socket"),
        (report(None, "the server is busy running a test. try again later"), "busy"),
        (report(None, "error - unable to connect to server"), "unable to connect"),
    ],
)
def test_what_iperf3_calls_an_error_is_never_a_speed(look, body, said) -> None:  # type: ignore[no-untyped-def]
    outcome = look(both(0, body, report(23.0)) + both(1, report(9.4), report(9.4)))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "NETWORK-TARGET")
    assert outcome.reason.startswith("to store:5201-5204: iperf3: ") and said in outcome.reason
    assert all(m.ok for m in outcome.measurements) and len(outcome.measurements) == 6


def test_a_node_without_iperf3(look, answer) -> None:  # type: ignore[no-untyped-def]
    outcome = look(answer(ended=Ended.MISSING, detail="iperf3"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


def test_cut_off(look) -> None:  # type: ignore[no-untyped-def]
    outcome = look(both(0, report(23.0), report(23.0)))
    assert outcome.verdict is Verdict.ERROR and "cut off" in outcome.reason


def test_a_profile_without_servers_or_with_nonsense(look) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotApplicable):
        look("", None)
    with pytest.raises(NoLimit, match="HOST:PORT"):
        look("", ("store",))


def test_the_fleet_compares_where_no_speed_is_named(
    load_check, make_node, make_context, make_outputs
) -> None:  # type: ignore[no-untyped-def]
    check = load_check("perf/fleet.py")
    nodes = tuple(make_node(name=f"n-{k}", profile="test") for k in range(6))
    told = {"n-5": 3.1}
    name = "network to front:5201"
    readings = {
        ("perf.network", name): tuple(
            Measurement(name, told.get(node.name, 9.4), "Gb/s", node.name) for node in nodes
        ),
        ("perf.network", f"{name}, sent again"): tuple(
            Measurement(f"{name}, sent again", 900 if node.name == "n-0" else 0, "segments", node.name)
            for node in nodes
        ),
    }
    ctx = make_context(readings=readings)
    outcome = judged(check, Group("fleet", nodes), make_outputs({}), ctx)
    assert [(m.code, m.at) for m in outcome.measurements if not m.ok] == [("NETWORK-BW", "n-5")]
