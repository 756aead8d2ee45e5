"""What counts as a hit, a misplaced one, a miss and a false alarm."""

from __future__ import annotations

from typing import Any

import pytest

from bringup.campaign.score import score
from bringup.campaign.types import Hit, Place, Planted, Wanted
from bringup.defects import Who

PORT = "gpu-001/hca/mlx5_0/port/1"


@pytest.mark.parametrize(
    ("code", "component", "who", "hit", "alarms"),
    [
        ("LINK-RATE", PORT, Who.HANDS_ON, Hit.RIGHT, 0),
        ("LINK-RATE", PORT, Who.SOFTWARE, Hit.WRONG_CLASS, 0),
        ("LINK-RATE", "gpu-001/hca/mlx5_3/port/1", Who.HANDS_ON, Hit.MISPLACED, 0),
        ("LINK-RATE", "gpu-002/hca/mlx5_0/port/1", Who.HANDS_ON, Hit.MISSED, 1),
        ("RDMA-BW", PORT, Who.HANDS_ON, Hit.MISSED, 1),
    ],
)
def test_one_defect_against_one_fault(
    code: str, component: str, who: Who, hit: Hit, alarms: int, planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:  # fmt: skip
    fault = planted("port-rate", "gpu-001", ("LINK-RATE", PORT))
    result = score(scenario(fault), ended(defect(code, component, who=who)))
    assert (result.faults[0].hit, len(result.alarms), result.failed) == (hit, alarms, hit is not Hit.RIGHT)


def test_nothing_reported_is_a_miss(planted: Any, scenario: Any, ended: Any) -> None:
    result = score(scenario(planted("ecc", "gpu-001", ("GPU-ECC", "gpu-001/gpu/3"))), ended())
    assert result.faults[0].hit is Hit.MISSED
    assert result.failed


def test_any_of_the_alternatives_is_right_and_patterns_count(
    planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:
    fault = planted(
        "gpu-missing", "gpu-001", ("PCIE-GPU-MISSING", "gpu-001/gpu/1"), ("*GPU-MISSING", "gpu-001*")
    )
    result = score(scenario(fault), ended(defect("GPU-MISSING", "gpu-001")))
    assert (result.faults[0].hit, result.alarms) == (Hit.RIGHT, ())


def test_a_second_defect_of_another_code_at_the_same_node_is_an_alarm(
    planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:
    fault = planted("port-rate", "gpu-001", ("LINK-RATE", PORT))
    result = score(scenario(fault), ended(defect("LINK-RATE", PORT), defect("GPU-ECC", "gpu-001/gpu/0")))
    assert [(a.code, a.kind) for a in result.collateral] == [("GPU-ECC", "port-rate")]
    assert result.failed


def test_a_folded_defect_counts_at_each_of_its_nodes(
    planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:
    faults = [
        planted("clock-unsynced", n, ("CLOCK-UNSYNCED", n), who=Who.CONFIGURATION)
        for n in ("gpu-001", "gpu-002")
    ]
    places = ("gpu-001", "gpu-002", "gpu-003")
    folded = defect("CLOCK-UNSYNCED", "gpu-001", who=Who.CONFIGURATION, nodes=places, components=places)
    result = score(scenario(*faults), ended(folded))
    assert [f.hit for f in result.faults] == [Hit.RIGHT, Hit.RIGHT]
    assert [(a.component, a.kind) for a in result.alarms] == [("gpu-003", "")]


def test_a_fleet_defect_meets_a_fleet_fault_and_only_its_nodes(
    defect: Any, scenario: Any, ended: Any
) -> None:
    nodes = ("gpu-001", "gpu-002", "gpu-003")
    fault = Planted("fleet-driver", nodes, (Place(nodes, (Wanted("GPU-DRIVER", "fleet", "configuration"),)),))
    whole = defect("GPU-DRIVER", "fleet/GPU-DRIVER", who=Who.CONFIGURATION, nodes=nodes, components=nodes)
    assert score(scenario(fault), ended(whole)).failed is False
    more = (*nodes, "gpu-004")
    wider = defect("GPU-DRIVER", "fleet/GPU-DRIVER", who=Who.CONFIGURATION, nodes=more, components=more)
    assert [a.component for a in score(scenario(fault), ended(wider)).alarms] == ["gpu-004"]


def test_a_leaf_is_one_place_for_all_its_nodes(defect: Any, scenario: Any, ended: Any) -> None:
    nodes = ("gpu-001", "gpu-002")
    fault = Planted("slow-leaf", nodes, (Place(nodes, (Wanted("LEAF-SLOW", "leaf-03", "hands-on"),)),))
    assert score(scenario(fault), ended(defect("LEAF-SLOW", "leaf-03", nodes=nodes))).failed is False
    at_ports = [defect("RDMA-BW", f"{n}/hca/mlx5_4/port/1") for n in nodes]
    result = score(scenario(fault), ended(*at_ports))
    assert (result.faults[0].hit, len(result.alarms)) == (Hit.MISSED, 2)


def test_every_place_of_a_fault_must_be_right(defect: Any, scenario: Any, ended: Any) -> None:
    places = tuple(Place((n,), (Wanted("CABLE-SWAP", n, "hands-on"),)) for n in ("gpu-001", "gpu-002"))
    fault = Planted("cable-swap", ("gpu-001", "gpu-002"), places)
    result = score(scenario(fault), ended(defect("CABLE-SWAP", "gpu-001")))
    assert result.faults[0].hit is Hit.MISSED


def test_what_is_due_later_may_be_missed_and_may_show_otherwise(
    planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:
    fault = planted("hbm-slow", "gpu-001", ("GPU-HBM", "gpu-001/gpu/1"), closes="issue 4")
    missed = score(scenario(fault), ended(verdict="READY"))
    assert (missed.faults[0].hit, missed.failed) == (Hit.MISSED, False)
    otherwise = score(scenario(fault), ended(defect("COLL-BUSBW", "gpu-001")))
    assert ([a.later for a in otherwise.alarms], otherwise.failed) == (["issue 4"], False)
    elsewhere = score(scenario(fault), ended(defect("COLL-BUSBW", "gpu-002")))
    assert elsewhere.failed


def test_an_oddity_must_raise_nothing(planted: Any, defect: Any, scenario: Any, ended: Any) -> None:
    odd = planted("idle-pcie", "gpu-001")
    assert score(scenario(odd, family="oddity"), ended(verdict="READY")).failed is False
    noisy = score(scenario(odd, family="oddity"), ended(defect("PCIE-GPU-GEN", "gpu-001/gpu/0")))
    assert [(a.code, a.kind) for a in noisy.collateral] == [("PCIE-GPU-GEN", "idle-pcie")]


@pytest.mark.parametrize("verdict", ["INCOMPLETE", "NOT READY", ""])
def test_a_clean_cluster_must_be_ready_not_only_silent(verdict: str, scenario: Any, ended: Any) -> None:
    assert score(scenario(family="clean"), ended(verdict="READY")).failed is False
    assert score(scenario(family="clean"), ended(verdict=verdict)).failed is True


@pytest.mark.parametrize(
    ("verdict", "who", "failed"),
    [
        ("NOT READY", Who.HANDS_ON, False),
        ("INCOMPLETE", Who.HANDS_ON, True),
        ("INCOMPLETE", Who.COULD_NOT_JUDGE, False),
        ("READY", Who.COULD_NOT_JUDGE, True),
    ],
)
def test_the_verdict_must_fit_the_faults(
    verdict: str, who: Who, failed: bool, planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:
    fault = planted("x", "gpu-001", ("CODE", "gpu-001"), who=who)
    assert score(scenario(fault), ended(defect("CODE", "gpu-001", who=who), verdict=verdict)).failed is failed


@pytest.mark.parametrize("more", [{"missing": 3}, {"broken": ("a sentence",)}, {"error": "ValueError: x"}])
def test_holes_failed_questions_and_crashes_fail_a_scenario(
    more: dict[str, object], planted: Any, defect: Any, scenario: Any, ended: Any
) -> None:
    fault = planted("ecc", "gpu-001", ("GPU-ECC", "gpu-001/gpu/3"))
    assert score(scenario(fault), ended(defect("GPU-ECC", "gpu-001/gpu/3"))).failed is False
    assert score(scenario(fault), ended(defect("GPU-ECC", "gpu-001/gpu/3"), **more)).failed is True


def test_a_crash_proves_nothing_found(planted: Any, scenario: Any, ended: Any) -> None:
    result = score(scenario(planted("ecc", "gpu-001", ("GPU-ECC", "gpu-001"))), ended(error="killed"))
    assert (result.faults[0].hit, result.problems) == (Hit.MISSED, ("killed",))


def test_a_name_with_pattern_signs_is_text(defect: Any, scenario: Any, ended: Any) -> None:
    fault = Planted("x", ("n1",), (Place(("n1",), (Wanted("C", "n1/hca/[*]", "hands-on"),)),))
    assert score(scenario(fault), ended(defect("C", "n1/hca/*"))).faults[0].hit is Hit.RIGHT
    assert score(scenario(fault), ended(defect("C", "n1/hca/other"))).faults[0].hit is Hit.MISPLACED
