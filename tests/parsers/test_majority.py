"""The vote over readings of many places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.parsers.majority import vote


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
