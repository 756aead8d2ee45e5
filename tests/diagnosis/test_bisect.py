"""Delta debugging of a job that fails: the modelled culprits are found, the size is held, and scale is an answer."""

from __future__ import annotations

import math
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from bringup.diagnosis.bisect import Ask, Culprit, Failure, Found, Job, next_step

Model = Callable[[Job], bool | None]


def failure(size: int, good: int, rails: int = 0) -> Failure:
    return Failure(
        tuple(f"n{k}" for k in range(size)),
        tuple(f"g{k}" for k in range(good)),
        tuple(f"r{k}" for k in range(rails)),
    )


def culprits(*sets: set[str], rails: set[str] | None = None) -> Model:
    """A job fails if all of one of these sets are in it (and, with rails, one of these is used)."""

    def good(job: Job) -> bool:
        used = not rails or not job.rails or bool(rails & set(job.rails))
        return not (used and any(mine <= set(job.nodes) for mine in sets))

    return good


def searched(what: Failure, model: Model, *, most_rounds: int = 400) -> tuple[Found, list[tuple[Job, ...]]]:
    """Plays the search; checks what holds for every round."""
    known: dict[Job, bool | None] = {}
    rounds: list[tuple[Job, ...]] = []
    while isinstance(step := next_step(what, known), Ask):
        assert step.jobs and len(rounds) < most_rounds
        nodes = [n for job in step.jobs for n in job.nodes]
        assert len(nodes) == len(set(nodes)), "jobs of a round share no node"
        for job in step.jobs:
            assert job not in known
            assert set(job.filling) <= {*what.nodes, *what.good} - set(job.suspects)
            if len(what.nodes) - len(job.suspects) <= len(what.good):
                assert len(job.nodes) == len(what.nodes), "the size is held"
            known[job] = model(job)
        rounds.append(step.jobs)
    assert next_step(what, known) == step, "the same results give the same answer"
    return step, rounds


def test_one_culprit_of_64_takes_a_round_for_each_halving() -> None:
    found, rounds = searched(failure(64, 64), culprits({"n37"}))
    assert found == Found((Culprit(("n37",)),))
    assert len(rounds) == 7
    assert [len(jobs) for jobs in rounds] == [2, 2, 2, 2, 2, 2, 2]


def test_both_halves_run_at_the_same_time() -> None:
    step = next_step(failure(8, 8), {})
    assert isinstance(step, Ask)
    assert [job.suspects for job in step.jobs] == [("n0", "n1", "n2", "n3"), ("n4", "n5", "n6", "n7")]


@given(st.integers(2, 48), st.data())
def test_single_culprits_are_found_exactly(size: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=min(4, size)))
    extra = data.draw(st.integers(0, size))
    what = failure(size, size + extra)
    found, rounds = searched(what, culprits(*({f"n{k}"} for k in bad)))
    assert {c.nodes for c in found.culprits} == {(f"n{k}",) for k in bad}
    assert (found.scale_only, found.error, found.held) == (False, "", True)
    assert not any(c.flaky for c in found.culprits)
    assert sum(map(len, rounds)) <= len(bad) * (2 * math.ceil(math.log2(size)) + 4) + 1


@given(st.integers(4, 40), st.data())
def test_two_that_fail_only_together_are_found_as_two(size: int, data: st.DataObject) -> None:
    a, b = data.draw(st.lists(st.integers(0, size - 1), min_size=2, max_size=2, unique=True))
    found, _ = searched(failure(size, size), culprits({f"n{a}", f"n{b}"}))
    assert found.culprits == (Culprit(tuple(f"n{k}" for k in sorted((a, b)))),)
    assert not found.scale_only


@settings(max_examples=60)
@given(st.integers(6, 40), st.data())
def test_a_single_one_and_two_that_fail_together_are_told_apart(size: int, data: st.DataObject) -> None:
    one, a, b = data.draw(st.lists(st.integers(0, size - 1), min_size=3, max_size=3, unique=True))
    found, _ = searched(failure(size, size), culprits({f"n{one}"}, {f"n{a}", f"n{b}"}))
    assert {frozenset(c.nodes) for c in found.culprits} == {
        frozenset({f"n{one}"}),
        frozenset({f"n{a}", f"n{b}"}),
    }


