"""Drawing scenarios: reproducible, valid, one fault to a node, and none forgotten."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bringup import battery
from bringup.campaign import Rules, Wish, draw, plans
from bringup.campaign.cases import scenarios as cases
from bringup.campaign.layout import Part, inventory_text, mixed_text, names
from bringup.campaign.scenarios import CLEAN_SHARE
from bringup.campaign.types import Scenario
from bringup.inventory import parse
from bringup.mock import KINDS, check_faults
from bringup.mock.faults.expected import Scope
from bringup.profile import available

PLANS = plans(available())
H100 = {"hgx-h100": PLANS["hgx-h100"]}
NARROW = {k.id for k in KINDS.values() if k.scope is Scope.NODE}


def mistakes(scenario: Scenario) -> list[str]:
    """What the inventory reader and the simulator say of a scenario's text."""
    inventory = parse(scenario.text.encode(), Path("s.yaml"), known_profiles=available())
    assert inventory.simulate is not None
    return [m.text for m in check_faults(inventory.simulate, inventory.nodes)]


def test_the_same_wish_gives_the_same_scenarios_and_another_seed_others() -> None:
    wish = Wish(seeds=(1, 2), combine=3)
    first, second = draw(wish, KINDS, H100), draw(wish, KINDS, H100)
    assert first == second
    by_seed = [{s.text for s in first.scenarios if s.seed == seed} for seed in (1, 2)]
    assert by_seed[0].isdisjoint(by_seed[1])
    assert len({s.id for s in first.scenarios}) == len(first.scenarios)


def test_each_kind_that_fits_is_seeded_once_for_each_seed() -> None:
    drawn = draw(Wish(seeds=(1, 2, 3)), KINDS, H100)
    seeded = Counter(p.kind for s in drawn.scenarios for p in s.planted)
    assert set(seeded) | set(drawn.unplayed) == set(KINDS)
    assert set(seeded.values()) == {3}


def test_a_pack_has_one_fault_to_a_node_and_clean_nodes_between() -> None:
    packs = [s for s in draw(Wish(), KINDS, H100).scenarios if len(s.planted) > 1]
    assert packs
    for pack in packs:
        taken = Counter(name for p in pack.planted for name in p.nodes)
        assert set(taken.values()) == {1}
        assert len(taken) <= pack.nodes - pack.nodes // CLEAN_SHARE
        assert {p.kind for p in pack.planted} <= NARROW
        assert (
            len({bool(p.closes) for p in pack.planted}) == 1
        )  # what may be missed shares no cluster with what may not
        assert len({p.oddity for p in pack.planted}) == 1


def test_without_packing_each_fault_is_alone() -> None:
    drawn = draw(Wish(pack=False, sizes=(8,)), KINDS, H100)
    assert {len(s.planted) for s in drawn.scenarios} == {1}


@pytest.mark.parametrize("shape", sorted(PLANS))
def test_every_drawn_scenario_can_be_served(shape: str) -> None:
    wish = Wish(shapes=(shape,), sizes=(32,), combine=5, clean=2, clean_shapes=(shape,))
    drawn = draw(wish, KINDS, PLANS)
    assert drawn.scenarios
    assert {s.id: found for s in drawn.scenarios if (found := mistakes(s))} == {}


def test_a_kind_is_played_on_the_first_shape_that_it_fits() -> None:
    drawn = draw(Wish(shapes=tuple(PLANS)), KINDS, PLANS)
    shapes = {p.kind: s.shape for s in drawn.scenarios for p in s.planted}
    nodes = {
        s: parse(inventory_text(p, s, 2, 1, name="x").encode(), Path("x")).nodes for s, p in PLANS.items()
    }
    for kind, shape in shapes.items():
        assert shape == next(s for s in PLANS if KINDS[kind].fits(nodes[s][0], s)), kind


def test_combined_faults_are_as_many_as_wished_on_nodes_of_their_own() -> None:
    drawn = draw(Wish(singles=False, combine=4, combinations=6), KINDS, H100)
    assert len(drawn.scenarios) == 6
    for scenario in drawn.scenarios:
        assert len(scenario.planted) == 4
        assert not any(p.closes or p.oddity for p in scenario.planted)
        taken = Counter(name for p in scenario.planted for name in p.nodes)
        assert set(taken.values()) == {1}


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ("ecc", "port-rate", True),  # a GPU and a port
        ("memory-missing", "nvlink-down", True),  # the machine and a link of a GPU
        ("ecc", "gpu-mode", False),  # both at a GPU, perhaps the same
        ("memory-missing", "cpu-missing", False),  # both at the machine
        ("port-rate", "slow-hca", False),  # both at a port, and the one explains the other
        ("hca-missing", "port-rate", False),  # the adapter explains its port
        ("ecc", "gpu-lost", False),  # a lost GPU leaves its node out of the run
        ("hanging-tool", "ecc", False),  # nothing is told of a GPU whose tool hangs
        ("host-key-changed", "ecc", False),  # nobody gets in
    ],
)
def test_two_faults_share_a_node_only_where_each_can_be_found(a: str, b: str, share: bool) -> None:
    rules = Rules.of(battery.load())
    assert (rules.apart(KINDS[a], KINDS[b]), rules.apart(KINDS[b], KINDS[a])) == (share, share)


