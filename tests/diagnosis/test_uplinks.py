"""What is slow only between leaves: one leaf, several of one network, or what joins them all."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.diagnosis.confirm import lanes
from bringup.diagnosis.strangers import strangers
from bringup.diagnosis.trials import Trial
from bringup.diagnosis.uplinks import Slow, slow_above
from bringup.model import Measurement, Node, Outcome, Port, Stage, Verdict, port_path

SLOW = "UPLINK-SLOW"
SPINE = {("SPINE-SLOW", "fleet")}


def named(*leaves: str) -> set[tuple[str, str]]:
    return {(SLOW, leaf) for leaf in leaves}


@pytest.fixture
def localise(fabric, search):
    """What is named in a fabric of so many nodes with one rail, leaves of 16, and these culprits; and in how many rounds."""

    def localise(nodes: int, *, seed: int = 1, there_are: int = 4, **wrong):
        model = fabric.FabricModel(
            nodes, rails=1, spines=there_are, seed=seed, culprits=fabric.Culprits(**wrong)
        )
        came = search.localise(model)
        return set(came.named), came.rounds

    return localise


@pytest.mark.parametrize(
    "bad", [("0", "4"), ("0", "1"), ("2", "6"), ("2", "4", "5"), ("3", "6", "7"), ("0", "2", "4")]
)
def test_slow_leaves_of_one_network_are_told_from_those_that_they_met(localise, bad) -> None:
    leaves = frozenset(f"leaf-{unit}-0" for unit in bad)
    assert localise(128, uplinks=leaves)[0] == named(*leaves)


@pytest.mark.parametrize("seed", range(4))
def test_two_leaves_that_leave_uplinks_unused_are_told_from_those_that_they_met(localise, seed) -> None:
    leaves = frozenset({f"leaf-{seed}-0", f"leaf-{seed + 4}-0"})
    assert localise(128, sparse=leaves, seed=seed)[0] == named(*leaves)


@pytest.mark.parametrize("bad", [("0", "1"), ("0", "2"), ("0", "3"), ("1", "2"), ("2", "3")])
def test_two_of_four_leaves_are_no_spine_since_the_others_are_well_with_each_other(localise, bad) -> None:
    leaves = frozenset(f"leaf-{unit}-0" for unit in bad)
    assert localise(64, uplinks=leaves)[0] == named(*leaves)


def test_a_slow_spine_of_four_leaves_is_still_one_after_all_have_met(localise) -> None:
    assert localise(64, spines=frozenset({1})) == (SPINE, 5)


@pytest.mark.parametrize("there_are", [2, 4, 8, 16])
def test_a_slow_spine_of_few_or_many(localise, there_are) -> None:
    assert localise(256, spines=frozenset({1}), there_are=there_are) == (SPINE, 3)


def test_three_of_four_leaves_have_one_cause(localise) -> None:
    assert localise(64, uplinks=frozenset({"leaf-0-0", "leaf-1-0", "leaf-2-0"}))[0] == SPINE


@pytest.mark.parametrize("seed", range(12))
def test_ports_here_and_there_that_fail_now_and_then_are_no_spine(localise, seed) -> None:
    bad = frozenset(f"n{17 * k + seed:05}/hca/mlx5_0/port/1" for k in range(7))
    found, _ = localise(128, seed=seed, flaky=bad)
    assert not {code for code, _ in found} & {"SPINE-SLOW", SLOW}


def met(a: str, b: str, share: float = 1.03) -> Trial:
    return Trial(a, b, share >= 1, share)


def above(*trials: Trial, networks: int = 1) -> list[Slow]:
    """Ends are named LEAF.NUMBER."""
    failing = [t for t in trials if not t.good]
    leaves = {end[0] for t in trials for end in t.ends}
    return slow_above(failing, trials, lambda end: end[0], dict.fromkeys(leaves, "network"))


def between(a: str, b: str, share: float, count: int = 8) -> list[Trial]:
    return [met(f"{a}.{k}", f"{b}.{k}", share) for k in range(count)]


def test_of_two_leaves_the_one_that_is_well_with_others_is_not_to_blame() -> None:
    slow = between("A", "B", 0.5)
    assert above(*slow, *between("C", "B", 1.03)) == [Slow(("A",), tuple(slow), ("A",))]
    assert above(*slow) == [Slow(("A", "B"), tuple(slow), ("A", "B"))]


def test_the_other_role_or_hardly_any_load_proves_nothing() -> None:
    slow = between("A", "B", 0.5)
    for idle in (between("C", "A", 1.03), between("A", "C", 1.03, 3)):
        assert above(*slow, *idle)[0].leaves == ("A", "B")


def test_the_leaf_that_alone_explains_all_is_named_and_asked_about() -> None:
    trials = [*between("B", "A", 0.5), *between("C", "A", 0.5)]
    assert above(*trials) == [Slow(("A",), tuple(trials), ("A", "B", "C"))]


def test_a_single_slow_way_convicts_nobody() -> None:
    slow, single = between("A", "B", 0.5), met("A.0", "X.0", 0.5)
    idle = [met(f"X.{k}", f"Y.{k}") for k in range(8)]
    assert above(*slow, single, *idle) == [Slow(("A", "B"), tuple(slow), ("A", "B"))]


def test_one_way_that_fails_now_and_then_takes_nobodys_alibi() -> None:
    slow = [*between("A", "B", 0.5), *between("A", "C", 0.5)]
    trials = [*slow, *between("B", "C", 1.03)[:7], met("B.7", "C.7", 0.5), *between("C", "B", 1.03)]
    assert [s.leaves for s in above(*trials)] == [("A",)]


def test_two_single_ways_beside_a_slow_leaf_convict_nobody_else() -> None:
    """What L has with A, which is slow with everybody, does not count against L."""
    slow = [*between("L", "A", 0.5, 16), *between("M", "A", 0.5, 16)]
    calm = [met(f"L.{k}", f"C.{k}", 0.5 if k == 8 else 1.03) for k in range(24)]
    calm += [met(f"L.{k}", f"D.{k}", 0.5 if k == 9 else 1.03) for k in range(24)] + between(
        "M", "E", 1.03, 24
    )
    calm += [*between("C", "E", 1.03, 24), *between("D", "E", 1.03, 24)]
    assert [s.leaves for s in above(*slow, *calm)] == [("A",)]


def test_a_few_ports_elsewhere_make_no_spine_of_a_slow_leaf() -> None:
    leaves = "ABCDEFGH"
    slow = {("A.0", "B.0"), ("A.1", "B.1"), ("A.2", "C.2"), ("A.3", "C.3"), *(("E.5", f"{o}.5") for o in "FD"),
            *(("G.7", f"{o}.7") for o in "HF")}  # fmt: skip
    pairs = [("A", "B"), ("A", "C"), ("D", "E"), ("E", "F"), ("G", "H"), ("G", "F"), ("B", "D"), ("C", "H")]
    ends = [(f"{a}.{k}", f"{b}.{k}") for a, b in pairs for k in range(16)]
    trials = [met(*e, 0.5 if e in slow else 1.03) for e in ends]
    trials += [met(*e, 0.5) for e in slow if e not in set(ends)]
    assert leaves and [s.leaves for s in above(*trials)] == [("A",)]


def test_a_single_slow_way_in_the_other_role_is_no_alibi() -> None:
    """A sends slowly, and was asked by others only; one way to it fails now and then."""
    trials = [*between("A", "B", 0.5), *between("C", "A", 1.03, 24), met("B.3", "A.3", 0.5)]
    trials += [met(f"B.{k}", f"A.{k}") for k in range(8) if k != 3]
    assert [s.leaves for s in above(*trials)] == [("A", "B")]


def test_two_leaves_that_are_well_with_all_others_stay_two_and_convict_no_third() -> None:
    slow = between("A", "B", 0.5)
    trials = [*slow, *between("A", "C", 1.03), *between("D", "B", 1.03), *between("C", "D", 1.03)]
    assert above(*trials) == [Slow(("A", "B"), tuple(slow), ("A", "B"))]


def test_while_two_are_open_the_others_of_the_network_wait() -> None:
    star = [*between("B", "A", 0.5), *between("C", "A", 0.5)]
    pair = between("X", "Y", 0.5)
    calm = [
        t for a, b in ("EF", "GH", "EG", "FH") for t in (*between(a, b, 1.03, 16), *between(b, a, 1.03, 16))
    ]
    assert [(s.leaves, s.ask) for s in above(*star, *pair, *calm)] == [(("A",), ()), (("X", "Y"), ("X", "Y"))]
    assert [(s.leaves, s.ask) for s in above(*star, *calm)] == [(("A",), ("A", "B", "C"))]


def test_an_alibi_counts_what_was_slow_elsewhere() -> None:
    """A quarter of what A sends is slow, with B and with many others of which each met one of its ends."""
    slow = [met(f"A.{k}", f"B.{k}", 0.5 if k % 4 == 0 else 1.03) for k in range(16)]
    many = [met(f"A.{k}", f"{chr(ord('C') + k)}.{k}", 0.5 if k % 4 == 1 else 1.03) for k in range(16)]
    quiet = list(between("B", "C", 1.03, 16)) + between("C", "B", 1.03, 16)
    assert [s.leaves for s in above(*slow, *many, *quiet)] == [("A",)]


def test_leaves_that_are_well_within_their_pod_and_slow_beyond_it_are_not_to_blame() -> None:
    pods = ("ABCD", "EFGH", "IJKL")
    good = [
        t for pod in pods for a, b in zip(pod, pod[1:] + pod[0], strict=True) for t in between(a, b, 1.03)
    ]
    slow = [t for a, b in ("AE", "BF", "CI", "DJ") for t in (*between(a, b, 0.5, 4), *between(b, a, 0.5, 4))]
    other = [t for a, b in ("GK", "HL") for t in between(a, b, 1.03)]
    assert [s.leaves for s in above(*good, *slow, *other)] == [()]


def test_slow_ways_as_often_within_a_leaf_are_nothing_above_them() -> None:
    leaves = [chr(ord("A") + k) for k in range(20)]
    crossing = [
        met(f"{a}.{k}", f"{b}.{k}", 0.5 if k == 3 else 1.03)
        for a, b in itertools.pairwise(leaves)
        for k in range(40)
    ]
    inside = [met(f"{a}.{k}", f"{a}.{k + 40}", 0.5 if k == 5 else 1.03) for a in leaves for k in range(40)]
    assert above(*crossing, *inside) == []
    calm = [t for t in inside if t.good]
    assert [s.leaves for s in above(*crossing, *calm)] == [()]
    rare = [t if t.a[0] in "ABCDEF" else met(*t.ends) for t in crossing]
    assert (
        above(
            *rare,
            *calm,
            *(
                met(f"{a}.{k + 50}", f"{b}.{k + 50}")
                for a, b in itertools.pairwise(leaves)
                for k in range(40)
            ),
        )
        == []
    )


@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDE"), st.sampled_from("ABCDE"), st.integers(0, 5), st.booleans()),
        max_size=60,
    )
)
def test_whatever_was_seen_no_slow_way_is_explained_twice(seen: list[tuple[str, str, int, bool]]) -> None:
    trials = [met(f"{a}.{n}", f"{b}.{n + 9}", 1.03 if good else 0.5) for a, b, n, good in seen]
    found = above(*trials)
    explained = [t for slow in found for t in set(slow.trials)]
    assert len(explained) == len(set(explained))
    assert all(not t.good and t.a[0] != t.b[0] for t in explained)
    for slow in found:
        assert all(set(slow.leaves) & {t.a[0], t.b[0]} for t in slow.trials) or not slow.leaves


def test_all_ports_of_leaves_that_have_hardly_met_meet_on_every_rail(fabric, search) -> None:
    """Four leaves with two rails of each node; of l0 and l1 a single pair has met, since its partners had left."""
    nodes = {
        f"{leaf}-{k}": Node(f"{leaf}-{k}", ports=tuple(Port(r, f"mlx5_{r}", f"l{leaf}") for r in (0, 1)))
        for leaf in range(4)
        for k in range(8)
    }

    def bw(a: str, b: str, gbps: float) -> list[Outcome]:
        return [
            Outcome(
                fabric.CHECK, Stage.RDMA, f"{a} ~ {b} rail {r}", (a, b), Verdict.PASS if gbps > 380 else Verdict.FAIL,
                at=tuple(port_path(n, f"mlx5_{r}") for n in (a, b)),
                measurements=(Measurement("write_bw", gbps, "Gb/s", f"{a} ~ {b} {r}", fabric.LIMIT),),
            )
            for r in (0, 1)
        ]  # fmt: skip

    met = [bw(f"{leaf}-{k}", f"{leaf}-{k + 4}", 391) for leaf in range(4) for k in range(4)]
    met += [bw(f"{a}-{k}", f"{b}-{k}", 187) for a, b in ((1, 3), (0, 2), (0, 3), (1, 2)) for k in range(8)]
    met += [bw("0-7", "1-7", 391)]
    model = fabric.FabricModel(4, rails=2)
    model.nodes = nodes
    seen = search.evidence_of([o for outcomes in met for o in outcomes], model)
    gone = {port_path("2-3", "mlx5_1")}
    there, back = strangers(seen, nodes, lanes(nodes), gone.__contains__)
    pairs = {(t.a, t.b) for t in there}
    assert {(b, a) for a, b in pairs} == {(t.a, t.b) for t in back}
    assert {(a[0], b[0]) for a, b in pairs} == {("0", "1"), ("2", "3")}
    assert all(a.rpartition("mlx5_")[2] == b.rpartition("mlx5_")[2] for a, b in pairs), (
        "the same rail on both"
    )
    assert len(pairs) == 2 * 8 * 2 - 1 and not gone & {end for pair in pairs for end in pair}
    assert len({a.partition("/")[0] + b.partition("/")[0] for a, b in pairs}) == 16, "a node meets one other"
