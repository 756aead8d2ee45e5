"""The confirm step: known-good partners, disjoint pairs, a control beside them, and what the results decide."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import replace

from bringup.diagnosis.confirm import PARTNERS, Confirm, Meeting, confirm_rounds, lanes
from bringup.diagnosis.decide import Decision, Standing, decide
from bringup.diagnosis.ends import Ends
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.suspects import Suspect, known_good, node_of, suspects
from bringup.diagnosis.trials import Trial
from bringup.diagnosis.ways import ways
from bringup.model import port_path

KEY = ("rdma.write-bw", "RDMA-BW")
GOOD, BAD = 1.03, 0.5


def evidence(*trials: Trial, leaf: dict[str, str] | None = None) -> Evidence:
    ends = Ends.of(trials, leaf or {})
    failing = ends.failing_ways
    found = ways(
        failing,
        trials,
        lambda end: (leaf or {}).get(end, ""),
        dict.fromkeys((leaf or {}).values(), "plane"),
        "RDMA-FLAKY",
    )
    return Evidence({KEY: ends}, {KEY[1]: found} if failing else {}, leaf or {})


def met(a: str, b: str, share: float = GOOD) -> Trial:
    return Trial(a, b, share >= 1, share)


def lane(end: str) -> str:
    return end.partition("/")[2]


def nodes_of(meeting: Meeting) -> set[str]:
    return {end.partition("/")[0] for end in (meeting.a, meeting.b)}


SCREENED = (
    met("n1/r0", "n2/r0", BAD), met("n3/r0", "n4/r0"), met("n5/r0", "n6/r0"),
    met("n1/r0", "n3/r0", BAD), met("n2/r0", "n4/r0"), met("n5/r0", "n7/r0"),
)  # fmt: skip


def test_a_suspect_meets_two_known_good_partners_in_two_rounds_each_with_a_control() -> None:
    plan = confirm_rounds(evidence(*SCREENED), lane)
    assert len(plan.rounds) == 2 and not plan.short_of and plan.pairs == 4
    (suspect,) = suspects(evidence(*SCREENED))
    assert suspect == Suspect(("n1/r0",), ("rdma.write-bw",), True, ("n2/r0", "n3/r0"), ("n2/r0", "n3/r0"))
    partners = []
    for mine in plan.rounds:
        (test,) = (m for m in mine if m.about)
        (control,) = (m for m in mine if not m.about)
        assert (test.a, test.about) == ("n1/r0", suspect), "it failed as a sender, so it sends again"
        assert not nodes_of(test) & nodes_of(control)
        assert control.checks == ("rdma.write-bw",)
        partners.append(test.b)
    assert len(set(partners)) == 2
    assert not {"n2/r0", "n3/r0"} & set(partners), "partners that it has not met yet"


def test_good_with_both_after_it_was_bad_with_two_good_ones_is_flaky() -> None:
    (decision,) = results_of(confirm_rounds(evidence(*SCREENED), lane), True, True)
    assert decision.standing is Standing.FLAKY
    assert decision.why.endswith("bad before with 2 partners that are good")


def results_of(plan: Confirm, *bad: bool | None) -> tuple[Decision, ...]:
    """The one suspect's tests come out like this in each round; all controls are good."""
    said = [
        {m: (verdict if m.about else True) for m in tests}
        for tests, verdict in zip(plan.rounds, bad, strict=True)
    ]
    return decide(plan, said, lane)


def test_bad_with_both_is_confirmed_and_once_each_is_flaky() -> None:
    plan = confirm_rounds(evidence(*SCREENED), lane)
    first, second = (next(m.b for m in tests if m.about) for tests in plan.rounds)
    (confirmed,) = results_of(plan, False, False)
    assert confirmed.standing is Standing.CONFIRMED
    assert confirmed.why == f"bad with {first[:2]} and {second[:2]}, both known to be good"
    assert [d.standing for d in results_of(plan, False, True)] == [Standing.FLAKY]