def test_several_faults_to_a_node_are_at_parts_of_their_own() -> None:
    rules = Rules.of(battery.load())
    wish = Wish(singles=False, combine=6, combinations=6, per_node=2)
    drawn = draw(wish, KINDS, H100, rules)
    assert drawn == draw(wish, KINDS, H100, rules)
    shared = 0
    for scenario in drawn.scenarios:
        assert len(scenario.planted) == 6 and not mistakes(scenario)
        taken = Counter(p.nodes[0] for p in scenario.planted if len(p.nodes) == 1)
        assert set(taken.values()) <= {1, 2}
        for node in (name for name, count in taken.items() if count == 2):
            a, b = (KINDS[p.kind] for p in scenario.planted if p.nodes == (node,))
            assert rules.apart(a, b)
            shared += 1
    assert shared >= 6


def test_the_parts_of_a_mixed_cluster_share_no_place_cable_or_serial_number() -> None:
    parts = [Part(PLANS["hgx-h100"], "hgx-h100", 6), Part(PLANS["gb200-nvl72"], "gb200-nvl72", 20)]
    parts.append(Part(PLANS["cpu-ethernet"], "cpu-ethernet", 2))
    inventory = parse(mixed_text(parts, 7, name="x").encode(), Path("x.yaml"), known_profiles=available())
    nodes = {part.shape: [n for n in inventory.nodes if n.profile == part.plan.profile] for part in parts}
    assert {shape: len(own) for shape, own in nodes.items()} == {p.shape: p.count for p in parts}
    for value in ("rack", "serial"):
        sets = [{getattr(n, value) for n in own} for own in nodes.values()]
        assert sum(map(len, sets)) == len(set.union(*sets)), value
    leaves = [{p.leaf for n in own for p in n.ports} for own in nodes.values()]
    assert list(map(len, leaves)) == [2 * 8, 2 * 4, 0] and len(set.union(*leaves)) == 24
    assert inventory.simulate is not None
    assert [(s.shape, len(s.nodes)) for s in inventory.simulate.shapes] == [
        ("gb200-nvl72", 20),
        ("cpu-ethernet", 2),
    ]
    assert check_faults(inventory.simulate, inventory.nodes) == []


@pytest.mark.parametrize("count", [2, 999, 1000])
def test_a_plan_names_the_nodes_that_its_text_has(count: int) -> None:
    text = inventory_text(PLANS["cpu-ethernet"], "cpu-ethernet", count, 1, name="x")
    found = tuple(node.name for node in parse(text.encode(), Path("x.yaml")).nodes)
    assert found == names(PLANS["cpu-ethernet"], count)


def test_clean_clusters_take_turns_over_shapes_and_have_no_fault() -> None:
    drawn = draw(
        Wish(singles=False, clean=2 * len(PLANS), clean_shapes=tuple(PLANS), sizes=(8,)), KINDS, PLANS
    )
    assert Counter(s.shape for s in drawn.scenarios) == dict.fromkeys(PLANS, 2)
    assert {s.planted for s in drawn.scenarios} == {()}
    assert {s.nodes for s in drawn.scenarios} == {8, 7}


def test_the_twenty_cases_are_all_there_and_can_be_served() -> None:
    made = cases(PLANS, KINDS)
    assert {s.id[:7] for s in made} == {f"case-{n:02}" for n in range(1, 21)}
    for case in made:
        assert case.title
        assert case.blocked or mistakes(case) == [], case.id


@pytest.mark.parametrize(("count", "leaves"), [(2, 1), (8, 2), (16, 2), (32, 2), (33, 3)])
def test_the_layout_gives_every_port_its_own_leaf_port(count: int, leaves: int) -> None:
    plan = PLANS["hgx-h100"]
    nodes = parse(inventory_text(plan, "hgx-h100", count, 1, name="x").encode(), Path("x.yaml")).nodes
    assert tuple(n.name for n in nodes) == names(plan, count)
    ends = [(p.leaf, p.leaf_port) for n in nodes for p in n.ports]
    assert len(set(ends)) == len(ends) == count * 8
    assert len({leaf for leaf, _ in ends}) == 8 * leaves
