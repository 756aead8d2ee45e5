"""The floor as data: racks in order, cells where a person expects them. Node names are invented."""

from __future__ import annotations

import pytest

from bringup.model import Node
from bringup.tui.heat import Floor, following, neighbour, place, racks


def hall(racks_: int, per_rack: int) -> list[Node]:
    return [
        Node(f"n{r * per_rack + k + 1:03}", rack=f"R{r + 1}", unit=str(4 * k + 2))
        for r in range(racks_)
        for k in range(per_rack)
    ]


def picture(floor: Floor, width: int) -> list[str]:
    lines = [[" "] * width for _ in range(floor.height)]
    for y, line in enumerate(floor.lines):
        for x, label in floor.labels[y]:
            lines[y][x : x + len(label)] = label
        for x, _ in line:
            lines[y][x] = "o"
    return ["".join(line).rstrip() for line in lines]


def test_racks_stand_in_columns_and_their_nodes_in_eights() -> None:
    assert picture(place(racks(hall(6, 12)), 60), 60) == [
        " R1 oooooooo oooo   R3 oooooooo oooo   R5 oooooooo oooo",
        " R2 oooooooo oooo   R4 oooooooo oooo   R6 oooooooo oooo",
    ]


def test_racks_are_sorted_as_numbers_and_nodes_from_the_bottom_up() -> None:
    nodes = [
        Node("b", rack="R10", unit="2"),
        Node("c", rack="R9", unit="20"),
        Node("a", rack="R9", unit="4"),
        Node("z"),
    ]
    assert [(r.name, r.nodes) for r in racks(nodes)] == [("R9", ("a", "c")), ("R10", ("b",)), ("", ("z",))]


def test_without_racks_every_line_begins_with_its_first_node() -> None:
    nodes = [Node(f"gpu-{k:03}") for k in range(1, 41)]
    assert picture(place(racks(nodes), 40), 40) == [
        " gpu-001 oooooooo oooooooo oooooooo",
        " gpu-025 oooooooo oooooooo",
    ]


def test_a_wide_terminal_shows_at_most_64_nodes_on_a_line() -> None:
    nodes = [Node(f"n{k:04}") for k in range(1024)]
    floor = place(racks(nodes), 300)
    assert [len(line) for line in floor.lines] == [64] * 16


@pytest.mark.parametrize("width", [1, 10, 40, 80, 120, 200])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (64, 16), (2, 100), (200, 1)])
def test_every_node_has_its_own_cell_inside_the_width(width: int, shape: tuple[int, int]) -> None:
    nodes = hall(*shape)
    floor = place(racks(nodes), width)
    assert set(floor.cells) == {n.name for n in nodes}
    assert len(set(floor.cells.values())) == len(nodes)
    if width >= 40:
        assert max(x for _, x in floor.cells.values()) < width
    assert {name for line in floor.lines for _, name in line} == set(floor.cells)


def test_moving_stays_on_cells_and_stops_at_the_edges() -> None:
    floor = place(racks(hall(4, 3)), 20)  # R1 R3 / R2 R4
    assert neighbour(floor, "n001", 1, 0) == "n002"
    assert neighbour(floor, "n003", 1, 0) == "n007"  # across the gap into R3
    assert neighbour(floor, "n001", -1, 0) == "n001"
    assert neighbour(floor, "n009", 1, 0) == "n009"
    assert neighbour(floor, "n002", 0, 1) == "n005"
    assert neighbour(floor, "n002", 0, 5) == "n005"
    assert neighbour(floor, "gone", 1, 0) == "n001"
    assert neighbour(Floor(), "gone", 1, 0) == ""


def test_the_next_defect_goes_round() -> None:
    order = ["a", "b", "c", "d"]
    assert following(order, "a", ["b", "d"], 1) == "b"
    assert following(order, "d", ["b", "d"], 1) == "b"
    assert following(order, "b", ["b", "d"], -1) == "d"
    assert following(order, "c", ["b", "d"], -1) == "b"
    assert following(order, "c", [], 1) == "c"
    assert following(order, "c", ["hidden"], 1) == "c"
