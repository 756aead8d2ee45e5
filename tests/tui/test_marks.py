"""Which mark a node gets: the rules that decide whether a person walks to a rack. All results are invented."""

from __future__ import annotations

import pytest

from bringup.defects import Defect, Severity, Symptom, Who
from bringup.model import Finding, Outcome, Stage, Verdict, Why
from bringup.tui.look import Mark
from bringup.tui.marks import node_mark, speaks_of, tally


def result(
    verdict: Verdict, *nodes: str, check: str = "rdma.bw", target: str = "", **more: object
) -> Outcome:
    return Outcome(check, Stage.RDMA, target or " ~ ".join(nodes), nodes, verdict, **more)  # type: ignore[arg-type]


def defect(node: str, who: Who, *explains: Outcome) -> Defect:
    symptoms = tuple(Symptom(o.check, o.target, "X", node, "") for o in explains)
    return Defect("D-1", "X", who, Severity.ISOLATE, node, (node,), "title", "action", explains=symptoms)


def mark(
    node: str, outcomes: list[Outcome], defects: tuple[Defect, ...] = (), *, working: bool = False,
    open_cases: bool = False, over: bool = True,
) -> Mark:  # fmt: skip
    explained = {(s.check, s.target): d for d in defects for s in d.explains}
    own = [d for d in defects if node in d.nodes]
    counted = tally([o for o in outcomes if node in o.nodes], node)
    return node_mark(counted, own, explained, working=working, open_cases=open_cases, over=over)


PASS_A = result(Verdict.PASS, "a")
FAIL_AB = result(Verdict.FAIL, "a", "b")
PASS_AC = result(Verdict.PASS, "a", "c")


@pytest.mark.parametrize(
    ("outcomes", "defects", "wanted"),
    [
        ([], (), Mark.UNKNOWN),
        ([PASS_A], (), Mark.PASS),
        ([result(Verdict.PASS, "a", attempt=2)], (), Mark.FIXED),
        ([PASS_A, result(Verdict.ERROR, "a", check="x.y")], (), Mark.UNKNOWN),
        ([PASS_A, result(Verdict.NOT_RUN, "a", check="x.y", why=Why.QUARANTINED)], (), Mark.NOT_RUN),
        ([PASS_A, result(Verdict.NOT_RUN, "a", check="x.y", why=Why.NOT_APPLICABLE)], (), Mark.PASS),
        ([result(Verdict.NOT_RUN, "a", why=Why.NOT_APPLICABLE)], (), Mark.NOT_RUN),
        ([PASS_A, result(Verdict.FAIL, "a", check="x.y")], (), Mark.DEFECT),
        ([PASS_A], (defect("a", Who.HANDS_ON),), Mark.DEFECT),
        ([PASS_A], (defect("a", Who.CONFIGURATION),), Mark.CONFIG),
        ([PASS_A], (defect("a", Who.SOFTWARE),), Mark.CONFIG),
        ([PASS_A], (defect("a", Who.COULD_NOT_JUDGE),), Mark.UNKNOWN),
        ([FAIL_AB], (), Mark.DEFECT),
        ([FAIL_AB], (defect("b", Who.HANDS_ON, FAIL_AB),), Mark.UNKNOWN),
        ([FAIL_AB, PASS_AC], (defect("b", Who.HANDS_ON, FAIL_AB),), Mark.PASS),
        ([FAIL_AB, PASS_AC], (), Mark.DEFECT),
        ([FAIL_AB, PASS_AC], (defect("a", Who.CONFIGURATION, FAIL_AB),), Mark.CONFIG),
    ],
    ids=[
        "nothing judged", "passed", "passed later", "error", "quarantined", "not applicable", "only not applicable",
        "failed", "hands-on", "configuration", "software", "could not judge", "failed pair", "bad partner, no other",
        "bad partner, good with another", "nobody blamed yet", "blamed itself",
    ],
)  # fmt: skip
def test_the_mark_of_a_node_after_the_run(
    outcomes: list[Outcome], defects: tuple[Defect, ...], wanted: Mark
) -> None:
    assert mark("a", outcomes, defects) is wanted


@pytest.mark.parametrize(
    ("outcomes", "working", "open_cases", "wanted"),
    [
        ([], False, True, Mark.WAITING),
        ([], True, True, Mark.RUNNING),
        ([PASS_A], True, True, Mark.RUNNING),
        ([PASS_A], False, True, Mark.PASS),
        ([PASS_A, result(Verdict.FAIL, "a", check="x.y")], True, True, Mark.DEFECT),
        ([PASS_A, result(Verdict.ERROR, "a", check="x.y")], True, True, Mark.UNKNOWN),
    ],
)
def test_the_mark_of_a_node_while_the_run_goes_on(
    outcomes: list[Outcome], working: bool, open_cases: bool, wanted: Mark
) -> None:
    assert mark("a", outcomes, working=working, open_cases=open_cases, over=False) is wanted


def test_a_hole_at_the_end_is_unknown_and_never_a_pass() -> None:
    assert mark("a", [PASS_A], open_cases=True) is Mark.UNKNOWN


def test_a_fleet_finding_speaks_only_of_the_nodes_that_it_names() -> None:
    odd = result(
        Verdict.FAIL,
        "a",
        "b",
        "c",
        target="fleet",
        findings=(Finding("VERSION-MINORITY", "old driver", "b/gpu/0"),),
    )
    assert [name for name in odd.nodes if speaks_of(odd, name)] == ["b"]
    assert mark("a", [PASS_A, odd]) is Mark.PASS
    assert mark("b", [result(Verdict.PASS, "b", check="x.y"), odd]) is Mark.DEFECT
    vague = result(Verdict.FAIL, "a", "b", "c", target="ring", reason="timed out")
    assert mark("a", [PASS_A, vague]) is Mark.DEFECT
    unjudged = result(Verdict.ERROR, "a", "b", "c", target="fleet")
    assert mark("a", [PASS_A, unjudged]) is Mark.PASS
    ring = result(Verdict.ERROR, "a", "b", "c", target="ring")
    assert mark("a", [PASS_A, ring]) is Mark.UNKNOWN
