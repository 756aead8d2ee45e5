"""reach.identity: the right machine, another machine, and one that does not tell its serial number."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Verdict, Weight
from bringup.parsers.host import IDENTITY


@pytest.fixture
def check(load_check):
    return load_check("reach/identity.py")


def says(hostname: str, serial: str = "") -> str:
    return f"hostname={hostname}\nserial={serial}\nproduct=DGXH100\nend=identity\n"


@pytest.mark.parametrize("hostname", ["gpu-001", "GPU-001", "gpu-001.hall-2.example"])
def test_the_planned_machine(check, make_node, make_context, make_outputs, values, hostname) -> None:
    node = make_node(serial="1660224000123")
    outcome = judged(check, node, make_outputs({IDENTITY: says(hostname, "1660224000123")}), make_context())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [
        ("hostname", "gpu-001", "gpu-001", True),
        ("serial", "gpu-001", "1660224000123", True),
    ]


def test_another_machine(check, make_node, make_context, make_outputs, values) -> None:
    node = make_node(serial="1660224000123")
    outcome = judged(check, node, make_outputs({IDENTITY: says("gpu-010", "1660224000999")}), make_context())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [
        ("hostname", "gpu-001", "gpu-010", False),
        ("serial", "gpu-001", "1660224000999", False),
    ]


def test_without_a_planned_serial_only_the_name_counts(
    check, node, make_context, make_outputs, values
) -> None:
    outcome = judged(check, node, make_outputs({IDENTITY: says("gpu-001", "1660224000123")}), make_context())
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("hostname", "gpu-001", "gpu-001", True)]


@pytest.mark.parametrize(
    ("serial", "why", "code"),
    [
        ("!unreadable", "can only be read as root", ""),
        ("", "is not reported", "IDENTITY-UNPROVEN"),
        ("Default string", "is the maker's placeholder 'Default string'", "IDENTITY-UNPROVEN"),
        (
            "To be filled by O.E.M.",
            "is the maker's placeholder 'To be filled by O.E.M.'",
            "IDENTITY-UNPROVEN",
        ),
    ],
)
def test_a_planned_serial_that_is_not_told_is_not_judged(
    check, make_node, make_context, make_outputs, values, serial, why, code
) -> None:
    node = make_node(serial="1660224000123")
    outcome = judged(check, node, make_outputs({IDENTITY: says("gpu-001", serial)}), make_context())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, code)
    assert outcome.reason == f"the serial number {why}, so it was not compared"
    assert values(outcome) == [("hostname", "gpu-001", "gpu-001", True)]


def test_another_host_name_is_proven_even_if_the_serial_is_not_told(
    check, make_node, make_context, make_outputs
) -> None:
    node = make_node(serial="1660224000123")
    outcome = judged(check, node, make_outputs({IDENTITY: says("gpu-010", "Default string")}), make_context())
    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "IDENTITY-UNPROVEN")


def test_a_placeholder_where_no_serial_is_planned_is_a_note(check, node, make_context, make_outputs) -> None:
    outcome = judged(check, node, make_outputs({IDENTITY: says("gpu-001", "Default string")}), make_context())
    assert outcome.verdict is Verdict.PASS
    message = "its serial number is the maker's placeholder 'Default string'"
    assert outcome.findings == (Finding("IDENTITY-UNPROVEN", message, "gpu-001", Weight.NOTE),)


def test_this_machine_needs_no_name(check, make_node, make_context, make_outputs, values) -> None:
    with pytest.raises(NotApplicable):
        check.plan(make_node(connection="local"), make_context())
    node = make_node(connection="local", serial="1660224000123")
    assert [s.command for s in check.plan(node, make_context()).steps] == [IDENTITY]
    outcome = judged(check, node, make_outputs({IDENTITY: says("laptop", "1660224000999")}), make_context())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("serial", "gpu-001", "1660224000999", False)]


def test_a_cut_answer(check, node, make_context, make_outputs) -> None:
    outcome = judged(check, node, make_outputs({IDENTITY: "hostname=gpu-001\n"}), make_context())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")
