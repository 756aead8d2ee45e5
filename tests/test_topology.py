"""Pairings: disjoint, covering, never the same pair twice, different in what they cross, constant in rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from bringup.model import Node, Port
from bringup.topology import Place, Reach, groups, homecoming, matchings, place, reach, repaired

Rounds = list[list[tuple[int, int]]]


def where(leaf: int, unit: int = 0) -> Callable[[int], Place]:
    """Nodes by their number: so many to a leaf, so many to a unit (0: units are not known)."""
    return lambda n: Place(f"leaf-{n // leaf}", f"unit-{n // unit}" if unit else "")


def kinds(pairs: Sequence[tuple[int, int]], places: Callable[[int], Place]) -> Counter[Reach]:
    return Counter(reach(places(a), places(b)) for a, b in pairs)


def check(drawn: Rounds, count: int) -> None:
    """What holds for all rounds, whatever is known of the places."""
    seen: set[frozenset[int]] = set()
    rested: list[int] = []
    for pairs in drawn:
        flat = [n for pair in pairs for n in pair]
        assert len(flat) == len(set(flat)) == count - count % 2
        rested += set(range(count)) - set(flat)
        for pair in pairs:
            assert frozenset(pair) not in seen
            seen.add(frozenset(pair))
    assert len(rested) == len(set(rested))
    if len(drawn) >= 2:
        assert {n for pair in seen for n in pair} == set(range(count))
    first, second = (Counter(pair[side] for pairs in drawn for pair in pairs) for side in (0, 1))
    assert all(abs(first[n] - second[n]) <= 1 for n in range(count)), "both directions of every node"


@given(st.integers(2, 200), st.integers(1, 6))
def test_matchings_are_disjoint_cover_and_never_repeat(count: int, rounds: int) -> None:
    drawn = matchings(range(count), rounds)
    assert len(drawn) == min(rounds, count - 1 if count % 2 == 0 else count)
    check(drawn, count)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=2, max_size=60))
def test_so_are_three_rounds_over_any_topology(spots: list[tuple[int, int]]) -> None:
    count = len(spots)
    drawn = matchings(range(count), 3, lambda n: Place(f"leaf-{spots[n][0]}", f"unit-{spots[n][1]}"))
    assert len(drawn) == min(3, count - 1 if count % 2 == 0 else count)
    check(drawn, count)


@given(st.integers(2, 9), st.integers(2, 4), st.integers(2, 4))
def test_the_rounds_cross_what_they_promise(leaf: int, leaves: int, units: int) -> None:
    """All pairs of a round are of its kind, as far as there are such pairs; the odd ones of each part meet otherwise."""
    unit = leaf * leaves
    count = unit * units
    places = where(leaf, unit)
    inside, across, far = (kinds(pairs, places) for pairs in matchings(range(count), 3, places))
    assert inside[Reach.LEAF] == leaves * units * (leaf // 2)
    assert across[Reach.UNIT] == units * (unit // 2)
    assert far[Reach.FAR] == count // 2


@given(st.integers(1, 20), st.integers(2, 6))
def test_without_units_the_last_two_rounds_cross_leaves(leaf: int, leaves: int) -> None:
    count, places = leaf * leaves, where(leaf)
    drawn = [kinds(pairs, places) for pairs in matchings(range(count), 3, places)]
    assert drawn[0][Reach.LEAF] == leaves * (leaf // 2)
    repeats = 2 if count <= 4 else 0  # of four nodes on two leaves there are only two such rounds
    assert all(mine[Reach.UNIT] >= count // 2 - repeats for mine in drawn[1:])


def test_partners_of_the_second_crossing_sit_on_other_leaves_than_those_of_the_first() -> None:
    places = where(16)
    _, first, second = matchings(range(64), 3, places)
    far = [
        {places(n).leaf: places(m).leaf for pair in mine for n, m in (pair, pair[::-1])}
        for mine in (first, second)
    ]
    assert all(far[0][leaf] != far[1][leaf] for leaf in far[0])


def test_a_leaf_of_more_than_half_of_all_meets_whom_it_can() -> None:
    places = where(60)
    drawn = [kinds(pairs, places) for pairs in matchings(range(100), 3, places)]
    assert drawn[1] == {Reach.UNIT: 40, Reach.LEAF: 10}


def test_no_pairs_without_two_nodes() -> None:
    assert matchings([], 3) == []
    assert matchings(["a"], 3) == []
    assert matchings(["a", "b"], 3, lambda n: Place(n)) == [[("a", "b")]]


def test_the_places_of_the_plan() -> None:
    ports = (Port(1, "mlx5_1", "leaf-2"), Port(0, "mlx5_0", "leaf-1"), Port(2, "mlx5_2", "leaf-1"))
    node = Node("gpu-001", rack="R01", ports=ports, tags=("spare", "unit.3"))
    assert place(node) == Place("leaf-1+leaf-2", "3", "R01")
    assert place(Node("gpu-002", tags=("domain.nvl-1",), rack="R01")) == Place("", "", "nvl-1")
    assert place(Node("gpu-003", ports=(Port(0, "mlx5_0"),))) == Place()


def test_groups_of_one_place() -> None:
    nodes = [Node("a", rack="R1"), Node("b", rack="R2"), Node("c", rack="R1"), Node("d")]
    found = groups(nodes, lambda n: place(n).domain)
    assert {name: [n.name for n in mine] for name, mine in found.items()} == {"R1": ["a", "c"], "R2": ["b"]}


@given(st.integers(2, 40), st.sets(st.integers(0, 39)))
def test_a_round_without_some_nodes_keeps_everybody_else_at_work(count: int, gone: set[int]) -> None:
    nodes = list(range(count))
    pairs, alone = repaired(matchings(nodes, 1)[0], frozenset(gone))
    flat = [n for pair in pairs for n in pair]
    resting = count % 2
    assert not set(flat) & gone
    assert len(flat) == len(set(flat))
    assert len(alone) <= 1
    assert len(set(nodes) - gone - set(flat)) <= 1 + resting


@given(st.integers(8, 40), st.integers(2, 4), st.integers(3, 40))
def test_everybody_meets_somebody_of_its_nvlink_domain_in_two_rounds(
    size: int, count: int, leaf: int
) -> None:
    """Racks and leaves do not end at the same node: one leaf holds trays of two domains."""
    drawn = matchings(range(size * count), 2, lambda n: Place(f"leaf-{n // leaf}", "", f"rack-{n // size}"))
    check(drawn, size * count)
    met = {n for pairs in drawn for a, b in pairs if a // size == b // size for n in (a, b)}
    assert met == set(range(size * count))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.data())
def test_everybody_who_met_nobody_at_home_does_so_in_one_more_round(
    domains: list[int], data: st.DataObject
) -> None:
    nodes = list(range(len(domains)))
    pair = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes)).filter(lambda p: p[0] != p[1])
    tested = {frozenset(p) for p in data.draw(st.lists(pair, max_size=20))} if len(nodes) > 1 else set()
    pairs, left = homecoming(nodes, lambda n: str(domains[n]), tested)
    flat = [n for pair in pairs for n in pair]
    assert len(flat) == len(set(flat))
    assert all(domains[a] == domains[b] and frozenset((a, b)) not in tested for a, b in pairs)
    at_home = {n for p in tested if len({domains[n] for n in p}) == 1 for n in p}
    assert set(nodes) - at_home == (set(flat) | set(left)) - at_home
    assert not set(left) & (at_home | set(flat))
    # nobody is left who has somebody to meet that was tested already, and of the untested at most one
    assert all(not (at_home & {m for m in nodes if domains[m] == domains[n]}) for n in left)
    assert len({domains[n] for n in left}) == len(left)


def test_who_could_not_be_tested_meets_another_one() -> None:
    tried = {frozenset("ab")}
    assert homecoming("abc", lambda n: "R1", set(), tried) == ([("a", "c")], ["b"])
    assert homecoming("abcd", lambda n: "R1", set(), tried) == ([("a", "c"), ("b", "d")], [])
    assert homecoming("abcd", lambda n: "R1", {frozenset("cd")}, tried) == ([("a", "c"), ("b", "d")], [])
    assert homecoming("ab", lambda n: "R1", set(), tried) == ([("a", "b")], []), "there is nobody else"