def test_good_with_both_after_one_bad_meeting_is_cleared() -> None:
    once = (met("n1/r0", "n2/r0", BAD), met("n3/r0", "n4/r0"), met("n2/r0", "n4/r0"), met("n5/r0", "n6/r0"))
    (decision,) = results_of(confirm_rounds(evidence(*once), lane), True, True)
    assert decision.standing is Standing.CLEARED


def test_a_control_that_fails_or_is_not_judged_decides_nothing() -> None:
    plan = confirm_rounds(evidence(*SCREENED), lane)
    for verdict, how in ((False, "failed"), (None, "could not be judged")):
        said = [{m: (False if m.about else verdict) for m in tests} for tests in plan.rounds]
        (decision,) = decide(plan, said, lane)
        assert decision.standing is Standing.ERROR
        assert how in decision.why and "control" in decision.why


def test_a_test_that_is_not_judged_or_not_run_decides_nothing() -> None:
    plan = confirm_rounds(evidence(*SCREENED), lane)
    assert [d.standing for d in results_of(plan, False, None)] == [Standing.ERROR]
    assert [d.standing for d in decide(plan, [], lane)] == [Standing.ERROR]


def test_both_ends_of_a_pair_that_cannot_be_split_are_suspects() -> None:
    seen = evidence(
        met("n1/r0", "n2/r0", BAD), met("n3/r0", "n4/r0"), met("n5/r0", "n6/r0"), met("n7/r0", "n8/r0")
    )
    plan = confirm_rounds(seen, lane)
    assert {m.about.ends for tests in plan.rounds for m in tests if m.about} == {("n1/r0",), ("n2/r0",)}
    assert len(plan.rounds) == 2
    outcome = [{m: "n1/r0" not in (m.a, m.b) for m in tests} for tests in plan.rounds]
    standing = {d.suspect.ends[0]: d.standing for d in decide(plan, outcome, lane)}
    assert standing == {"n1/r0": Standing.CONFIRMED, "n2/r0": Standing.CLEARED}


def test_a_way_is_tried_twice_more_as_it_is() -> None:
    trials = (
        met("n1/r0", "n2/r0", BAD), met("n1/r0", "n3/r0"), met("n4/r0", "n2/r0"), met("n3/r0", "n4/r0"), met("n5/r0", "n6/r0"),
    )  # fmt: skip
    plan = confirm_rounds(evidence(*trials), lane)
    tests = [m for mine in plan.rounds for m in mine if m.about]
    assert [(m.a, m.b) for m in tests] == [("n1/r0", "n2/r0")] * 2
    assert [d.standing for d in results_of(plan, False, False)] == [Standing.CONFIRMED]
    for said in ((True, False), (True, True)):
        assert [d.standing for d in results_of(plan, *said)] == [Standing.FLAKY]


def test_an_end_that_was_good_only_in_the_other_role_meets_others_in_the_role_in_which_it_failed() -> None:
    trials = (met("n1/r0", "n2/r0", BAD), met("n3/r0", "n1/r0"), met("n4/r0", "n2/r0"), met("n5/r0", "n6/r0"))
    seen = evidence(*trials)
    assert [(s.ends, s.sends) for s in suspects(seen)] == [(("n1/r0",), True)]
    plan = confirm_rounds(seen, lane)
    assert [m.a for tests in plan.rounds for m in tests if m.about] == ["n1/r0", "n1/r0"]