@settings(max_examples=40)
@given(st.integers(3, 130), st.integers(0, 200))
def test_what_only_fails_as_a_whole_is_a_matter_of_scale_after_few_jobs(size: int, good: int) -> None:
    what = failure(size, good)
    found, rounds = searched(what, culprits(set(what.nodes)))
    assert found.scale_only
    assert found.culprits == (Culprit(what.nodes),)
    assert sum(map(len, rounds)) <= 16
    assert found.held == (good >= size - size // 2)


@given(st.integers(1, 30), st.integers(2, 8), st.data())
def test_a_culprit_on_some_rails_is_found_with_them(size: int, rails: int, data: st.DataObject) -> None:
    node = f"n{data.draw(st.integers(0, size - 1))}"
    bad = {f"r{k}" for k in data.draw(st.sets(st.integers(0, rails - 1), min_size=1, max_size=rails))}
    what = failure(size, size, rails)
    found, _ = searched(what, culprits({node}, rails=bad))
    (culprit,) = found.culprits
    assert culprit.nodes == (node,)
    half = len(what.rails) // 2
    both_halves = all(bad & set(part) for part in (what.rails[:half], what.rails[half:]))
    assert set(culprit.rails) == (set() if both_halves or len(bad) == rails else bad)


def test_a_fault_of_scale_may_still_be_one_of_a_rail() -> None:
    what = failure(16, 0, 4)
    found, _ = searched(what, culprits(set(what.nodes), rails={"r2"}))
    assert found == Found((Culprit(what.nodes, ("r2",)),), scale_only=True, held=False)


def test_good_nodes_that_are_not_good_end_the_search() -> None:
    found, rounds = searched(failure(32, 40), lambda job: "g3" not in job.nodes and "n4" not in job.nodes)
    everything_fails, asked = searched(failure(32, 40), lambda job: False)
    assert everything_fails.error == "a job of known-good nodes alone fails as well"
    assert everything_fails.culprits == ()
    assert len(asked) <= 3
    assert found.error or {c.nodes for c in found.culprits} >= {("n4",)}
    assert rounds


def test_a_job_that_could_not_be_judged_decides_nothing() -> None:
    found, _ = searched(failure(4, 4), lambda job: None)
    assert found.error == "the job of n0 and n1 could not be judged"


def test_what_is_good_in_its_second_try_is_flaky() -> None:
    seen: list[Job] = []

    def sometimes(job: Job) -> bool:
        seen.append(job)
        return "n2" not in job.nodes or job.again == 1

    found, _ = searched(failure(8, 8), sometimes)
    assert found.culprits == (Culprit(("n2",), flaky=True),)
    first, second = (j for j in seen if j.suspects == ("n2",))
    assert set(first.filling) != set(second.filling), "with other nodes to fill it up"


def test_without_enough_good_nodes_the_verdict_says_that_the_size_was_not_held() -> None:
    found, rounds = searched(failure(8, 2), culprits({"n5"}))
    assert (found.culprits, found.held) == ((Culprit(("n5",)),), False)
    assert max(len(job.nodes) for jobs in rounds for job in jobs) <= 8


def test_a_job_of_one_or_two_nodes() -> None:
    assert searched(failure(1, 3), culprits({"n0"}))[0].culprits == (Culprit(("n0",)),)
    found, _ = searched(failure(2, 3), culprits({"n0", "n1"}))
    assert (found.culprits, found.scale_only) == ((Culprit(("n0", "n1")),), False)


def test_who_would_be_alone_takes_one_that_was_good_in_a_smaller_job() -> None:
    """Two fail with anybody, one node is no job, and nobody outside is known to be good."""

    def good(job: Job) -> bool | None:
        return None if len(job.nodes) < 2 else "n5" not in job.nodes

    found, rounds = searched(failure(8, 0), good)
    assert (found.culprits, found.held, found.error) == ((Culprit(("n5",)),), False, "")
    assert min(len(job.nodes) for jobs in rounds for job in jobs) == 4, (
        "the size at which a half of it failed"
    )


@given(st.integers(16, 64), st.data())
def test_a_culprit_that_shows_only_in_large_jobs_is_found_without_anybody_outside(
    size: int, data: st.DataObject
) -> None:
    """A port at 70 % slows sixteen nodes and not two: the half that failed is searched at its own size."""
    bad = f"n{data.draw(st.integers(0, size - 1))}"
    least = data.draw(st.integers(3, size // 2))

    def good(job: Job) -> bool:
        return bad not in job.nodes or len(job.nodes) < least

    found, rounds = searched(failure(size, 0), good)
    assert found.culprits == (Culprit((bad,)),)
    assert len(rounds) <= 4 * math.log2(size)


@given(st.integers(8, 24), st.integers(1, 3), st.data())
def test_what_fails_by_size_alone_blames_no_single_node_where_a_few_are_good_outside(
    size: int, good: int, data: st.DataObject
) -> None:
    least = data.draw(st.integers(size // 2 + 1, size))
    what = failure(size, good)
    known: dict[Job, bool | None] = {}
    for _ in range(40):
        step = next_step(what, known)
        if not isinstance(step, Ask):
            break
        known.update({job: len(job.nodes) < least for job in step.jobs})
    if isinstance(step, Found):
        assert all(len(culprit.nodes) > 1 for culprit in step.culprits)
