"""Findings of the fleet about several parts, and many links whose one cause is a leaf or what is above it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bringup.defects import Defect, Fault
from bringup.diagnosis import diagnose
from bringup.model import FLEET, Finding, Limit, Measurement, Node, Outcome, Port, Stage, Verdict, port_path

NODES = {
    f"gpu-{n}": Node(
        f"gpu-{n}", ports=tuple(Port(rail, f"mlx5_{rail}", f"leaf-{rail}", str(n)) for rail in range(3))
    )
    for n in range(1, 7)
}
DECLARED = {
    "link.state": (Fault("LINK-DOWN", "no link on {at}", "reseat"),),
    "link.trouble": (
        Fault("LINK-FLAP", "{at} flaps", "clean"),
        Fault("LINK-ERRORS", "errors at {at}", "clean"),
    ),
    "link.rate": (Fault("LINK-RATE", "slow {at}", "clean", explained_by=("CABLE-SWAP", "LINK-DOWN")),),
    "cabling.plan": (Fault("CABLE-SWAP", "{at} have each other's cables", "{todo}"),),
    "cabling.uplinks": (
        Fault("UPLINK-MISSING", "links of {at} are missing", "{todo}"),
        Fault("SPINE-SLOW", "{at} is slow", "{todo}"),
    ),
    "rdma.write-bw": (Fault("RDMA-BW", "slow port {at}", "reseat"),),
}
STATE = Limit("link.state", "==", "ACTIVE")
BW = Limit("rdma.write_bw", ">=", 380.0, "Gb/s")


def fleet(check: str, *findings: Finding) -> Outcome:
    names = tuple(NODES)
    return Outcome(check, Stage.CABLING, FLEET, names, Verdict.FAIL, at=names, findings=findings)


def state(node: str, down: Iterable[int]) -> Outcome:
    down = set(down)
    values = tuple(
        Measurement("state", "DOWN" if rail in down else "ACTIVE", "", port_path(node, f"mlx5_{rail}"), STATE)
        for rail in range(3)
    )
    verdict = Verdict.FAIL if down else Verdict.PASS
    return Outcome("link.state", Stage.LINK, node, (node,), verdict, at=(node,), measurements=values)


def pair(a: str, b: str, gbps: float) -> Outcome:
    ends = (port_path(a, "mlx5_0"), port_path(b, "mlx5_0"))
    m = Measurement("write_bw", gbps, "Gb/s", " ~ ".join(ends), BW)
    verdict = Verdict.PASS if m.ok else Verdict.FAIL
    return Outcome(
        "rdma.write-bw", Stage.RDMA, f"{a} ~ {b} rail 0", (a, b), verdict, at=ends, measurements=(m,)
    )


def found(*outcomes: Outcome, nodes: dict[str, Node] = NODES) -> list[Defect]:
    return diagnose(outcomes, DECLARED, nodes)


SWAP = Finding(
    "CABLE-SWAP",
    "gpu-2 mlx5_1 ends at leaf-1 port 3\nat leaf-1 exchange the plugs of ports 2 and 3",
    f"{port_path('gpu-2', 'mlx5_1')} ~ {port_path('gpu-3', 'mlx5_1')}",
)


def test_two_exchanged_cables_are_one_defect_with_both_ends_and_the_way_to_mend_it() -> None:
    (defect,) = found(fleet("cabling.plan", SWAP))
    assert (defect.code, defect.nodes) == ("CABLE-SWAP", ("gpu-2", "gpu-3"))
    assert defect.component == "gpu-2/hca/mlx5_1/port/1 ~ gpu-3/hca/mlx5_1/port/1"
    assert defect.title == "gpu-2 mlx5_1 and gpu-3 mlx5_1 have each other's cables"
    assert defect.measured == "gpu-2 mlx5_1 ends at leaf-1 port 3"
    assert defect.action == "at leaf-1 exchange the plugs of ports 2 and 3"


def test_it_stays_one_in_a_fleet_of_two() -> None:
    two = {name: NODES[name] for name in ("gpu-2", "gpu-3")}
    outcome = Outcome(
        "cabling.plan", Stage.CABLING, FLEET, tuple(two), Verdict.FAIL, at=tuple(two), findings=(SWAP,)
    )
    (defect,) = found(outcome, nodes=two)
    assert defect.component == SWAP.at


def test_it_explains_what_either_end_shows() -> None:
    rate = [
        Outcome(
            "link.rate", Stage.LINK, node, (node,), Verdict.FAIL, at=(node,),
            findings=(Finding("LINK-RATE", "200 Gb/s", port_path(node, "mlx5_1")),),
        )
        for node in ("gpu-2", "gpu-3", "gpu-4")
    ]  # fmt: skip
    assert [(d.code, d.nodes) for d in found(fleet("cabling.plan", SWAP), *rate)] == [
        ("CABLE-SWAP", ("gpu-2", "gpu-3")),
        ("LINK-RATE", ("gpu-4",)),
    ]


def test_a_leaf_of_which_no_port_has_a_link() -> None:
    (defect,) = found(*(state(node, [1]) for node in NODES))
    assert (defect.code, defect.component, defect.nodes) == ("LEAF-DOWN", "leaf-1", tuple(NODES))
    assert len(defect.explains) == 6


@pytest.mark.parametrize(("port", "leaf"), [("LINK-FLAP", "LEAF-FLAPS"), ("LINK-ERRORS", "LEAF-ERRORS")])
def test_a_leaf_of_which_every_port_is_troubled(port: str, leaf: str) -> None:
    def outcome(node: str) -> Outcome:
        trouble = (Finding(port, "20 times", port_path(node, "mlx5_1")),)
        return Outcome("link.trouble", Stage.LINK, node, (node,), Verdict.FAIL, at=(node,), findings=trouble)

    (defect,) = found(*map(outcome, NODES))
    assert (defect.code, defect.component, defect.nodes) == (leaf, "leaf-1", tuple(NODES))
    assert len(defect.explains) == 6
    assert {d.code for d in found(*map(outcome, list(NODES)[1:]))} == {port}


def test_all_but_one_of_its_ports_are_so_many_cables() -> None:
    defects = found(*(state(node, [1] if node != "gpu-4" else []) for node in NODES))
    assert {d.code for d in defects} == {"LINK-DOWN"}


def test_where_no_leaf_is_spared_no_leaf_is_blamed() -> None:
    defects = found(*(state(node, range(3)) for node in NODES))
    assert "LEAF-DOWN" not in {d.code for d in defects}


def slow_between_leaves() -> tuple[dict[str, Node], list[Outcome]]:
    nodes = {
        f"gpu-{n}": Node(f"gpu-{n}", ports=(Port(0, "mlx5_0", "leaf-a" if n < 5 else "leaf-b", str(n)),))
        for n in range(1, 9)
    }
    crossing = [pair(f"gpu-{a}", f"gpu-{a + 4}", 200.0) for a in range(1, 5)]
    crossing += [pair(f"gpu-{a}", f"gpu-{a % 4 + 5}", 200.0) for a in range(1, 5)]
    inside = [pair("gpu-1", "gpu-2", 390.0), pair("gpu-3", "gpu-4", 390.0)]
    inside += [pair("gpu-5", "gpu-6", 390.0), pair("gpu-7", "gpu-8", 390.0)]
    return nodes, [*crossing, *inside]


def test_links_that_were_seen_to_be_missing_explain_what_is_felt_above_the_leaf() -> None:
    nodes, tests = slow_between_leaves()
    felt = found(*tests, nodes=nodes)
    assert {d.code for d in felt} <= {"UPLINK-SLOW", "SPINE-SLOW"}
    names = tuple(nodes)
    seen = Outcome(
        "cabling.uplinks", Stage.CABLING, FLEET, names, Verdict.FAIL, at=names,
        findings=(Finding("UPLINK-MISSING", "4 of 8\nlook at the links", "leaf-a"),),
    )  # fmt: skip
    (defect,) = found(seen, *tests, nodes=nodes)
    assert (defect.code, defect.component) == ("UPLINK-MISSING", "leaf-a")
    assert defect.nodes == ("gpu-1", "gpu-2", "gpu-3", "gpu-4")
    assert len(defect.explains) == 9


@pytest.mark.parametrize(("leaf", "explained"), [("leaf-a", True), ("leaf-b", True), ("leaf-c", False)])
def test_a_single_slow_way_over_a_leaf_whose_links_are_missing_follows_from_that(
    leaf: str, explained: bool
) -> None:
    """Too few for the leaf: only a few ports of it sent at once."""
    nodes = {
        f"gpu-{n}": Node(f"gpu-{n}", ports=(Port(0, "mlx5_0", f"leaf-{'abc'[n // 8]}", str(n)),))
        for n in range(24)
    }
    tests = [pair(f"gpu-{a}", f"gpu-{a + 8}", 390.0) for a in range(1, 8)] + [pair("gpu-0", "gpu-8", 340.0)]
    tests += [pair(f"gpu-{a}", f"gpu-{a + 16}", 390.0) for a in range(8)]
    tests += [pair(f"gpu-{a + 16}", f"gpu-{a + 8}", 390.0) for a in range(8)]
    tests += [pair(f"gpu-{a}", f"gpu-{a + 1}", 390.0) for a in range(0, 24, 2)]
    (felt,) = found(*tests, nodes=nodes)
    assert felt.code == "PATH-UNSTABLE"
    names = tuple(nodes)
    seen = Outcome(
        "cabling.uplinks", Stage.CABLING, FLEET, names, Verdict.FAIL, at=names,
        findings=(Finding("UPLINK-MISSING", "4 of 8\nlook at the links", leaf),),
    )  # fmt: skip
    codes = {d.code for d in found(seen, *tests, nodes=nodes)}
    assert codes == ({"UPLINK-MISSING"} if explained else {"UPLINK-MISSING", "PATH-UNSTABLE"})
