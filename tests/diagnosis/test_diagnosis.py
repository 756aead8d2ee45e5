"""Outcomes (invented) to defects: one cause, one defect, at the right place; everything else explained by it."""

from __future__ import annotations

from collections.abc import Iterable

from bringup.defects import Defect, Fault, Who
from bringup.diagnosis import diagnose
from bringup.model import Finding, Limit, Measurement, Node, Outcome, Port, Stage, Verdict, port_path
from bringup.topology import matchings

RAILS = ("mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3")
NODES = {
    f"gpu-{i:03}": Node(
        f"gpu-{i:03}",
        rack=f"R{i // 4 + 1:02}",
        unit=str(i % 4 * 10 + 1),
        ports=tuple(Port(r, hca, f"leaf-{r + 1}", str(i), f"L{r}-{i}") for r, hca in enumerate(RAILS)),
    )
    for i in range(1, 17)
}
BW = Limit("rdma.write_bw", ">=", 380.0, "Gb/s")
DECLARED = {
    "rdma.write-bw": (
        Fault("RDMA-BW", "slow port {at}", "reseat {cable} at {at}", explained_by=("LINK-RATE", "LINK-DOWN")),
    ),
    "link.rate": (
        Fault("LINK-RATE", "port at the wrong rate", "clean {at}, {cable} to {leaf} port {leaf_port}"),
    ),
    "gpu.count": (Fault("GPU-MISSING", "a GPU is missing", "reseat", explained_by=("GPU-LOST",)),),
    "gpu.xid": (Fault("GPU-LOST", "a GPU fell off the bus", "drain power"),),
    "nvlink.links": (
        Fault("NVLINK-DOWN", "NVLink down", "reseat", explained_by=("GPU-MISSING", "GPU-LOST")),
    ),
    "host.drift": (Fault("VERSION-MINORITY", "another version", "re-image {node}", who=Who.CONFIGURATION),),
    "reach.connect": (
        Fault("NODE-UNREACHABLE", "{node} is unreachable", "check power", who=Who.COULD_NOT_JUDGE),
    ),
}


def pair(a: str, b: str, rail: int, gbps: float) -> Outcome:
    ends = tuple(port_path(n, RAILS[rail]) for n in (a, b))
    m = Measurement("write_bw", gbps, "Gb/s", " ~ ".join(ends), BW)
    verdict = Verdict.PASS if m.ok else Verdict.FAIL
    return Outcome(
        "rdma.write-bw", Stage.RDMA, f"{a} ~ {b} rail {rail}", (a, b), verdict, at=ends, measurements=(m,)
    )


def rdma(slow: Iterable[tuple[str, int]] = (), names: Iterable[str] = tuple(NODES)) -> list[Outcome]:
    bad = set(slow)
    return [
        pair(a, b, rail, 187.0 if {(a, rail), (b, rail)} & bad else 391.0)
        for pairs in matchings(list(names), 3)
        for a, b in pairs
        for rail in range(len(RAILS))
    ]


def finding(check: str, node: str, code: str, at: str, message: str = "seen") -> Outcome:
    stage = Stage(check.split(".")[0])
    return Outcome(
        check, stage, node, (node,), Verdict.FAIL, at=(node,), findings=(Finding(code, message, at),)
    )


def found(*outcomes: Outcome) -> list[Defect]:
    return diagnose(outcomes, DECLARED, NODES)


def short(defects: Iterable[Defect]) -> list[tuple[str, str]]:
    return [(d.code, d.component) for d in defects]


def test_a_healthy_fleet_has_no_defect() -> None:
    assert found(*rdma()) == []


def test_a_slow_port_is_named_and_its_partners_are_not() -> None:
    defects = found(*rdma({("gpu-007", 2)}))
    assert short(defects) == [("RDMA-BW", "gpu-007/hca/mlx5_2/port/1")]
    (d,) = defects
    assert d.nodes == ("gpu-007",)
    assert (d.place, d.far_end, d.cable) == ("R02 U31", "leaf-3 port 7", "L2-7")
    assert (d.measured, d.expected) == ("write bw 187 Gb/s", "at least 380 Gb/s")
    assert d.action == "reseat L2-7 at gpu-007 mlx5_2"
    assert len(d.explains) == 3


def test_two_slow_ports_that_meet_in_the_first_round_are_both_named() -> None:
    a, b = matchings(list(NODES), 3)[0][0]
    defects = found(*rdma({(a, 1), (b, 1)}))
    assert sorted(short(defects)) == sorted(("RDMA-BW", port_path(n, "mlx5_1")) for n in (a, b))


