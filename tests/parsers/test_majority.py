"""The vote over readings of many places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.model import Finding, Limit, Measurement, Node
from bringup.parsers.majority import by_profile, compare, of_nodes, vote


def test_all_agree() -> None:
    result = vote({"a": "1", "b": "1"})
    assert (result.majority, result.odd, result.split, result.total, result.spread) == (
        "1",
        (),
        False,
        2,
        "1 on 2",
    )


def test_a_third_is_a_minority_and_more_is_a_split() -> None:
    assert vote({"a": "1", "b": "1", "c": "2"}).odd == ("c",)
    split = vote({"a": "1", "b": "1", "c": "1", "d": "2", "e": "3"})
    assert (split.odd, split.split, split.spread) == ((), True, "1 on 3, 2 on 1, 3 on 1")


def test_nothing_to_vote_on() -> None:
    with pytest.raises(ValueError, match="at least one"):
        vote({})


@given(st.dictionaries(st.text(min_size=1), st.sampled_from("123"), min_size=1))
def test_the_odd_ones_are_a_third_at_most_and_none_in_a_split(readings: dict[str, str]) -> None:
    result = vote(readings)
    assert result.total == len(readings)
    assert len(result.odd) * 3 <= len(readings)
    assert not (result.split and result.odd)
    assert result.split or {readings[place] for place in readings if place not in result.odd} == {
        result.majority
    }


RULE = Limit("x", "<=", 1, "versions")


def said(readings: dict[str, str], *, word_by_word: bool = False) -> list[Measurement | Finding]:
    return list(compare("os", readings, code="DRIFT", limit=RULE, fleet="fleet", word_by_word=word_by_word))


def test_equal_readings_are_judged() -> None:
    assert said({"a": "1", "b": "1"}) == [Measurement("os versions", 1, "versions", "fleet", RULE, "DRIFT")]


def test_the_odd_one_is_told_with_the_majority() -> None:
    assert said({"a": "1 x", "b": "1 x", "c": "2 x"}) == [
        Measurement("os versions", 2, "versions", "fleet", None, "DRIFT"),
        Finding("DRIFT", "os 2 x, 1 x on 2 of 3 nodes", "c"),
    ]


def test_long_ones_are_told_word_by_word() -> None:
    finding = said({"a": "1 x", "b": "1 x", "c": "x"}, word_by_word=True)[-1]
    assert finding == Finding("DRIFT", "os: lacks 1; not so on 2 of 3 nodes", "c")
    turned = said({"a": "1 x", "b": "1 x", "c": "x 1"}, word_by_word=True)[-1]
    assert turned == Finding("DRIFT", "os: other order; not so on 2 of 3 nodes", "c")


def test_a_split_names_short_values_and_counts_long_ones() -> None:
    assert said({"a": "1", "b": "2"})[-1] == Finding(
        "DRIFT", "os: 1 on 1, 2 on 1 nodes; no clear majority", "fleet"
    )
    long = said({"a": "1" * 99, "b": "2"})[-1]
    assert long == Finding("DRIFT", "os: 2 values on 1, 1 nodes; no clear majority", "fleet")


def test_only_equal_nodes_are_compared() -> None:
    nodes = [Node("a", profile="x"), Node("b", profile="y"), Node("c", profile="x")]
    assert by_profile(nodes) == {"x": frozenset("ac"), "y": frozenset("b")}
    readings = [
        Measurement("m", 1, "", "a/gpu/0"),
        Measurement("m", 2, "", "b"),
        Measurement("m", 3, "", "ab"),
    ]
    assert of_nodes(readings, frozenset("a")) == {"a/gpu/0": "1"}


def test_numbers_read_back_from_a_journal_equal_those_read_anew() -> None:
    readings = [Measurement("threads", 192, "", "a"), Measurement("threads", 192.0, "", "b")]
    assert of_nodes(readings, frozenset("ab")) == {"a": "192", "b": "192"}
    assert of_nodes([Measurement("x", 0.5, "", "a")], frozenset("a")) == {"a": "0.5"}
