"""Which of two nodes kept a test from starting, and the round that tells where the results do not."""

from __future__ import annotations

from bringup.diagnosis.setups import Setups, Split, to_split

BW, LAT = "rdma.write-bw", "rdma.write-lat"


def works(check: str, starts: str, is_asked: str) -> set[tuple[str, str, str]]:
    return {(check, name, "starts") for name in starts} | {(check, name, "is asked") for name in is_asked}


def nobody(name: str) -> bool:
    return False


def test_each_of_two_meets_another_one_in_its_role() -> None:
    setups = Setups(undecided={(BW, "x"): ("a", "b")}, works=works(BW, "bcd", "acd"))
    assert to_split(setups, nobody) == [Split("a", "c", (BW,)), Split("d", "b", (BW,))]


def test_rails_and_checks_of_two_nodes_are_one_test() -> None:
    undecided = {(BW, "rail 0"): ("a", "b"), (BW, "rail 1"): ("a", "b"), (LAT, "rail 0"): ("a", "b")}
    setups = Setups(undecided=undecided, works=works(BW, "cd", "cd") | works(LAT, "de", "de"))
    assert to_split(setups, nobody) == []  # only d is well in both
    setups = Setups(undecided=undecided, works=works(BW, "cde", "cde") | works(LAT, "de", "de"))
    assert to_split(setups, nobody) == [Split("a", "d", (BW, LAT)), Split("e", "b", (BW, LAT))]


def test_nobody_takes_part_twice_and_nobody_who_has_left() -> None:
    undecided = {(BW, "1"): ("a", "b"), (BW, "2"): ("c", "b"), (BW, "3"): ("e", "f")}
    setups = Setups(undecided=undecided, works=works(BW, "ghijk", "ghijk"))
    found = to_split(setups, lambda name: name == "g")
    assert found == [
        Split("a", "h", (BW,)), Split("i", "b", (BW,)), Split("e", "j", (BW,)), Split("k", "f", (BW,))
    ]  # fmt: skip
    flat = [name for test in found for name in (test.starts, test.asked)]
    assert len(flat) == len(set(flat))


def test_without_partners_the_pair_stays_a_pair() -> None:
    assert to_split(Setups(undecided={(BW, "x"): ("a", "b")}), nobody) == []
    assert to_split(Setups(), nobody) == []


def test_the_rail_is_one_on_which_they_could_not() -> None:
    setups = Setups(undecided={(BW, "a ~ b rail 5"): ("a", "b")}, works=works(BW, "cd", "cd"))
    assert [test.rail for test in to_split(setups, nobody)] == [5, 5]


def test_a_pair_of_which_one_has_left_needs_no_test() -> None:
    setups = Setups(undecided={(BW, "x"): ("a", "b")}, works=works(BW, "cd", "cd"))
    assert to_split(setups, lambda name: name == "b") == []


def test_only_nodes_of_one_kind_are_paired() -> None:
    setups = Setups(undecided={(BW, "x"): ("y1", "y2")}, works=works(BW, "abc", "abc"))
    assert to_split(setups, nobody, lambda name: name[0]) == []
    more = Setups(
        undecided={(BW, "x"): ("y1", "y2")},
        works={*works(BW, "abc", "abc"), (BW, "y3", "is asked"), (BW, "y4", "starts")},
    )
    assert to_split(more, nobody, lambda name: name[0]) == [
        Split("y1", "y3", (BW,)),
        Split("y4", "y2", (BW,)),
    ]


def test_a_test_over_all_rails_does_not_hide_the_rail_of_another() -> None:
    undecided = {("rdma.all-rails", "a ~ b"): ("a", "b"), (BW, "a ~ b rail 5"): ("a", "b")}
    setups = Setups(undecided=undecided, works=works(BW, "cd", "cd") | works("rdma.all-rails", "cd", "cd"))
    assert [(test.checks, test.rail) for test in to_split(setups, nobody)] == [
        (("rdma.all-rails", BW), 5)
    ] * 2


def test_who_helps_nobody_is_free_for_the_next() -> None:
    undecided = {(BW, "1"): ("a", "b"), (LAT, "2"): ("c", "d")}
    setups = Setups(undecided=undecided, works=works(BW, "", "e") | works(LAT, "f", "e"))
    assert to_split(setups, nobody) == [Split("c", "e", (LAT,)), Split("f", "d", (LAT,))]