def test_a_pair_that_met_nobody_else_stays_a_pair() -> None:
    defects = found(*rdma({("gpu-001", 0)}, names=["gpu-001", "gpu-002"]))
    assert short(defects) == [
        ("PAIR-UNSPLIT", f"{port_path('gpu-001', 'mlx5_0')} ~ {port_path('gpu-002', 'mlx5_0')}")
    ]


def test_a_pair_whose_ends_are_good_elsewhere_is_a_path() -> None:
    outcomes = rdma()
    once = outcomes[0]
    outcomes[0] = pair(once.nodes[0], once.nodes[1], 0, 120.0)
    assert [d.code for d in found(*outcomes)] == ["PATH-UNSTABLE"]


def test_all_ports_of_a_node_are_the_node() -> None:
    assert short(found(*rdma({("gpu-004", r) for r in range(4)}))) == [("NODE-SLOW", "gpu-004")]


def test_most_ports_of_a_leaf_are_the_leaf() -> None:
    slow = {(n, 3) for n in list(NODES)[:9]}
    good = rdma()
    outcomes = [
        pair(o.nodes[0], o.nodes[1], 3, 150.0)
        if o.target.endswith("rail 3") and {(o.nodes[0], 3), (o.nodes[1], 3)} & slow
        else o
        for o in good
    ]
    defects = found(*outcomes)
    assert ("LEAF-SLOW", "leaf-4") in short(defects)
    assert not [d for d in defects if d.code == "RDMA-BW"]


def test_a_port_at_half_rate_explains_its_low_bandwidth_and_nothing_else() -> None:
    rate = Measurement(
        "rate", 200.0, "Gb/s", port_path("gpu-007", "mlx5_2"), Limit("link.rate", "==", 400.0, "Gb/s")
    )
    link = Outcome(
        "link.rate", Stage.LINK, "gpu-007", ("gpu-007",), Verdict.FAIL, at=("gpu-007",), measurements=(rate,)
    )
    defects = found(link, *rdma({("gpu-007", 2), ("gpu-011", 2)}))
    assert short(defects) == [
        ("LINK-RATE", port_path("gpu-007", "mlx5_2")),
        ("RDMA-BW", port_path("gpu-011", "mlx5_2")),
    ]
    assert {s.check for s in defects[0].explains} == {"link.rate", "rdma.write-bw"}
    assert defects[0].action == "clean gpu-007 mlx5_2, L2-7 to leaf-3 port 7"


def test_a_lost_gpu_explains_the_count_and_its_nvlinks() -> None:
    defects = found(
        finding("gpu.count", "gpu-003", "GPU-MISSING", "gpu-003"),
        finding("gpu.xid", "gpu-003", "GPU-LOST", "gpu-003/gpu/5"),
        finding("nvlink.links", "gpu-003", "NVLINK-DOWN", "gpu-003/gpu/5/nvlink/3"),
        finding("nvlink.links", "gpu-004", "NVLINK-DOWN", "gpu-004/gpu/5"),
    )
    assert short(defects) == [("GPU-LOST", "gpu-003/gpu/5"), ("NVLINK-DOWN", "gpu-004/gpu/5")]
    assert [s.code for s in defects[0].explains] == ["GPU-LOST", "GPU-MISSING", "NVLINK-DOWN"]


def test_equal_configuration_findings_fold_and_most_of_the_fleet_is_one_cause() -> None:
    def minority(name: str) -> Outcome:
        return Outcome(
            "host.drift", Stage.HOST, "fleet", tuple(NODES), Verdict.FAIL,
            findings=(Finding("VERSION-MINORITY", f"{name} has driver 570", name),),
        )  # fmt: skip

    few = found(minority("gpu-003"), minority("gpu-009"))
    assert [(d.code, d.nodes, d.who, d.action) for d in few] == [
        ("VERSION-MINORITY", ("gpu-003", "gpu-009"), Who.CONFIGURATION, "re-image gpu-003 and gpu-009")
    ]
    (five,) = found(*(minority(n) for n in list(NODES)[:5]))
    assert five.action == "re-image gpu-001, gpu-002, gpu-003 and 2 more"
    most = found(*(minority(n) for n in list(NODES)[:12]))
    assert [(d.code, len(d.nodes), d.component) for d in most] == [
        ("VERSION-MINORITY", 12, "fleet/VERSION-MINORITY")
    ]


def test_what_could_not_be_judged_is_listed_apart_and_is_no_proven_fault() -> None:
    lost = Outcome(
        "reach.connect", Stage.REACH, "gpu-016", ("gpu-016",), Verdict.ERROR, at=("gpu-016",),
        code="NODE-UNREACHABLE", reason="connection refused",
    )  # fmt: skip
    (d,) = found(lost)
    assert (d.code, d.who, d.nodes, d.measured) == (
        "NODE-UNREACHABLE", Who.COULD_NOT_JUDGE, ("gpu-016",), "connection refused",
    )  # fmt: skip


