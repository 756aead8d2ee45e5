"""reach.login-time reads how long a login takes; reach.login-outliers compares the fleet."""

from __future__ import annotations

import pytest

from bringup.check import Outputs
from bringup.commands import Ended, Output
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict

# Output of the commands: invented, they print a single word.


@pytest.fixture
def reading(load_check):
    return load_check("reach/login_time.py")


@pytest.fixture
def outliers(load_check):
    return load_check("reach/login_outliers.py")


def login(check, node, ctx):
    (step,) = check.plan(node, ctx).steps
    return step.command


def test_a_login_gives_a_reading(reading, node, make_context, make_outputs) -> None:
    command = login(reading, node, make_context())
    outcome = judged(reading, node, make_outputs({command: "logged-in\n"}), make_context())
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert [(m.name, m.value, m.unit, m.limit) for m in outcome.measurements] == [("login", 0.1, "s", None)]


def test_a_login_that_hangs_is_an_error_that_says_so(
    reading, node, make_context, make_outputs, answer
) -> None:
    command = login(reading, node, make_context())
    outcome = judged(reading, node, make_outputs({command: answer(ended=Ended.TIMEOUT)}), make_context())
    assert (outcome.verdict, outcome.code, outcome.measurements) == (Verdict.ERROR, "COMMAND-HANGS", ())


def test_another_answer_is_not_understood(reading, node, make_context, make_outputs) -> None:
    command = login(reading, node, make_context())
    outcome = judged(reading, node, make_outputs({command: "Welcome!\n"}), make_context())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def fleet(make_node, count: int) -> Group:
    return Group("fleet", tuple(make_node(name=f"gpu-{n:03}") for n in range(1, count + 1)))


def readings(*seconds: float):
    return {
        ("reach.login-time", "login"): tuple(
            Measurement("login", s, "s", f"gpu-{n:03}") for n, s in enumerate(seconds, 1)
        )
    }


def test_a_slow_login_is_named_with_the_edge_of_the_fleet(
    outliers, make_node, make_context, make_outputs, values
) -> None:
    ctx = make_context(readings=readings(0.2, 0.3, 0.2, 14.0, 0.2))
    outcome = judged(outliers, fleet(make_node, 5), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("login", "gpu-004", 14.0, False), ("slowest other login", "fleet", 0.3, True)]
    assert {m.limit.value for m in outcome.measurements} == {3.2}


def test_the_time_of_the_connection_is_read_and_compared_apart(
    reading, outliers, node, make_node, make_context, values
) -> None:
    command = login(reading, node, make_context())
    answer = Output(node.name, command, Ended.EXITED, 0, b"logged-in\n", seconds=0.2, login_s=6.4321)
    outcome = judged(reading, node, Outputs({(node.name, command): answer}), make_context())
    assert [(m.name, m.value) for m in outcome.measurements] == [("connection", 6.432), ("login", 0.2)]
    connections = (0.4, 0.5, 0.4, 0.4, 6.4)
    told = {
        ("reach.login-time", "connection"): tuple(
            Measurement("connection", s, "s", f"gpu-{n:03}") for n, s in enumerate(connections, 1)
        )
    }
    ctx = make_context(readings=readings(0.2, 0.2, 0.2, 0.2, 0.2) | told)
    outcome = judged(outliers, fleet(make_node, 5), Outputs({}), ctx)
    assert values(outcome) == [
        ("connection", "gpu-005", 6.4, False),
        ("slowest other connection", "fleet", 0.5, True),
        ("slowest other login", "fleet", 0.2, True),
    ]


def test_small_differences_of_a_tight_fleet_raise_nothing(
    outliers, make_node, make_context, make_outputs, values
) -> None:
    ctx = make_context(readings=readings(0.100, 0.101, 0.100, 0.100, 1.4))
    outcome = judged(outliers, fleet(make_node, 5), make_outputs({}), ctx)
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("slowest other login", "fleet", 1.4, True)]


def test_a_fleet_that_is_slow_together_has_no_outlier(
    outliers, make_node, make_context, make_outputs
) -> None:
    ctx = make_context(readings=readings(12.0, 13.0, 12.5, 11.0, 12.0))
    assert judged(outliers, fleet(make_node, 5), make_outputs({}), ctx).verdict is Verdict.PASS


def test_too_few_readings_or_nodes(outliers, make_node, make_context, make_outputs) -> None:
    outcome = judged(
        outliers, fleet(make_node, 5), make_outputs({}), make_context(readings=readings(0.1, 0.2))
    )
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    with pytest.raises(NotApplicable):
        outliers.plan(fleet(make_node, 3), make_context())
