"""Mistakes in a `simulate` section are found before anything starts, all at once, with what to write instead."""

from __future__ import annotations

import pytest

from bringup.inventory.types import FaultSpec, Params, ShapeSpec, Simulate
from bringup.mock import KINDS, check_faults, serve
from bringup.model import Node, Port

NODES = (Node("gpu-001"), Node("gpu-002"))


def mistakes(
    *faults: tuple[str, dict[str, str | int | float | bool]], shape: str = "hgx-h100", speed: float = 20.0
):  # type: ignore[no-untyped-def]
    specs = tuple(
        FaultSpec(kind, ("gpu-001",), Params(params), line) for line, (kind, params) in enumerate(faults, 10)
    )
    return [(m.line, m.text) for m in check_faults(Simulate(shape=shape, speed=speed, faults=specs), NODES)]


def test_a_good_section_has_no_mistake():  # type: ignore[no-untyped-def]
    assert (
        mistakes(("gpu-lost", {"gpu": 7}), ("port-rate", {"hca": "mlx5_7", "rate": 200}), ("unreachable", {}))
        == []
    )


def test_all_mistakes_come_at_once():  # type: ignore[no-untyped-def]
    assert mistakes(
        ("gpu-lots", {}),
        ("gpu-lost", {"gpu": 8}),
        ("gpu-lost", {"gp": 3}),
        ("nvlink-down", {"gpu": 0, "link": 18}),
        ("port-rate", {"hca": "mlx5_42", "rate": 250}),
        ("slow-hca", {"hca": "mlx5_0", "fraction": 45}),
        ("unreachable", {"how": "softly"}),
        ("hanging-tool", {"tool": "nvidia-sim"}),
        ("xid", {"gpu": "three", "code": 79, "age_s": -1}),
        ("wrong-hostname", {"name": ""}),
    ) == [
        (10, "faults: no kind 'gpu-lots'; did you mean gpu-lost?"),
        (11, "fault gpu-lost: gpu needs a whole number 0 to 7, got 8"),
        (12, "fault gpu-lost: no parameter 'gp'; did you mean gpu? (parameters: gpu, age_s, nvidia_smi)"),
        (12, "fault gpu-lost: parameter gpu is missing"),
        (13, "fault nvlink-down: link needs a whole number 0 to 17, got 18"),
        (
            14,
            "fault port-rate: hca 'mlx5_42' is no HCA of gpu-001, which has mlx5_0, mlx5_1, mlx5_2, mlx5_3, mlx5_4,"
            " mlx5_5, mlx5_6, mlx5_7, mlx5_8, mlx5_9",
        ),
        (14, "fault port-rate: rate needs one of 10, 20, 40, 56, 100, 200, 400, 800 Gb/s, got 250"),
        (15, "fault slow-hca: fraction needs a number between 0 and 1, got 45"),
        (16, "fault unreachable: how needs one of refused, timeout, reset, silent, got 'softly'"),
        (17, "fault hanging-tool: tool 'nvidia-sim' is not simulated; did you mean nvidia-smi?"),
        (18, "fault xid: gpu needs a number, got 'three'"),
        (18, "fault xid: age_s needs seconds from 0 up, got -1"),
        (19, "fault wrong-hostname: name needs a text, got ''"),
    ]


def test_unknown_nodes_shapes_and_speeds_are_mistakes():  # type: ignore[no-untyped-def]
    spec = FaultSpec("gpu-lost", ("gpu-01",), Params({"gpu": 1}), 5)
    assert check_faults(Simulate(faults=(spec,)), NODES) == [
        (5, "fault gpu-lost: no node 'gpu-01'; did you mean gpu-001?")
    ]
    assert check_faults(Simulate(faults=(FaultSpec("driver-down", (), Params(), 6),)), NODES) == [
        (6, "fault driver-down: no node is named")
    ]
    assert mistakes(shape="hgx-h10O") == [(0, "shape: no shape 'hgx-h10O'; did you mean hgx-h100?")]
    assert mistakes(speed=0.0) == [(0, "speed: needs a number above 0, got 0.0")]


def test_more_ports_than_the_shape_has_are_a_mistake():  # type: ignore[no-untyped-def]
    node = Node("gpu-001", ports=tuple(Port(rail, f"mlx5_{rail}") for rail in range(9)))
    assert check_faults(Simulate(), (node,)) == [(0, "node gpu-001 has 9 ports, the shape hgx-h100 only 8")]


def test_every_node_is_checked_by_its_own_shape():  # type: ignore[no-untyped-def]
    nodes = (*NODES, Node("tray-1"), Node("tray-2", ports=tuple(Port(r, f"mlx5_{r}") for r in range(5))))
    faults = tuple(FaultSpec("gpu-lost", (name,), Params({"gpu": 4}), 9) for name in ("gpu-001", "tray-1"))
    trays = ShapeSpec("gb200-nvl72", ("tray-1", "tray-2"), 3)
    assert check_faults(Simulate(faults=faults, shapes=(trays,)), nodes) == [
        (3, "node tray-2 has 5 ports, the shape gb200-nvl72 only 4"),
        (9, "fault gpu-lost: gpu needs a whole number 0 to 3, got 4"),
    ]
    wrong = ShapeSpec("gb200-nvl", ("tray-1",), 4)
    assert check_faults(Simulate(shapes=(wrong,)), nodes) == [
        (4, "shape: no shape 'gb200-nvl'; did you mean gb200-nvl72?")
    ]


def test_leaf_names_come_from_the_plan():  # type: ignore[no-untyped-def]
    node = Node("gpu-001", ports=(Port(0, "mlx5_0", leaf="leaf-01"),))
    spec = FaultSpec("slow-leaf", ("gpu-001",), Params({"leaf": "leaf-02", "fraction": 0.5}), 3)
    assert check_faults(Simulate(faults=(spec,)), (node,)) == [
        (3, "fault slow-leaf: leaf 'leaf-02' is no leaf of gpu-001 in the inventory")
    ]


def test_a_section_with_mistakes_is_not_served():  # type: ignore[no-untyped-def]
    spec = FaultSpec("gpu-lots", ("gpu-001",), Params(), 5)
    with pytest.raises(ValueError, match="did you mean gpu-lost"), serve(Simulate(faults=(spec,)), NODES):
        pass


def test_a_fault_of_a_part_that_the_shape_does_not_have_is_a_mistake():  # type: ignore[no-untyped-def]
    kind = next(
        k for k in KINDS.values() if "dpu" in k.needs and all(p.default is not None for p in k.params)
    )
    spec = FaultSpec(kind.id, ("gpu-001",), Params(), 6)
    assert check_faults(Simulate(faults=(spec,)), NODES) == [
        (6, f"fault {kind.id}: needs dpu; gpu-001 of shape hgx-h100 has none")
    ]
