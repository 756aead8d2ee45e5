"""The comparison with the plan: each way in which cables can lie wrong is one finding with one thing to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bringup.cabling.ends import FarEnd, HostPort
from bringup.cabling.plan import compare

Ports = tuple[HostPort, ...]
ByRail = Callable[[int, int], Ports]
AsPlanned = Callable[[Ports], dict[str, FarEnd]]


def at(node: int, rail: int) -> str:
    return f"gpu-{node}/hca/mlx5_{rail}/port/1"


def end(leaf: str, number: int) -> FarEnd:
    return FarEnd(leaf, (str(number),), number)


def exchange(ends: dict[str, FarEnd], *ring: str) -> None:
    ends.update(zip(ring, [ends[one] for one in (*ring[1:], ring[0])], strict=True))


def test_as_planned(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    compared = compare(ports, as_planned(ports))
    assert (compared.deviations, compared.seen) == ((), 8)


def test_unseen_is_not_wrong(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    del ends[at(2, 1)]
    compared = compare(ports, ends)
    assert (compared.deviations, compared.seen) == ((), 7)


def test_two_nodes_have_each_others_cable(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    exchange(ends, at(2, 1), at(3, 1))
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-SWAP", (at(2, 1), at(3, 1)))
    assert found.seen == "gpu-2 mlx5_1 ends at leaf-1 port 3, gpu-3 mlx5_1 ends at leaf-1 port 2"
    assert found.todo == (
        "at leaf-1 exchange the plugs of ports 2 and 3: cable leaf-1-2 belongs to gpu-2 mlx5_1 in leaf-1 port 2, "
        "cable leaf-1-3 belongs to gpu-3 mlx5_1 in leaf-1 port 3"
    )


def test_two_rails_of_a_node_exchanged(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    exchange(ends, at(2, 0), at(2, 1))
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-SWAP", (at(2, 0), at(2, 1)))
    assert found.todo.startswith("exchange the plugs of mlx5_0 and mlx5_1 at gpu-2 (R01), or at the leaves")


def test_three_cables_in_a_ring_are_one_finding(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    exchange(ends, at(1, 0), at(2, 0), at(3, 1))
    (found,) = compare(ports, ends).deviations
    assert (found.code, set(found.at)) == ("CABLE-SWAP", {at(1, 0), at(2, 0), at(3, 1)})
    assert found.todo.startswith("move the plugs of 3 cables that lie in a ring")


@pytest.mark.parametrize(
    ("where", "todo"),
    [
        (
            end("leaf-1", 63),
            "at leaf-1 move the plug of gpu-2 mlx5_1 (cable leaf-1-2) from port 63 to port 2",
        ),
        (
            end("leaf-0", 64),
            "move the plug of gpu-2 (R01) mlx5_1 (cable leaf-1-2) from leaf-0 port 64 to leaf-1 port 2",
        ),
    ],
)
def test_wrong_port_and_wrong_leaf(by_rail: ByRail, as_planned: AsPlanned, where: FarEnd, todo: str) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    ends[at(2, 1)] = where
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at, found.todo) == ("CABLE-WRONG", (at(2, 1),), todo)


def test_the_place_of_a_port_without_link(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    ends[at(2, 1)] = ends.pop(at(3, 1))
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-WRONG", (at(2, 1),))
    assert found.seen.endswith("that is the place of gpu-3 mlx5_1, which was not seen")


def test_a_chain_of_moved_cables_tells_who_is_in_whose_place(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    ends[at(2, 1)], ends[at(3, 1)] = ends[at(3, 1)], end("leaf-1", 30)
    first, second = compare(ports, ends).deviations
    assert first.seen.endswith("that is the place of gpu-3 mlx5_1, which is elsewhere as well")
    assert second.todo == (
        "at leaf-1 move the plug of gpu-3 mlx5_1 (cable leaf-1-3) from port 30 to port 3; there gpu-2 mlx5_1 is plugged in"
    )


def test_a_cable_that_nobody_planned(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports) | {
        "gpu-2/hca/mlx5_9/port/1": end("leaf-0", 62),
        "gpu-2/hca/mlx5_8/port/1": end("storage-1", 1),
        "login-1/hca/mlx5_0/port/1": end("leaf-0", 61),
    }
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-EXTRA", ("gpu-2/hca/mlx5_9/port/1",))


def test_the_cable_in_another_adapter_of_the_node(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 2)
    ends = as_planned(ports)
    ends["gpu-2/hca/mlx5_9/port/1"] = ends.pop(at(2, 1))
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-WRONG", (at(2, 1),))
    assert found.seen == "cable leaf-1-2 is plugged into mlx5_9 of gpu-2 instead of mlx5_1"


def test_the_same_shift_on_all_nodes_is_the_plan(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(4, 3)
    ends = as_planned(ports)
    for node in range(1, 5):
        exchange(ends, at(node, 0), at(node, 1), at(node, 2))
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-PLAN", ("fleet",))
    assert found.seen.startswith(
        "on all 4 nodes the cables are exchanged in the same way: mlx5_0 lies where mlx5_1 should"
    )


def test_the_same_exchange_on_some_nodes_names_them(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(8, 3)
    ends = as_planned(ports)
    for node in (2, 5, 7):
        exchange(ends, at(node, 0), at(node, 1))
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-PLAN", ("gpu-2", "gpu-5", "gpu-7"))


def test_the_same_exchange_on_two_nodes_is_two_swaps(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(8, 3)
    ends = as_planned(ports)
    for node in (2, 5):
        exchange(ends, at(node, 0), at(node, 1))
    assert [d.code for d in compare(ports, ends).deviations] == ["CABLE-SWAP", "CABLE-SWAP"]


def test_a_leaf_whose_ports_are_numbered_otherwise(by_rail: ByRail, as_planned: AsPlanned) -> None:
    ports = by_rail(6, 2)
    ends = as_planned(ports)
    for node in range(1, 7):
        ends[at(node, 1)] = end("leaf-1", node + 1)
    (found,) = compare(ports, ends).deviations
    assert (found.code, found.at) == ("CABLE-PLAN", ("leaf-1",))
    assert found.seen == "6 of 6 cables planned for leaf-1 are at leaf-1, 1 port up"


def test_ports_with_names_that_cannot_be_compared_count_by_their_leaf(by_rail: ByRail) -> None:
    ports = by_rail(3, 1)
    address = "1a:e2:18:42:bd:e7"
    assert not compare(ports, {p.at: FarEnd("leaf-0", (address,)) for p in ports}).deviations
    (found,) = compare(ports, {at(1, 0): FarEnd("leaf-9", (address,))}).deviations
    assert found.code == "CABLE-WRONG"