def test_too_few_partners_leave_it_open_and_say_so() -> None:
    seen = evidence(
        met("n1/r0", "n2/r0", BAD),
        met("n1/r0", "n3/r0", BAD),
        met("n2/r0", "n4/r0", BAD),
        met("n3/r0", "n5/r0"),
    )
    accused = {s.ends for s in suspects(seen)}
    plan = confirm_rounds(seen, lane)
    assert known_good(seen, suspects(seen)) == ("n3/r0", "n5/r0")
    assert ("n1/r0",) in accused
    alone = evidence(met("n1/r0", "n2/r0", BAD), met("n1/r1", "n2/r1"))
    nothing = confirm_rounds(alone, lane)
    assert nothing.rounds == ()
    decisions = decide(nothing, [], lane)
    assert {d.standing for d in decisions} == {Standing.OPEN}
    assert {d.why for d in decisions} == {"no known-good partners for r0"}
    assert all(m.about is None or {m.a, m.b} & {"n3/r0", "n5/r0"} for tests in plan.rounds for m in tests)


def test_the_first_partner_sits_on_the_same_leaf_and_the_second_on_another() -> None:
    leaf = {f"n{k}/r0": f"leaf-{k // 6}" for k in range(12)}
    trials = [met("n0/r0", "n1/r0", BAD), met("n0/r0", "n6/r0", BAD)]
    trials += [met(f"n{a}/r0", f"n{b}/r0") for a, b in ((1, 2), (3, 4), (5, 7), (6, 8), (9, 10), (11, 2))]
    plan = confirm_rounds(evidence(*trials, leaf=leaf), lane)
    near, far = (next(m.b for m in tests if m.about) for tests in plan.rounds)
    assert (leaf[near], leaf[far]) == ("leaf-0", "leaf-1")


def test_ports_of_a_node_are_tested_with_the_same_partner_at_once() -> None:
    trials = [met(f"n1/r{k}", f"n2/r{k}", BAD) for k in range(4)]
    trials += [met(f"n{a}/r{k}", f"n{b}/r{k}") for k in range(4) for a, b in ((2, 3), (4, 5), (6, 7))]
    plan = confirm_rounds(evidence(*trials), lane)
    assert [len({frozenset(nodes_of(m)) for m in tests}) for tests in plan.rounds] == [2, 2]
    assert [len(tests) for tests in plan.rounds] == [8, 8]


def test_lanes_are_rails_where_the_plan_has_them(fabric: ModuleType) -> None:
    model = fabric.FabricModel(2, rails=2)
    lane_of = lanes(model.nodes)
    assert lane_of(port_path("n00000", "mlx5_1")) == lane_of(port_path("n00001", "mlx5_1")) == "rail 1"
    assert lane_of("n00000") == ""


# ------------------------------------------------------------------------------------------- properties


@st.composite
def screened(draw: st.DrawFn) -> Evidence:
    """Some rounds of random disjoint pairs among a few nodes with two rails, some ends bad, some results odd."""
    count = draw(st.integers(4, 24))
    bad = draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, 1)), max_size=6))
    rng = draw(st.randoms(use_true_random=False))
    trials = []
    for _ in range(draw(st.integers(1, 3))):
        order = list(range(count))
        rng.shuffle(order)
        for a, b in zip(order[0::2], order[1::2], strict=False):
            for rail in (0, 1):
                good = not {(a, rail), (b, rail)} & bad and rng.random() > 0.03
                trials.append(met(f"n{a}/r{rail}", f"n{b}/r{rail}", GOOD if good else BAD))
    return evidence(
        *trials, leaf={f"n{k}/r{rail}": f"l{k // 4}-{rail}" for k in range(count) for rail in (0, 1)}
    )


@given(screened())
def test_whatever_was_seen_the_plan_is_sound(seen: Evidence) -> None:
    accused = suspects(seen)
    good = set(known_good(seen, accused))
    plan = confirm_rounds(seen, lane)
    partners: dict[Suspect, list[str]] = {}
    for tests in plan.rounds:
        pairs = {frozenset(nodes_of(m)) for m in tests}
        busy = [name for pair in pairs for name in pair]
        assert len(busy) == len(set(busy)), "a node is in one pair of a round"
        assert any(m.about for m in tests)
        for m in tests:
            assert lane(m.a) == lane(m.b)
            if m.about is None:
                assert {m.a, m.b} <= good
            elif len(m.about.ends) == 2:
                assert (m.a, m.b) == m.about.ends
            else:
                (partner,) = {m.a, m.b} - set(m.about.ends)
                assert partner in good
                partners.setdefault(m.about, []).append(partner)
    for suspect in accused:
        if len(suspect.ends) == 1 and suspect not in plan.short_of:
            assert len(set(partners[suspect])) == PARTNERS
    decisions = decide(plan, [dict.fromkeys(tests, True) for tests in plan.rounds], lane)
    assert {d.suspect for d in decisions} == set(accused)
    assert Standing.CONFIRMED not in {d.standing for d in decisions}


