"""What is slow only between leaves: one leaf, several of one network, or what joins them all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.diagnosis.trials import Trial
from bringup.diagnosis.uplinks import Slow, slow_above

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
    assert above(*slow, *between("C", "B", 1.03)) == [Slow(("A",), tuple(slow))]
    assert above(*slow) == [Slow(("A", "B"), tuple(slow), ("A", "B"))]


def test_the_other_role_or_hardly_any_load_proves_nothing() -> None:
    slow = between("A", "B", 0.5)
    for idle in (between("C", "A", 1.03), between("A", "C", 1.03, 3)):
        assert above(*slow, *idle)[0].leaves == ("A", "B")


def test_the_leaf_that_alone_explains_all_is_named_and_asked_about() -> None:
    trials = [*between("B", "A", 0.5), *between("C", "A", 0.5)]
    assert above(*trials) == [Slow(("A",), tuple(trials), ("A", "B", "C"))]


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
