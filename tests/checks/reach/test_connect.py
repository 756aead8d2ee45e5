"""reach.connect: every way in which a node does not answer, and what each asks of whom."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import LostKind
from bringup.judging import judged
from bringup.model import Finding, Verdict


@pytest.fixture
def check(load_check):
    return load_check("reach/connect.py")


@pytest.fixture
def hello(check, node, make_context):
    return check.plan(node, make_context()).steps[0].command


def outcome_of(check, node, make_context, make_outputs, hello, said):
    outcome = judged(check, node, make_outputs({hello: said}), make_context())
    return outcome.verdict, outcome.code, outcome.reason


def test_it_is_asked_of_lost_nodes_too(check) -> None:
    assert (check.judges_loss, check.gate) == (True, "node")


def test_an_answer(check, node, make_context, make_outputs, hello, values) -> None:
    outcome = judged(check, node, make_outputs({hello: "bringup\n"}), make_context())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [("answer", "gpu-001", "bringup", True)]


@pytest.mark.parametrize(
    ("kind", "todo"),
    [
        (LostKind.RESOLVE, "name service"),
        (LostKind.REFUSED, "start sshd"),
        (LostKind.TIMEOUT, "BMC"),
        (LostKind.NO_ROUTE, "management network"),
        (LostKind.BANNER, "console"),
        (LostKind.HOST_KEY_UNKNOWN, "known_hosts"),
        (LostKind.SHELL, "POSIX shell"),
        (LostKind.LOST, "BMC log"),
    ],
)
def test_unreachable(check, node, make_context, make_outputs, hello, answer, kind, todo) -> None:
    said = answer(ended=Ended.LOST, detail=f"{kind}: 192.0.2.1 port 22")
    verdict, code, reason = outcome_of(check, node, make_context, make_outputs, hello, said)
    assert (verdict, code) == (Verdict.ERROR, "NODE-UNREACHABLE")
    assert reason.startswith(f"{kind}: 192.0.2.1 port 22; ") and todo in reason


def test_login_refused_is_another_persons_job(check, node, make_context, make_outputs, hello, answer) -> None:
    said = answer(ended=Ended.LOST, detail="login refused: publickey")
    verdict, code, reason = outcome_of(check, node, make_context, make_outputs, hello, said)
    assert (verdict, code) == (Verdict.ERROR, "LOGIN-REFUSED")
    assert reason == (
        "login refused: publickey; correct user and key in the inventory, or have the key installed on the node"
    )


def test_a_changed_host_key_is_a_finding(check, node, make_context, make_outputs, hello, answer) -> None:
    said = answer(ended=Ended.LOST, detail="host key changed: ED25519 SHA256:abc")
    outcome = judged(check, node, make_outputs({hello: said}), make_context())
    assert (outcome.verdict, outcome.code, outcome.reason) == (Verdict.FAIL, "", "")
    assert outcome.findings == (
        Finding(
            "HOST-KEY-CHANGED",
            "host key changed: ED25519 SHA256:abc; make sure that it is the right machine,"
            " then remove the old key from known_hosts",
            "gpu-001",
        ),
    )


def test_a_loss_without_words(check, node, make_context, make_outputs, hello, answer) -> None:
    said = answer(ended=Ended.LOST)
    verdict, code, reason = outcome_of(check, node, make_context, make_outputs, hello, said)
    assert (verdict, code) == (Verdict.ERROR, "NODE-UNREACHABLE")
    assert reason.startswith("connection lost; ")


def test_a_shell_that_hangs(check, node, make_context, make_outputs, hello, answer) -> None:
    said = answer(ended=Ended.TIMEOUT)
    assert outcome_of(check, node, make_context, make_outputs, hello, said) == (
        Verdict.ERROR,
        "NODE-UNREACHABLE",
        "the login works but the shell does not answer (timeout); look at the node's console",
    )


def test_a_shell_that_says_something_else(check, node, make_context, make_outputs, hello) -> None:
    verdict, code, reason = outcome_of(check, node, make_context, make_outputs, hello, "Welcome!\nbringup\n")
    assert (verdict, code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")
    assert "Welcome!" in reason


def test_no_answer_at_all(check, node, make_context, make_outputs) -> None:
    outcome = judged(check, node, make_outputs({}), make_context())
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "no answer from gpu-001")