# ------------------------------------------------------------------------------------------- simulation


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("kind", ["nodes", "ports"])
def test_culprits_among_232_nodes_are_isolated_in_five_rounds(fabric, search, count: int, kind: str) -> None:
    for seed in range(2):
        names = [f"n{(seed * 31 + k * 47) % 232:05}" for k in range(count)]
        ends = frozenset(names if kind == "nodes" else (port_path(n, "mlx5_1") for n in names))
        model = fabric.FabricModel(232, rails=2, culprits=fabric.Culprits(**{kind: ends}), seed=seed)
        came = search.localise(model)
        assert came.named == {("NODE-SLOW" if kind == "nodes" else "RDMA-BW", end) for end in ends}
        assert {d.standing for d in came.decisions} == {Standing.CONFIRMED}
        assert came.rounds == 5
        assert came.tests <= 3 * 116 + 2 * (count + 1)


def test_a_healthy_fleet_is_not_asked_again(fabric, search) -> None:
    came = search.localise(fabric.FabricModel(100, rails=2))
    assert (came.named, came.decisions, came.tests, came.rounds) == (frozenset(), (), 150, 3)


def test_two_culprits_that_meet_in_the_first_round_are_both_confirmed(fabric, search) -> None:
    ends = frozenset(port_path(f"n{k:05}", "mlx5_0") for k in (0, 8))
    model = fabric.FabricModel(32, rails=1, culprits=fabric.Culprits(ports=ends))
    first = fabric.FabricModel(32, rails=1)
    pairs = search.matchings(list(first.nodes), 3, lambda n: search.place(first.nodes[n]))[0]
    assert ("n00000", "n00008") in pairs or ("n00008", "n00000") in pairs
    came = search.localise(model)
    assert came.named == {("RDMA-BW", end) for end in ends}


@pytest.mark.parametrize("seed", range(4))
def test_a_port_that_only_sends_badly_is_named_by_the_confirm_step(fabric, search, seed: int) -> None:
    end = port_path(f"n{seed * 13:05}", "mlx5_0")
    model = fabric.FabricModel(64, rails=1, culprits=fabric.Culprits(one_way=frozenset({end})), seed=seed)
    assert search.localise(model).named == {("RDMA-BW", end)}


@pytest.mark.parametrize("seed", range(6))
def test_a_leaf_that_leaves_uplinks_unused_is_told_from_the_one_that_it_met(
    fabric, search, seed: int
) -> None:
    """It is slow only while most of its ports send: in one round, and then all of them to one other leaf."""
    leaf = f"leaf-{seed}-1"
    wrong = fabric.Culprits(sparse=frozenset({leaf}), share=0.75)
    came = search.localise(fabric.FabricModel(128, rails=2, culprits=wrong, seed=seed))
    assert came.named == {("UPLINK-SLOW", leaf)}


def test_two_leaves_that_leave_uplinks_unused_are_both_named(fabric, search) -> None:
    two = frozenset({"leaf-0-0", "leaf-1-0"})
    wrong = fabric.Culprits(sparse=two, share=0.75)
    came = search.localise(fabric.FabricModel(128, rails=1, culprits=wrong))
    assert came.named == {("UPLINK-SLOW", leaf) for leaf in two}


