"""Pairings: disjoint, covering, never the same pair twice, constant in rounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bringup.topology import matchings, repaired


@given(st.integers(2, 200), st.integers(1, 6))
def test_matchings_are_disjoint_cover_and_never_repeat(count: int, rounds: int) -> None:
    nodes = [f"n{i}" for i in range(count)]
    drawn = matchings(nodes, rounds)
    possible = count - 1 if count % 2 == 0 else count
    assert len(drawn) == min(rounds, possible)
    seen: set[frozenset[str]] = set()
    for pairs in drawn:
        flat = [n for pair in pairs for n in pair]
        assert len(flat) == len(set(flat)) == count - count % 2
        for pair in pairs:
            assert frozenset(pair) not in seen
            seen.add(frozenset(pair))
    if len(drawn) >= 2:
        assert {n for pairs in drawn for pair in pairs for n in pair} == set(nodes)


def test_no_pairs_without_two_nodes() -> None:
    assert matchings([], 3) == []
    assert matchings(["a"], 3) == []


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
