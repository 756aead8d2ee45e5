"""One finding on more than half of the nodes is one finding of the fleet; on fewer it stays with each node."""

from __future__ import annotations

import pytest

from bringup.defects import Defect, Fault, Severity, Who
from bringup.diagnosis import diagnose
from bringup.model import Limit, Measurement, Node, Outcome, Stage, Verdict

LIMIT = Limit("swap", "<=", 0, "GiB")


def found(nodes: int, bad: int, who: Who, values: str = "same") -> list[Defect]:
    """The defects of a fleet of which so many nodes break one limit, by the same or by different values."""
    names = [f"gpu-{n:03}" for n in range(1, nodes + 1)]
    outcomes = [
        Outcome(
            "host.swap",
            Stage.HOST,
            name,
            (name,),
            Verdict.FAIL if n < bad else Verdict.PASS,
            (name,),
            measurements=(
                Measurement(
                    "swap",
                    0 if n >= bad else 64 if values == "same" else 64 + n,
                    "GiB",
                    name,
                    LIMIT,
                    "SWAP-ON",
                ),
            ),
        )
        for n, name in enumerate(names)
    ]
    declared = {
        "host.swap": (Fault("SWAP-ON", "swap on {node}", "swapoff on {node}", who, Severity.MONITOR),)
    }
    return diagnose(outcomes, declared, {name: Node(name) for name in names})


@pytest.mark.parametrize("who", [Who.HANDS_ON, Who.CONFIGURATION, Who.SOFTWARE])
@pytest.mark.parametrize("values", ["same", "different"])
def test_more_than_half_is_the_fleet(who: Who, values: str) -> None:
    (defect,) = found(8, 5, who, values)
    assert (defect.component, defect.code, defect.who) == ("fleet/SWAP-ON", "SWAP-ON", Who.CONFIGURATION)
    assert len(defect.nodes) == len(defect.components) == 5


def test_half_is_not() -> None:
    assert [d.component for d in found(8, 4, Who.HANDS_ON)] == [f"gpu-{n:03}" for n in range(1, 5)]


def test_of_few_nodes_none_is_a_fleet() -> None:
    assert len(found(3, 3, Who.HANDS_ON)) == 3


def test_below_half_equal_work_for_one_person_is_one_defect() -> None:
    (defect,) = found(8, 3, Who.CONFIGURATION)
    assert (defect.component, len(defect.nodes)) == ("gpu-001", 3)
    assert len(found(8, 3, Who.CONFIGURATION, "different")) == 3