def test_a_port_with_a_fault_of_its_own_is_asked_about_that(fabric, search) -> None:
    """On a leaf whose uplinks may be slow as well: third leaves are for those of which nothing else is known."""
    bad = port_path("n00003", "mlx5_0")
    wrong = fabric.Culprits(uplinks=frozenset({"leaf-0-0"}), ports=frozenset({bad}))
    seen = _seen(fabric, search, fabric.FabricModel(128, rails=1, culprits=wrong))
    found = {s.ends[0]: s.beyond for s in suspects(seen) if len(s.ends) == 1}
    assert found.pop(bad) == ()
    assert found and all("leaf-0-0" in beyond for beyond in found.values())


def test_who_hangs_on_a_slow_leaf_is_no_third(fabric, search) -> None:
    """Two leaves are open; of a third one the tests with others tell that it is slow, too."""
    wrong = fabric.Culprits(uplinks=frozenset({"leaf-2-0", "leaf-4-0", "leaf-5-0"}))
    model = fabric.FabricModel(128, rails=1, culprits=wrong)
    seen = _seen(fabric, search, model)
    plan = confirm_rounds(seen, lanes(model.nodes))
    named = {
        leaf
        for mine in seen.ways.values()
        for way in mine.values()
        for leaf in way.at
        if way.code == "UPLINK-SLOW"
    }
    others = {
        end
        for tests in plan.rounds
        for m in tests
        if m.about
        for end in (m.a, m.b)
        if end not in m.about.ends
    }
    assert others and not {seen.leaf[end] for end in others} & named


def test_without_a_third_leaf_the_two_stay_together(fabric, search) -> None:
    wrong = fabric.Culprits(sparse=frozenset({"leaf-0-0"}), share=0.75)
    came = search.localise(fabric.FabricModel(32, rails=1, culprits=wrong))
    assert came.named == {("UPLINK-SLOW", "leaf-0-0 ~ leaf-1-0")}


def _seen(fabric, search, model) -> Evidence:
    outcomes = []
    for pairs in search.matchings(list(model.nodes), 3, lambda n: search.place(model.nodes[n])):
        outcomes += model.meet(pairs)
    return search.evidence_of(outcomes, model)


def test_without_a_third_leaf_other_suspects_still_meet_partners(fabric, search) -> None:
    """Slow cables to one spine hit only some ends of the two leaves; the others are known to be good."""
    bad = port_path("n00007", "mlx5_0")
    wrong = fabric.Culprits(uplinks=frozenset({"leaf-0-0"}), ports=frozenset({bad}))
    model = fabric.FabricModel(32, rails=1, culprits=wrong)
    plan = confirm_rounds(_seen(fabric, search, model), lanes(model.nodes))
    met = [m for tests in plan.rounds for m in tests if m.about is not None and m.about.ends == (bad,)]
    assert len(met) == PARTNERS


def test_partners_and_controls_are_of_the_same_profile(fabric, search) -> None:
    """Two leaves of each profile: those of the other one are no third leaves."""
    wrong = fabric.Culprits(
        sparse=frozenset({"leaf-0-0"}), ports=frozenset({port_path("n00040", "mlx5_0")}), share=0.75
    )
    model = fabric.FabricModel(64, rails=1, culprits=wrong)
    model.nodes = {
        name: replace(node, profile="x" if number < 32 else "y")
        for number, (name, node) in enumerate(model.nodes.items())
    }
    outcomes = []
    for half in (list(model.nodes)[:32], list(model.nodes)[32:]):
        for pairs in search.matchings(half, 3, lambda n: search.place(model.nodes[n])):
            outcomes += model.meet(pairs)
    plan = confirm_rounds(search.evidence_of(outcomes, model), lanes(model.nodes))
    met = [
        tuple(sorted(model.nodes[name].profile for name in nodes_of(m)))
        for tests in plan.rounds
        for m in tests
    ]
    assert set(met) == {("y", "y")}
    assert {node_of(end) for s in plan.short_of for end in s.ends} == set(list(model.nodes)[:32])
