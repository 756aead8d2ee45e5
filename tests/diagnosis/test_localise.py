"""Two results that look alike are told apart: port, node, leaf, uplink, spine, way, now and then, and each its own fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from bringup.defects import Defect, Fault, Who
from bringup.diagnosis import diagnose
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.symptoms import all_signs
from bringup.diagnosis.trials import trials
from bringup.model import Finding, Limit, Measurement, Node, Outcome, Port, Stage, Verdict, port_path

RAILS = ("mlx5_0", "mlx5_1")
BW = Limit("rdma.write_bw", ">=", 380.0, "Gb/s")
LAT = Limit("rdma.write_lat", "<=", 5.0, "us")
WRONG = Limit("collective.wrong", "==", 0, "values")
BUSBW = Limit("collective.pair.all_reduce", ">=", 440.0, "GB/s")
CONNECT = Fault("RDMA-CONNECT", "{at} moves nothing", "a", explained_by=("LINK-ERRORS",))
SETUP = Fault("RDMA-SETUP", "{at} not started", "a", Who.COULD_NOT_JUDGE)
DECLARED = {
    "rdma.write-bw": (Fault("RDMA-BW", "slow {at}", "a", explained_by=("LINK-ERRORS",)), CONNECT, SETUP),
    "rdma.write-lat": (Fault("RDMA-LAT", "late {at}", "a"), CONNECT, SETUP),
    "collective.node": (Fault("COLL-BUSBW", "within {at}", "a"), Fault("COLL-WRONG", "wrong within {at}", "a")),
    "collective.pair": (
        Fault("COLL-BUSBW", "between {at}", "a", explained_by=("COLL-BUSBW", "RDMA-BW")),
        Fault("COLL-WRONG", "wrong {at}", "a", explained_by=("COLL-WRONG",)),
        Fault("COLL-FAILED", "failed {at}", "a"),
    ),
    "after.link-errors": (Fault("LINK-ERRORS", "errors of {at}", "a"),),
}  # fmt: skip


def fleet(count: int, per_leaf: int = 100) -> dict[str, Node]:
    return {
        f"n{k}": Node(
            f"n{k}", ports=tuple(Port(r, hca, f"leaf-{k // per_leaf}-{r}") for r, hca in enumerate(RAILS))
        )
        for k in range(count)
    }


def end(name: str, rail: int = 0) -> str:
    return port_path(name, RAILS[rail])


def bw(a: str, b: str, gbps: float = 391.0, rail: int = 0) -> Outcome:
    ends = (end(a, rail), end(b, rail))
    m = Measurement("write_bw", gbps, "Gb/s", " ~ ".join(ends), BW)
    verdict = Verdict.PASS if m.ok else Verdict.FAIL
    return Outcome(
        "rdma.write-bw", Stage.RDMA, f"{a} ~ {b} rail {rail}", (a, b), verdict, at=ends, measurements=(m,)
    )


def broken(a: str, b: str, check: str = "rdma.write-bw", at: str = "") -> Outcome:
    """The connection breaks; `at` is the end that says so of itself."""
    ends = (end(a), end(b))
    found = (Finding("RDMA-CONNECT", "retries exceeded", at or " ~ ".join(ends)),)
    return Outcome(check, Stage.RDMA, f"{a} ~ {b} rail 0", (a, b), Verdict.FAIL, at=ends, findings=found)


def late(a: str, b: str, us: float = 2.0) -> Outcome:
    ends = (end(a), end(b))
    m = Measurement("write_lat", us, "us", " ~ ".join(ends), LAT)
    verdict = Verdict.PASS if m.ok else Verdict.FAIL
    return Outcome(
        "rdma.write-lat", Stage.RDMA, f"{a} ~ {b} rail 0", (a, b), verdict, at=ends, measurements=(m,)
    )


def unstarted(a: str, b: str) -> Outcome:
    ends = (end(a), end(b))
    return Outcome(
        "rdma.write-bw", Stage.RDMA, f"{a} ~ {b} rail 0", (a, b), Verdict.ERROR, at=ends, code="RDMA-SETUP", reason="refused"
    )  # fmt: skip


def job(a: str, b: str, wrong: int = 0, busbw: float = 470.0) -> Outcome:
    at = f"{a} ~ {b}"
    ms = (
        Measurement("wrong", wrong, "values", at, WRONG, "COLL-WRONG"),
        Measurement("busbw", busbw, "GB/s", at, BUSBW, "COLL-BUSBW"),
    )
    verdict = Verdict.PASS if all(m.ok for m in ms) else Verdict.FAIL
    ports = (end(a), end(a, 1), end(b), end(b, 1))
    return Outcome("collective.pair", Stage.COLLECTIVE, at, (a, b), verdict, at=ports, measurements=ms)


def hangs(a: str, b: str) -> Outcome:
    at = f"{a} ~ {b}"
    return Outcome(
        "collective.pair", Stage.COLLECTIVE, at, (a, b), Verdict.FAIL, at=(end(a), end(a, 1), end(b), end(b, 1)),
        findings=(Finding("COLL-FAILED", "hangs", at),),
    )  # fmt: skip


def rise(node: str, count: int) -> Outcome:
    limit = Limit("link.rise.symbol_errors", "<=", 100)
    m = Measurement("symbol_error rise", count, "", end(node), limit, "LINK-ERRORS")
    return Outcome(
        "after.link-errors", Stage.AFTER, node, (node,), Verdict.PASS, at=(node,), measurements=(m,)
    )


def found(outcomes: Iterable[Outcome], nodes: dict[str, Node] | None = None) -> list[Defect]:
    return diagnose(outcomes, DECLARED, nodes or fleet(20))


def short(defects: Sequence[Defect]) -> list[tuple[str, str]]:
    return sorted((d.code, d.component) for d in defects)


# --------------------------------------------------------------------------------- each fault for itself


def test_a_slow_node_and_a_wrong_one_that_meet_keep_each_their_own() -> None:
    outcomes = [job("n1", "n2", 14, 360), job("n1", "n3", 0, 360), job("n2", "n4", 14), job("n3", "n4")]
    assert short(found(outcomes)) == [("COLL-BUSBW", "n1"), ("COLL-WRONG", "n2")]


def test_a_job_that_hangs_says_nothing_about_its_speed_and_numbers_say_that_it_did_not_hang() -> None:
    outcomes = [hangs("n1", "n2"), job("n1", "n3", 0, 360), job("n2", "n4"), job("n3", "n4")]
    evidence = Evidence.of(
        outcomes, all_signs(outcomes, DECLARED), fleet(5), {"collective.pair": "COLL-BUSBW"}
    )
    speed, failed = (evidence.ends["collective.pair", code] for code in ("COLL-BUSBW", "COLL-FAILED"))
    assert [(t.pair, t.good) for t in speed.trials] == [
        ({"n1", "n3"}, False), ({"n2", "n4"}, True), ({"n3", "n4"}, True),
    ]  # fmt: skip
    assert (failed.good, failed.bad) == ({"n1", "n2", "n3", "n4"}, frozenset())
    assert short(found(outcomes)) == [("COLL-BUSBW", "n1"), ("PATH-UNSTABLE", "n1 ~ n2")]


def test_what_an_end_says_of_itself_is_no_trial_of_the_other() -> None:
    outcomes = [broken("n1", "n2", at=end("n1")), broken("n2", "n3")]
    mine = trials(outcomes, all_signs(outcomes, DECLARED), {"rdma.write-bw": "RDMA-BW"})
    assert [t.pair for t in mine["rdma.write-bw", "RDMA-CONNECT"]] == [{end("n2"), end("n3")}]


# ------------------------------------------------------------------------------------- bad ends


def test_the_best_of_an_end_counts_and_not_its_worst() -> None:
    outcomes = [bw("n1", "n2", 100), bw("n1", "n3", 120), bw("n2", "n4"), bw("n3", "n4")]
    (defect,) = found(outcomes)
    assert (defect.code, defect.component, defect.measured) == ("RDMA-BW", end("n1"), "write bw 100 Gb/s")
    assert defect.ruled_out == (
        "the other end: n2 mlx5_0 and n3 mlx5_0 are good with others",
        "leaf-0-0: 3 of 3 other ports on it are good",
        "the way: it is bad with 2 different partners, all on its own leaf",
    )


def test_of_two_bad_ends_that_only_met_bad_ones_the_one_that_does_less_is_named() -> None:
    """n2 has shown with n3 that it can do more than what it did with n1; n1 never did better."""
    outcomes = [bw("n1", "n2", 100), bw("n2", "n3", 187), bw("n3", "n4", 187), bw("n4", "n5")]
    assert short(found(outcomes)) == [
        ("RDMA-BW", end("n1")),
        ("RDMA-BW", end("n3")),
    ]


def test_a_hair_s_breadth_is_no_proof() -> None:
    outcomes = [bw("n1", "n2", 180), bw("n2", "n3", 190), bw("n1", "n4", 188)]
    assert {d.code for d in found(outcomes)} == {"PAIR-UNSPLIT"}


def test_two_bad_ends_that_met_first_are_separated() -> None:
    outcomes = [bw("n1", "n2", 100), bw("n1", "n3", 187), bw("n2", "n4", 187), bw("n3", "n4")]
    assert short(found(outcomes)) == [("RDMA-BW", end("n1")), ("RDMA-BW", end("n2"))]


def test_what_a_node_and_a_leaf_are_not_is_said() -> None:
    nodes = fleet(8, per_leaf=4)
    slow = [bw("n0", b, 187, rail) for b in ("n1", "n4") for rail in (0, 1)]
    good = [bw(a, b, rail=rail) for a, b in (("n1", "n2"), ("n4", "n5"), ("n2", "n3")) for rail in (0, 1)]
    (defect,) = found([*slow, *good], nodes)
    assert (defect.code, defect.component) == ("NODE-SLOW", "n0")
    assert defect.ruled_out == (
        "the other ends: 4 ports that it was bad with are good with others",
        "the leaves: ports of other nodes are good on 2 of its 2",
    )
    leaf = [bw(a, b, 187) for a, b in (("n0", "n1"), ("n2", "n3"), ("n0", "n4"), ("n2", "n5"))]
    good = [bw("n4", "n5"), *(bw(a, b, rail=1) for a, b in (("n0", "n1"), ("n2", "n3")))]
    (defect,) = found([*leaf, *good], nodes)
    assert (defect.code, defect.component) == ("LEAF-SLOW", "leaf-0-0")
    assert defect.ruled_out == (
        "its nodes: 4 of 4 have good ports on other leaves",
        "other leaves: ports on 2 of them are good",
    )


# ------------------------------------------------------------------------------------- ways of good ends

CROSSING = [(f"n{k}", f"n{k + 4}") for k in range(4)] + [(f"n{k}", f"n{8 + k}") for k in range(4)]
"""Leaf 0 with leaf 1, leaf 0 with leaf 2, four nodes on each."""


def inside(nodes: Iterable[int]) -> list[Outcome]:
    mine = list(nodes)
    return [bw(f"n{a}", f"n{b}") for a, b in zip(mine[0::2], mine[1::2], strict=True)]


def test_several_ports_of_a_leaf_slow_only_towards_others_are_its_uplinks() -> None:
    nodes = fleet(12, per_leaf=4)
    outcomes = [*inside(range(12)), *(bw(a, b, 187 if k % 2 else 391) for k, (a, b) in enumerate(CROSSING))]
    (defect,) = found(outcomes, nodes)
    assert (defect.code, defect.component) == ("UPLINK-SLOW", "leaf-0-0")
    assert set(defect.nodes) == {"n1", "n3", "n5", "n7", "n9", "n11"}
    assert defect.ruled_out == (
        "the ports: each of the 6 that are slow here is good with another partner",
        "the leaves themselves: 6 tests within one leaf were good",
    )
    assert len(defect.explains) == 4


def test_two_leaves_that_are_slow_only_with_each_other_cannot_be_told_apart() -> None:
    nodes = fleet(8, per_leaf=4)
    outcomes = [*inside(range(8)), *(bw(a, b, 187) for a, b in CROSSING[:4])]
    (defect,) = found(outcomes, nodes)
    assert (defect.code, defect.components) == ("UPLINK-SLOW", ("leaf-0-0", "leaf-1-0"))


def test_slow_ways_between_many_leaves_are_the_spine() -> None:
    nodes = fleet(16, per_leaf=2)
    crossing = [(f"n{k}", f"n{(k + 2) % 16}") for k in range(16)]
    outcomes = [*inside(range(16)), *(bw(a, b, 187) for a, b in crossing)]
    (defect,) = found(outcomes, nodes)
    assert (defect.code, defect.component) == ("SPINE-SLOW", "fleet")


def test_slow_uplinks_explain_slow_jobs_of_nodes_that_meet_over_them_and_no_others() -> None:
    nodes = fleet(12, per_leaf=4)
    slow = [*inside(range(12)), *(bw(a, b, 187 if k % 2 else 391) for k, (a, b) in enumerate(CROSSING))]
    over, beside = job("n0", "n6", busbw=300), job("n5", "n9", busbw=300)
    (defect,) = found([*slow, over, job("n0", "n1"), job("n6", "n7")], nodes)
    assert (defect.code, defect.components) == ("UPLINK-SLOW", ("leaf-0-0",))
    assert len(defect.explains) == 5
    apart = found([*slow, beside, job("n5", "n6"), job("n9", "n10")], nodes)
    assert short(apart) == [("PATH-UNSTABLE", "n5 ~ n9"), ("UPLINK-SLOW", "leaf-0-0")]


def test_so_are_those_of_half_of_the_rails() -> None:
    nodes = fleet(8, per_leaf=4)
    outcomes = [o for rail in (0, 1) for o in (*(bw(f"n{k}", f"n{k + 1}", rail=rail) for k in range(0, 8, 2)),
                *(bw(a, b, 187, rail) for a, b in CROSSING[:4]))]  # fmt: skip
    assert short(found(outcomes, nodes)) == [("SPINE-SLOW", "fleet")]


def test_one_port_that_is_slow_towards_other_leaves_is_no_uplink() -> None:
    """Two partners elsewhere, but only one port here: that port, as far as one can tell."""
    nodes = fleet(12, per_leaf=4)
    outcomes = [*inside(range(12)), bw("n0", "n4", 187), bw("n8", "n0", 187)]
    assert short(found(outcomes, nodes)) == [("RDMA-FLAKY", end("n0"))]


def test_a_port_that_only_sends_badly_keeps_its_fault() -> None:
    outcomes = [bw("n1", "n2", 187), bw("n1", "n3", 187), bw("n4", "n1"), bw("n2", "n3"), bw("n3", "n4")]
    (defect,) = found(outcomes)
    assert (defect.code, defect.component) == ("RDMA-BW", end("n1"))
    assert defect.ruled_out[:2] == (
        "the other ends: n2 mlx5_0 and n3 mlx5_0 are good with others",
        "the other direction: it receives well",
    )


def test_an_end_that_breaks_with_some_and_works_with_others_fails_now_and_then() -> None:
    """In one test of the bandwidth and in one of the latency, with different partners: the end is what they share."""
    outcomes = [
        broken("n1", "n2"), bw("n1", "n3"), bw("n2", "n3"),
        late("n1", "n2"), broken("n1", "n3", "rdma.write-lat"), late("n3", "n4"),
    ]  # fmt: skip
    (defect,) = found(outcomes)
    assert (defect.code, defect.component, defect.who) == ("RDMA-FLAKY", end("n1"), Who.HANDS_ON)
    assert len(defect.explains) == 2


def test_a_port_that_never_moves_large_data_is_broken_although_small_messages_pass() -> None:
    outcomes = [broken("n1", "n2"), broken("n1", "n3"), bw("n2", "n3"), late("n1", "n2"), late("n1", "n3")]
    assert short(found(outcomes)) == [("RDMA-CONNECT", end("n1"))]


def test_a_pass_after_a_fail_is_a_state_of_its_own() -> None:
    outcomes = [bw("n1", "n2", 187), bw("n2", "n1"), bw("n1", "n3"), bw("n2", "n3")]
    (defect,) = found(outcomes)
    assert (defect.code, defect.component) == ("PATH-UNSTABLE", f"{end('n1')} ~ {end('n2')}")
    assert defect.ruled_out == (
        "n1 mlx5_0: good with n2 mlx5_0 and n3 mlx5_0",
        "n2 mlx5_0: good with n1 mlx5_0 and n3 mlx5_0",
        "a broken way: the same two were good when they met again",
    )


# -------------------------------------------------------------------------------------- counters


@pytest.mark.parametrize("good_elsewhere", [False, True])
def test_counters_that_rose_at_one_end_only_tell_the_side(good_elsewhere: bool) -> None:
    outcomes = [bw("n1", "n2", 187), rise("n2", 12), rise("n1", 0)]
    if good_elsewhere:
        outcomes += [bw("n1", "n3"), bw("n2", "n3")]
    (defect,) = found(outcomes)
    assert (defect.code, defect.component) == ("RDMA-FLAKY" if good_elsewhere else "RDMA-BW", end("n2"))
    assert defect.ruled_out[-1] == (
        "n1 mlx5_0: only n2 mlx5_0 counted errors under the load (symbol_error rise 12)"
    )


def test_counters_that_rose_at_both_ends_or_at_none_tell_nothing() -> None:
    for risen in ((rise("n1", 5), rise("n2", 12)), ()):
        assert [d.code for d in found([bw("n1", "n2", 187), *risen])] == ["PAIR-UNSPLIT"]


# -------------------------------------------------------------------------------------- not started


def test_a_node_that_no_client_reaches_is_named_once_and_not_its_clients() -> None:
    outcomes = [unstarted("n1", "n2"), bw("n2", "n3"), bw("n3", "n4"), bw("n1", "n4")]
    (defect,) = found(outcomes)
    assert (defect.code, defect.component, defect.who) == ("RDMA-SETUP", "n2", Who.COULD_NOT_JUDGE)


def test_of_two_that_have_no_other_test_in_their_role_the_one_that_fails_more_is_named() -> None:
    outcomes = [unstarted("n1", "n2"), unstarted("n3", "n2")]
    assert [d.component for d in found(outcomes)] == ["n2"]
    alone = found([unstarted("n1", "n2")])
    assert [d.components for d in alone] == [(end("n1"), end("n2"))]


def test_a_client_that_starts_nothing_with_anybody_is_named() -> None:
    outcomes = [unstarted("n1", "n2"), bw("n3", "n2"), bw("n3", "n1")]
    assert [d.component for d in found(outcomes)] == ["n1"]
