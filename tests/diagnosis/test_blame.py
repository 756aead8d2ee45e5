"""Nobody healthy is blamed, and no wrong explanation hides a cause."""

from __future__ import annotations

from collections.abc import Iterable

from support.work import calls

from bringup.defects import Defect, Fault, Who
from bringup.diagnosis import diagnose
from bringup.model import Finding, Limit, Measurement, Node, Outcome, Port, Stage, Verdict, port_path
from bringup.topology import matchings

RAILS = ("mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3")
BW = Limit("rdma.write_bw", ">=", 380.0, "Gb/s")
LAT = Limit("rdma.write_lat", "<=", 5.0, "us")
DECLARED = {
    "rdma.write-bw": (Fault("RDMA-BW", "slow {at}", "a", explained_by=("LINK-RATE", "VERSION-MINORITY")),),
    "rdma.write-lat": (Fault("RDMA-LAT", "late {at}", "a", explained_by=("RDMA-BW", "LINK-RATE")),),
    "link.rate": (Fault("LINK-RATE", "rate of {at}", "a"),),
    "link.errors": (Fault("LINK-ERRORS", "errors of {at}", "a"),),
    "host.drift": (Fault("VERSION-MINORITY", "another version", "a", who=Who.SOFTWARE),),
    "nvlink.links": (
        Fault("NVLINK-DOWN", "down", "a", explained_by=("FM-DOWN", "GPU-MISSING", "GPU-LOST")),
        Fault("GPU-MISSING", "a GPU is missing", "a"),
    ),
    "nvlink.fm": (Fault("FM-DOWN", "no fabric manager", "a", who=Who.SOFTWARE),),
    "gpu.count": (Fault("GPU-LOST", "lost", "a"),),
    "perf.network": (Fault("NETWORK-BW", "network of {at}", "a", explained_by=("NODE-SLOW",)),),
    "collective.node": (Fault("COLL-BUSBW", "within {at}", "node action"),),
    "collective.pair": (Fault("COLL-BUSBW", "between {at}", "pair action", explained_by=("LINK-RATE",)),),
}


