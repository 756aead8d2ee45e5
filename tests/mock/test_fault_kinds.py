"""What every kind of fault says about itself: a right defect, parameters that can be drawn, and where it fits."""

from __future__ import annotations

import random
import re
import string

import pytest

from bringup.defects import Who
from bringup.inventory.types import Simulate
from bringup.mock import KINDS, SHAPES, check_faults
from bringup.mock.faults.expected import Scope, places
from bringup.mock.faults.registry import healthy
from bringup.model import Node, Port
from bringup.topology import matchings, place

RAILS = 8
LATER = re.compile(r"(issue [456]|level (full|soak)): [a-zA-Z ]+")


def plan(shape: str, count: int = 9) -> tuple[Node, ...]:
    """A cluster with two leaves to every rail, as its inventory would have it."""
    adapters = len(SHAPES[shape].hca_bdfs)
    return tuple(
        Node(
            f"gpu-{n:03}",
            serial=f"SIM{n:05}",
            ports=tuple(
                Port(rail, f"mlx5_{rail}", leaf=f"leaf-{rail + 1 + adapters * (n > 4):02}", leaf_port=str(n))
                for rail in range(adapters)
            ),
        )
        for n in range(1, count + 1)
    )


PLANS = {shape: plan(shape) for shape in SHAPES}


def test_there_are_many_kinds_and_enough_oddities() -> None:
    assert len(KINDS) >= 120
    assert sum(kind.oddity for kind in KINDS.values()) >= 20


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.id)
def test_a_kind_says_what_is_right(kind) -> None:  # type: ignore[no-untyped-def]
    assert kind.does and kind.group
    assert sum(change is not None for change in (kind.change, kind.door, kind.fabric)) == 1
    assert bool(kind.expected) != kind.oddity
    assert not (kind.oddity and (kind.closes or kind.follows))
    assert kind.closes == "" or LATER.fullmatch(kind.closes)
    for expected in kind.expected:
        assert re.fullmatch(r"[A-Z]+(-[A-Z]+)*", expected.code)
        assert expected.who in Who
        named = {name for _, name, _, _ in string.Formatter().parse(expected.component) if name}
        known = (
            {p.name for p in kind.params}
            | {"node"}
            | ({"bdf"} if "gpu" in {p.name for p in kind.params} else set())
            | ({"a", "b"} if kind.scope is Scope.PAIR else set())
        )
        assert named <= known, expected.component
        if kind.scope is Scope.FLEET:
            assert "{node}" not in expected.component
        if kind.scope is Scope.LEAF:
            assert expected.component == "{leaf}"
        if kind.scope is Scope.PAIR:
            assert "{node}" in expected.component or {"a", "b"} <= named


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.id)
def test_a_random_instance_is_a_good_one(kind) -> None:  # type: ignore[no-untyped-def]
    drawn = 0
    for shape, nodes in PLANS.items():
        for seed in range(3):
            specs = kind.draw(random.Random(seed), nodes, shape)
            assert specs == kind.draw(random.Random(seed), nodes, shape)
            assert bool(specs) == any(kind.fits(n, shape) for n in nodes)
            drawn += bool(specs)
            for spec in specs:
                assert spec.kind == kind.id
                assert check_faults(Simulate(shape=shape, faults=specs), nodes) == []
                first = next(n for n in nodes if n.name == spec.nodes[0])
                known = places(first, spec.nodes, spec.params, SHAPES[shape].gpu_bdfs)
                assert all("{" not in e.filled(known).component for e in kind.expected)
                assert len(spec.nodes) == 2 or kind.scope is not Scope.PAIR
    assert drawn


@pytest.mark.parametrize(
    "kind", [k for k in KINDS.values() if k.scope is Scope.NODE and k.place is None], ids=lambda k: k.id
)
def test_a_fault_of_a_node_can_be_put_on_a_chosen_one(kind) -> None:  # type: ignore[no-untyped-def]
    shape = next(s for s, nodes in PLANS.items() if kind.fits(nodes[0], s))
    chosen = PLANS[shape][4]
    assert [spec.nodes for spec in kind.draw(random.Random(1), [chosen], shape)] == [(chosen.name,)]


@pytest.mark.parametrize("kind", ["bad-pair", "bad-pair-of-nodes"])
def test_two_bad_ones_meet_in_the_first_round(kind) -> None:  # type: ignore[no-untyped-def]
    nodes = PLANS["hgx-h100"]
    (spec,) = KINDS[kind].draw(random.Random(5), nodes)
    first = [{n.name for n in pair} for pair in matchings(nodes, 3, place)[0]]
    assert set(spec.nodes) in first


def test_a_leaf_takes_all_nodes_that_are_wired_to_it() -> None:
    nodes = PLANS["hgx-h100"]
    (spec,) = KINDS["leaf-down"].draw(random.Random(5), nodes)
    leaf = spec.params["leaf"]
    assert spec.nodes == tuple(n.name for n in nodes if leaf in {p.leaf for p in n.ports})
    assert 0 < len(spec.nodes) < len(nodes)


def test_what_a_shape_has_not_cannot_fail() -> None:
    tray = PLANS["gb200-nvl72"][0]
    assert not KINDS["fabric-manager-down"].fits(tray, "gb200-nvl72")
    assert KINDS["imex-down"].fits(tray, "gb200-nvl72")
    assert not KINDS["imex-down"].fits(PLANS["hgx-h100"][0], "hgx-h100")
    assert not KINDS["port-init"].fits(PLANS["hgx-h100-roce"][0], "hgx-h100-roce")
    assert not KINDS["xid"].fits(PLANS["mi300x"][0], "mi300x")
    assert not KINDS["cables-swapped"].fits(Node("gpu-001"), "hgx-h100")


def test_a_node_without_a_shape_is_of_its_profile() -> None:
    assert healthy(Node("gpu-001", profile="hgx-h200")).gpus[0].name == "NVIDIA H200"
    assert healthy(Node("gpu-001", profile="site")).shape.name == "hgx-h100"