def test_ids_are_stable_and_differ_by_component() -> None:
    one, two = (found(finding("gpu.xid", n, "GPU-LOST", f"{n}/gpu/5"))[0].id for n in ("gpu-001", "gpu-002"))
    again = found(finding("gpu.xid", "gpu-001", "GPU-LOST", "gpu-001/gpu/5", "other words"))[0].id
    assert one == again != two


def test_the_order_is_the_walk() -> None:
    defects = found(
        finding("host.drift", "gpu-001", "VERSION-MINORITY", "gpu-001"),
        finding("gpu.xid", "gpu-009", "GPU-LOST", "gpu-009/gpu/0"),
        finding("gpu.xid", "gpu-002", "GPU-LOST", "gpu-002/gpu/0"),
    )
    assert [(d.who.value, d.place) for d in defects] == [
        ("hands-on", "R01 U21"), ("hands-on", "R03 U11"), ("configuration", "R01 U11"),
    ]  # fmt: skip


def test_what_cannot_be_judged_within_a_missing_part_follows_from_its_absence_and_nothing_else_does() -> None:
    def unjudged(at: str) -> Outcome:
        return Outcome(
            "link.ber", Stage.LINK, "gpu-002", ("gpu-002",), Verdict.ERROR, at=("gpu-002",), reason="silent", error_at=at
        )  # fmt: skip

    gone = finding("gpu.xid", "gpu-002", "GPU-LOST", "gpu-002/gpu/5")
    assert short(found(gone, unjudged("gpu-002/gpu/5/nvlink/1"))) == [("GPU-LOST", "gpu-002/gpu/5")]
    for elsewhere in ("gpu-002", "gpu-002/gpu/4", "gpu-002/gpu/50"):
        assert short(found(gone, unjudged(elsewhere))) == [
            ("GPU-LOST", "gpu-002/gpu/5"),
            ("NOT-JUDGED", elsewhere),
        ]


LOW_CLOCK = Limit("perf.clock", ">=", 0.9)


def clocks(node: str, low: int, count: int = 4) -> Outcome:
    ms = tuple(
        Measurement("clock under load", 0.5 if gpu == low else 0.99, "", f"{node}/gpu/{gpu}", LOW_CLOCK)
        for gpu in range(count)
    )
    return Outcome("perf.under-load", Stage.PERF, node, (node,), Verdict.FAIL, at=(node,), measurements=ms)


def test_a_program_of_somebody_else_may_hold_up_one_gpu_and_spare_the_others() -> None:
    declared = {
        "reach.idle": (Fault("NODE-BUSY", "somebody's load runs on {node}", "end it", who=Who.SOFTWARE),),
        "host.cpu": (Fault("CPU-COUNT", "a processor is missing", "reseat it"),),
        "perf.under-load": (
            Fault("GPU-CLOCK-LOW", "low clock", "reseat", explained_by=("NODE-BUSY", "CPU-COUNT")),
        ),
    }
    busy = finding("reach.idle", "gpu-001", "NODE-BUSY", "gpu-001")
    defects = diagnose([busy, clocks("gpu-001", 0)], declared, NODES)
    assert [(d.code, d.component, len(d.explains)) for d in defects] == [("NODE-BUSY", "gpu-001", 2)]
    # Any other cause of the whole node would have held up all its GPUs.
    missing = finding("host.cpu", "gpu-001", "CPU-COUNT", "gpu-001")
    defects = diagnose([missing, clocks("gpu-001", 0)], declared, NODES)
    assert sorted((d.code, d.component) for d in defects) == [
        ("CPU-COUNT", "gpu-001"),
        ("GPU-CLOCK-LOW", "gpu-001/gpu/0"),
    ]


def test_a_node_without_a_rack_leaves_no_empty_words() -> None:
    words = Fault(
        "GPU-LOST",
        "a GPU fell off the bus",
        "reseat it at {place}, then replace it ({place}); look in {place}: see {node}",
    )
    bare = {"gpu-001": Node("gpu-001"), "gpu-002": NODES["gpu-002"]}
    seen = [finding("gpu.xid", name, "GPU-LOST", f"{name}/gpu/1") for name in bare]
    actions = {d.nodes[0]: d.action for d in diagnose(seen, {"gpu.xid": (words,)}, bare)}
    assert actions == {
        "gpu-001": "reseat it, then replace it; look: see gpu-001",
        "gpu-002": "reseat it at R01 U21, then replace it (R01 U21); look in R01 U21: see gpu-002",
    }
