"""link.guid and link.drift: what only the whole fleet can show."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Verdict, Why

FACTS = {"fabric.hcas": ["mlx5_0"]}


def at(node: int) -> str:
    return f"gpu-00{node}/hca/mlx5_0/port/1"


@pytest.fixture
def judge(load_check, make_node, make_context, make_outputs):
    """The outcome over four nodes; `readings` are (check, name) -> the values of the nodes in order."""

    def judge(name, readings, facts=None, count=4):
        fleet = Group("fleet", tuple(make_node(name=f"gpu-00{n}") for n in range(1, count + 1)))
        told = {
            key: tuple(Measurement(key[1], value, "", at(n)) for n, value in enumerate(values, 1))
            for key, values in readings.items()
        }
        context = make_context({}, FACTS if facts is None else facts, readings=told)
        check = load_check(f"link/{name}.py")
        check.plan(fleet, context)
        return judged(check, fleet, make_outputs({}), context)

    return judge


def test_every_port_has_names_of_its_own(judge, values) -> None:
    outcome = judge("guid", {("link.identity", "guid"): "abcd", ("link.identity", "ip address"): "wxyz"})
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("guid twice", "fleet", 0, True), ("ip address twice", "fleet", 0, True)]


def test_a_guid_that_exists_twice_is_named_at_both_ends(judge, found) -> None:
    outcome = judge("guid", {("link.identity", "guid"): "abca"})
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [
        ("fail", "DUPLICATE-GUID", "gpu-001/hca/mlx5_0"),
        ("fail", "DUPLICATE-GUID", "gpu-004/hca/mlx5_0"),
    ]
    assert outcome.findings[0].message == f"guid a is also that of {at(4)}"


def test_an_ip_address_that_exists_twice(judge, found) -> None:
    outcome = judge("guid", {("link.identity", "ip address"): "xyzy"})
    assert found(outcome) == [("fail", "DUPLICATE-ADDRESS", at(2)), ("fail", "DUPLICATE-ADDRESS", at(4))]


def test_one_port_that_names_itself_twice_is_no_duplicate(
    judge, load_check, make_node, make_context, make_outputs
) -> None:
    twice = tuple(Measurement("ip address", "10.0.0.1", "", at(1)) for _ in range(2))
    context = make_context({}, FACTS, readings={("link.identity", "ip address"): twice})
    outcome = judged(load_check("link/guid.py"), Group("fleet", (make_node(),)), make_outputs({}), context)
    assert outcome.verdict is Verdict.PASS


def test_no_identity_at_all_is_no_pass(judge) -> None:
    assert judge("guid", {}).verdict is Verdict.ERROR


@pytest.mark.parametrize("name", ["guid", "drift"])
def test_a_fleet_without_ports(judge, name) -> None:
    with pytest.raises(NotApplicable):
        judge(name, {}, facts={"fabric.hcas": []})


def test_ports_that_are_set_up_alike(judge, values) -> None:
    outcome = judge("drift", {("link.mtu", "link.mtu"): [9000] * 4, ("link.qos", "link.qos.pfc"): ["3"] * 4})
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [
        ("MTU values", "fleet", 1, True),
        ("lossless priorities values", "fleet", 1, True),
    ]


def test_one_node_is_set_up_otherwise(judge, found) -> None:
    outcome = judge("drift", {("link.mtu", "link.mtu"): [9000, 9000, 1500, 9000]})
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "LINK-DRIFT", at(3))]
    assert outcome.findings[0].message == "MTU 1500, 9000 on 3 of 4 ports"


def test_a_fleet_that_is_split(judge, found) -> None:
    outcome = judge("drift", {("link.mtu", "link.mtu"): [9000, 9000, 1500, 1500]})
    assert found(outcome) == [("fail", "LINK-DRIFT", "fleet")]


def test_nothing_to_compare(judge) -> None:
    assert judge("drift", {}).why is Why.NOT_APPLICABLE
    with pytest.raises(NotApplicable):
        judge("drift", {}, count=2)


def makes(*vendors: str) -> dict[tuple[str, str], tuple[str, ...]]:
    return {("link.optics-identity", "link.optic.vendor"): vendors}


def test_a_make_that_nobody_else_has(judge, found) -> None:
    outcome = judge("optics_drift", makes(*["NVIDIA"] * 6, "OEM", "NVIDIA"), count=8)
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "OPTIC-PART", at(7))]
    assert outcome.findings[0].message == "OEM without part number; the other 7 modules are of NVIDIA"


def test_two_makes_side_by_side_are_fine(judge, values) -> None:
    outcome = judge("optics_drift", makes(*["NVIDIA"] * 6, "OEM", "OEM"), count=8)
    assert (outcome.verdict, values(outcome)) == (Verdict.PASS, [("lone makes", "fleet", 0, True)])


def test_too_few_modules_say_nothing(judge) -> None:
    assert judge("optics_drift", makes("NVIDIA", "NVIDIA", "OEM")).why is Why.NOT_APPLICABLE
