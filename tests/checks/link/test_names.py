"""link.names: an adapter that only goes by another name, and one that is really not there."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict

FACTS = {"fabric.hcas": ["mlx5_0", "mlx5_1"]}
USUAL = {"mlx5_0": "0000:18:00.0", "mlx5_1": "0000:5e:00.0", "mlx5_9": "0000:ab:00.0"}  # invented


@pytest.fixture
def judge(load_check, make_node, make_context, make_outputs):
    """The outcome over these nodes: for each the PCIe places of its adapters by name."""

    def judge(*nodes: dict[str, str]):
        fleet = Group("fleet", tuple(make_node(name=f"gpu-{n}") for n in range(1, len(nodes) + 1)))
        told = tuple(
            Measurement("pcie place", place, "", f"gpu-{n}/hca/{hca}")
            for n, places in enumerate(nodes, 1)
            for hca, place in places.items()
        )
        context = make_context({}, FACTS, readings={("link.present", "pcie place"): told})
        check = load_check("link/names.py")
        check.plan(fleet, context)
        return judged(check, fleet, make_outputs({}), context)

    return judge


def test_all_nodes_call_their_adapters_as_the_plan_does(judge, values) -> None:
    outcome = judge(USUAL, USUAL, USUAL)
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("adapters with another name", "fleet", 0, True)]


def test_an_adapter_by_another_name(judge, found) -> None:
    renamed = {"mlx5_0": USUAL["mlx5_0"], "mlx5_20": USUAL["mlx5_1"], "mlx5_9": USUAL["mlx5_9"]}
    outcome = judge(USUAL, USUAL, USUAL, renamed)
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "PLAN-ADAPTER", "gpu-4/hca/mlx5_1")]
    (finding,) = outcome.findings
    assert finding.message == (
        "the adapter at 0000:5e:00.0 is called mlx5_20 here, mlx5_1 on 3 of 3 other nodes"
    )


def test_a_missing_adapter_beside_a_spare_of_the_same_make_is_missing(judge, found) -> None:
    missing = {name: place for name, place in USUAL.items() if name != "mlx5_1"}
    outcome = judge(USUAL, USUAL, USUAL, missing)
    assert (outcome.verdict, found(outcome)) == (Verdict.PASS, [])


def test_where_the_others_do_not_agree_no_name_is_blamed(judge, found) -> None:
    odd = {**USUAL, "mlx5_1": "0000:29:00.0"}
    renamed = {"mlx5_0": USUAL["mlx5_0"], "mlx5_20": USUAL["mlx5_1"]}
    assert found(judge(USUAL, odd, renamed)) == []


def test_nobody_told_anything(judge) -> None:
    outcome = judge({}, {}, {})
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "fewer than 3 nodes told the PCIe places of their adapters",
    )


def test_two_nodes_are_no_majority(judge) -> None:
    with pytest.raises(NotApplicable, match="2 nodes with planned adapters"):
        judge(USUAL, USUAL)