def fleet(count: int, leaf: str = "leaf-{rail}") -> dict[str, Node]:
    return {
        name: Node(
            name,
            rack="R1",
            unit=str(i),
            ports=tuple(
                Port(r, hca, leaf.format(rail=r, node=i, group=(i - 1) // 4), str(i))
                for r, hca in enumerate(RAILS)
            ),
        )
        for i in range(1, count + 1)
        for name in (f"gpu-{i:03}",)
    }


def pair(a: str, b: str, rail: int, good: bool, check: str = "rdma.write-bw") -> Outcome:
    ends = tuple(port_path(n, RAILS[rail]) for n in (a, b))
    at = " ~ ".join(ends)
    if check == "rdma.write-bw":
        m = Measurement("write_bw", 391.0 if good else 187.0, "Gb/s", at, BW)
    else:
        m = Measurement("write_lat", 2.0 if good else 9.0, "us", at, LAT)
    verdict = Verdict.PASS if good else Verdict.FAIL
    return Outcome(check, Stage.RDMA, f"{a} ~ {b} rail {rail}", (a, b), verdict, at=ends, measurements=(m,))


def rdma(
    nodes: dict[str, Node], slow: Iterable[tuple[str, int]], check: str = "rdma.write-bw"
) -> list[Outcome]:
    bad = set(slow)
    return [
        pair(a, b, rail, not {(a, rail), (b, rail)} & bad, check)
        for pairs in matchings(list(nodes), 3)
        for a, b in pairs
        for rail in range(len(RAILS))
    ]


def failed(check: str, node: str, *measured: Measurement) -> Outcome:
    return Outcome(
        check, Stage(check.split(".")[0]), node, (node,), Verdict.FAIL, at=(node,), measurements=measured
    )


def rate(node: str, *rails: int) -> Outcome:
    limit = Limit("link.rate", "==", 400.0, "Gb/s")
    ports = [
        Measurement("rate", 200.0 if r in rails else 400.0, "Gb/s", port_path(node, hca), limit)
        for r, hca in enumerate(RAILS)
    ]
    return failed("link.rate", node, *ports)


def minority(node: str, fleet_of: dict[str, Node]) -> Outcome:
    return Outcome(
        "host.drift", Stage.HOST, "fleet", tuple(fleet_of), Verdict.FAIL,
        findings=(Finding("VERSION-MINORITY", "driver 570", node),),
    )  # fmt: skip


def short(defects: Iterable[Defect]) -> list[tuple[str, str]]:
    return sorted((d.code, d.component) for d in defects)


def test_a_known_cause_at_one_end_explains_a_pair_that_cannot_be_split() -> None:
    nodes = fleet(2)
    outcomes = [
        rate("gpu-001", 2),
        *rdma(nodes, [("gpu-001", 2)]),
        *rdma(nodes, [("gpu-001", 2)], "rdma.write-lat"),
    ]
    defects = diagnose(outcomes, DECLARED, nodes)
    assert short(defects) == [("LINK-RATE", port_path("gpu-001", "mlx5_2"))]
    assert len(defects[0].explains) == 3


def test_late_answers_of_a_slow_pair_are_not_a_second_defect() -> None:
    nodes = fleet(2)
    outcomes = [*rdma(nodes, [("gpu-001", 2)]), *rdma(nodes, [("gpu-001", 2)], "rdma.write-lat")]
    assert [d.code for d in diagnose(outcomes, DECLARED, nodes)] == ["PAIR-UNSPLIT"]


def test_ports_with_a_known_cause_each_are_not_a_slow_node_on_top() -> None:
    nodes = fleet(16)
    bad = [("gpu-007", r) for r in range(4)]
    defects = diagnose([rate("gpu-007", 0, 1, 2, 3), *rdma(nodes, bad)], DECLARED, nodes)
    assert short(defects) == [("LINK-RATE", port_path("gpu-007", hca)) for hca in RAILS]


def test_known_causes_do_not_count_towards_a_slow_node() -> None:
    nodes = fleet(16)
    defects = diagnose([rate("gpu-007", 0), *rdma(nodes, [("gpu-007", 0), ("gpu-007", 1)])], DECLARED, nodes)
    assert short(defects) == [
        ("LINK-RATE", port_path("gpu-007", "mlx5_0")),
        ("RDMA-BW", port_path("gpu-007", "mlx5_1")),
    ]


def test_late_answers_of_a_slow_node_follow_from_it() -> None:
    nodes = fleet(16)
    slow = [("gpu-007", r) for r in range(3)]
    defects = diagnose([*rdma(nodes, slow), *rdma(nodes, slow, "rdma.write-lat")], DECLARED, nodes)
    assert short(defects) == [("NODE-SLOW", "gpu-007")]


def network(node: str) -> Outcome:
    limit = Limit("network.bandwidth", ">=", 15.0, "Gb/s")
    return failed("perf.network", node, Measurement("network", 10.6, "Gb/s", node, limit))


def test_a_slow_network_follows_from_a_node_that_is_slow_as_a_whole_and_from_no_single_port() -> None:
    nodes = fleet(16)
    slow = rdma(nodes, [("gpu-007", r) for r in range(4)])
    defects = diagnose([network("gpu-007"), *slow], DECLARED, nodes)
    assert short(defects) == [("NODE-SLOW", "gpu-007")]
    assert ("perf.network", "gpu-007") in {(s.check, s.target) for s in defects[0].explains}
    defects = diagnose(
        [network("gpu-007"), network("gpu-003"), *rdma(nodes, [("gpu-007", 0)])], DECLARED, nodes
    )
    assert short(defects) == [
        ("NETWORK-BW", "gpu-003"), ("NETWORK-BW", "gpu-007"), ("RDMA-BW", port_path("gpu-007", "mlx5_0"))
    ]  # fmt: skip


def test_other_software_does_not_hide_one_bad_cable() -> None:
    """What concerns the whole node would concern its other ports as well, and these are fine."""
    nodes = fleet(16)
    outcomes = [minority("gpu-007", nodes), *rdma(nodes, [("gpu-007", 2)])]
    assert short(diagnose(outcomes, DECLARED, nodes)) == [
        ("RDMA-BW", port_path("gpu-007", "mlx5_2")),
        ("VERSION-MINORITY", "gpu-007"),
    ]
    all_ports = [minority("gpu-007", nodes), *rdma(nodes, [("gpu-007", r) for r in range(4)])]
    assert short(diagnose(all_ports, DECLARED, nodes)) == [("VERSION-MINORITY", "gpu-007")]


def test_a_dead_service_does_not_hide_one_bad_link() -> None:
    nodes = fleet(4)
    limit = Limit("nvlink.links.active", "==", 18.0)
    manager = failed(
        "nvlink.fm", "gpu-001", Measurement("state", "failed", "", "gpu-001", Limit("s", "==", "active"))
    )

    def links(*active: int) -> Outcome:
        rows = [Measurement("a", n, "links", f"gpu-001/gpu/{i}", limit) for i, n in enumerate(active)]
        return failed("nvlink.links", "gpu-001", *rows)

    one = diagnose([manager, links(18, 17, 18)], DECLARED, nodes)
    assert short(one) == [("FM-DOWN", "gpu-001"), ("NVLINK-DOWN", "gpu-001/gpu/1")]
    every = diagnose([manager, links(0, 0, 0)], DECLARED, nodes)
    assert short(every) == [("FM-DOWN", "gpu-001")]


def test_what_could_not_be_judged_hides_no_proven_fault() -> None:
    nodes = fleet(4)
    link = Measurement("a", 17, "links", "gpu-001/gpu/1", Limit("nvlink.links.active", "==", 18.0))
    outcome = Outcome(
        "nvlink.links", Stage.NVLINK, "gpu-001", ("gpu-001",), Verdict.FAIL, at=("gpu-001",), measurements=(link,),
        reason="only 7 of 8 are listed", code="GPU-MISSING",
    )  # fmt: skip
    found = {(d.code, d.who) for d in diagnose([outcome], DECLARED, nodes)}
    assert found == {("NVLINK-DOWN", Who.HANDS_ON), ("GPU-MISSING", Who.COULD_NOT_JUDGE)}


def test_a_leaf_of_which_every_port_is_slow_is_the_leaf() -> None:
    nodes = fleet(8)
    defects = diagnose(rdma(nodes, [(n, 3) for n in nodes]), DECLARED, nodes)
    assert short(defects) == [("LEAF-SLOW", "leaf-3")]
    assert set(defects[0].nodes) == set(nodes)


def test_a_leaf_that_serves_whole_nodes_is_the_leaf_and_not_its_nodes() -> None:
    nodes = fleet(16, "leaf-{group}")
    slow = [(n, r) for n in list(nodes)[4:8] for r in range(4)]
    assert short(diagnose(rdma(nodes, slow), DECLARED, nodes)) == [("LEAF-SLOW", "leaf-1")]


def test_partners_on_another_leaf_are_not_among_the_nodes_of_a_slow_leaf() -> None:
    nodes = fleet(16, "leaf-{group}-{rail}")
    slow = [(n, 3) for n in list(nodes)[4:8]]
    (defect,) = diagnose(rdma(nodes, slow), DECLARED, nodes)
    assert (defect.code, defect.component) == ("LEAF-SLOW", "leaf-1-3")
    assert set(defect.nodes) == set(list(nodes)[4:8])


def test_all_ports_of_all_nodes_are_one_cause_and_no_leaf() -> None:
    nodes = fleet(8)
    (defect,) = diagnose(rdma(nodes, [(n, r) for n in nodes for r in range(4)]), DECLARED, nodes)
    assert defect.component.startswith("fleet/")


def test_nodes_without_planned_ports_are_gathered_too() -> None:
    nodes = {name: Node(name) for name in fleet(16)}
    defects = diagnose(rdma(nodes, [("gpu-007", r) for r in range(4)]), DECLARED, nodes)
    assert short(defects) == [("NODE-SLOW", "gpu-007")]


def test_each_check_speaks_with_its_own_words() -> None:
    nodes = fleet(4)
    limit = Limit("b", ">=", 400.0, "GB/s")
    within = failed("collective.node", "gpu-001", Measurement("busbw", 100.0, "GB/s", "gpu-001", limit))
    (defect,) = diagnose([within], DECLARED, nodes)
    assert (defect.title, defect.action) == ("within gpu-001", "node action")


def test_unjudged_and_proven_defects_of_one_code_are_not_folded_together() -> None:
    nodes = fleet(8)
    lost = [
        failed("gpu.count", n, Measurement("lost", 1, "", f"{n}/gpu/0", Limit("l", "==", 0.0)))
        for n in ("gpu-002", "gpu-003")
    ]
    unknown = Outcome(
        "gpu.count",
        Stage.GPU,
        "gpu-001",
        ("gpu-001",),
        Verdict.ERROR,
        at=("gpu-001",),
        reason="?",
        code="GPU-LOST",
    )
    defects = diagnose([unknown, *lost], DECLARED, nodes)
    assert [(d.who, d.nodes, d.place) for d in defects] == [
        (Who.HANDS_ON, ("gpu-002",), "R1 U2"),
        (Who.HANDS_ON, ("gpu-003",), "R1 U3"),
        (Who.COULD_NOT_JUDGE, ("gpu-001",), "R1 U1"),
    ]


def test_the_worst_value_is_shown() -> None:
    nodes = fleet(4)
    limit = Limit("link.symbol_errors", "<=", 10.0)
    at = port_path("gpu-001", "mlx5_0")
    bad = failed(
        "link.errors",
        "gpu-001",
        Measurement("recovery", 12, "", at, limit),
        Measurement("symbol_error", 5000, "", at, limit),
    )
    (defect,) = diagnose([bad], DECLARED, nodes)
    assert defect.measured == "symbol error 5000"


def test_a_name_that_a_node_made_up_blames_no_other_node() -> None:
    nodes = fleet(4)
    at = "gpu-001/hca/x ~ gpu-002"
    bad = failed("link.errors", "gpu-001", Measurement("e", 1, "", at, Limit("l", "==", 0.0)))
    (defect,) = diagnose([bad], DECLARED, nodes)
    assert defect.nodes == ("gpu-001",)


def test_a_failure_that_names_its_own_end_speaks_against_nobody_else() -> None:
    """gpu-001 says itself that its port was down for a moment; that is no evidence against gpu-002."""
    nodes = fleet(4)
    ends = tuple(port_path(n, "mlx5_0") for n in ("gpu-001", "gpu-002"))
    down = Outcome(
        "rdma.write-bw", Stage.RDMA, "gpu-001 ~ gpu-002 rail 0", ("gpu-001", "gpu-002"), Verdict.FAIL, at=ends,
        findings=(Finding("RDMA-CONNECT", "port down", ends[0]),),
    )  # fmt: skip
    outcomes = [
        down,
        pair("gpu-001", "gpu-004", 0, True),
        pair("gpu-002", "gpu-003", 0, False),
    ]
    assert short(diagnose(outcomes, DECLARED, nodes)) == [
        ("PAIR-UNSPLIT", " ~ ".join(port_path(n, "mlx5_0") for n in ("gpu-002", "gpu-003"))),
        ("RDMA-CONNECT", ends[0]),
    ]


def test_a_circle_of_explanations_keeps_one_of_them() -> None:
    nodes = fleet(4)
    declared = {
        "gpu.a": (Fault("A", "a", "a", explained_by=("B",)), Fault("B", "b", "b", explained_by=("A",)))
    }
    limit = Limit("l", "==", 0.0)
    bad = failed(
        "gpu.a",
        "gpu-001",
        Measurement("a", 1, "", "gpu-001", limit, "A"),
        Measurement("b", 1, "", "gpu-001", limit, "B"),
    )
    (defect,) = diagnose([bad], declared, nodes)
    assert (defect.code, len(defect.explains)) == ("A", 2)


def test_an_unstable_path_explains_nothing_about_other_pairs() -> None:
    nodes = fleet(8)
    outcomes = rdma(nodes, [])
    first = outcomes[0]
    outcomes[0] = pair(*first.nodes, 0, False)
    outcomes += [o for o in rdma(nodes, [(first.nodes[0], 0)], "rdma.write-lat") if o.target != first.target]
    assert short(diagnose(outcomes, DECLARED, nodes)) == [
        ("PATH-UNSTABLE", " ~ ".join(port_path(n, "mlx5_0") for n in first.nodes)),
        ("RDMA-LAT", port_path(first.nodes[0], "mlx5_0")),
    ]


def test_many_bad_nodes_cost_no_more_each_than_a_few() -> None:
    def work(count: int) -> int:
        nodes = fleet(count)
        outcomes = rdma(nodes, [(n, 2) for n in list(nodes)[::2]])
        return calls(lambda: diagnose(outcomes, DECLARED, nodes))

    assert work(1000) < 1.5 * 8 * work(125)
