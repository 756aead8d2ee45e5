"""link.board-drift: one adapter of another make stands out; makes in numbers are an order."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Group, Measurement, Verdict, Weight

FACTS = {"fabric.hcas": ["mlx5_0", "mlx5_1"]}


@pytest.fixture
def judge(load_check, make_node, make_context, make_outputs):
    """The outcome over nodes with two adapters each; `boards` in their order."""

    def run(boards: str, count: int = 3):
        fleet = Group("fleet", tuple(make_node(name=f"gpu-{n:03}") for n in range(1, count + 1)))
        told = tuple(
            Measurement("board", board, "", f"gpu-{n // 2 + 1:03}/hca/mlx5_{n % 2}")
            for n, board in enumerate(boards.split())
        )
        ctx = make_context({}, FACTS, readings={("link.firmware", "board"): told})
        check = load_check("link/board_drift.py")
        check.plan(fleet, ctx)
        return judged(check, fleet, make_outputs({}), ctx)

    return run


def test_one_make(judge, values) -> None:
    outcome = judge("A A A A A A")
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("adapters of another make", "fleet", 0, True)]


def test_one_adapter_of_another_make(judge) -> None:
    outcome = judge("A A A A A B")
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (Finding("HCA-BOARD", "board B, A on 5 of 6 adapters", "gpu-003/hca/mlx5_1"),)


def test_two_makes_in_numbers_are_noted(judge) -> None:
    outcome = judge("A B A B A B")
    assert outcome.verdict is Verdict.PASS
    assert [(f.weight, f.at) for f in outcome.findings] == [(Weight.NOTE, "fleet")]


def test_too_few(judge) -> None:
    assert judge("A A").verdict is Verdict.ERROR
    with pytest.raises(NotApplicable):
        judge("A A", count=1)
