"""NVLink between nodes can be told only inside a domain: what passed between two of them clears nobody of it."""

from __future__ import annotations

from bringup.battery.transports import TRANSPORT
from bringup.defects import Fault
from bringup.diagnosis.bisect import Ask
from bringup.diagnosis.confirm import confirm_rounds
from bringup.diagnosis.defects import diagnose, to_confirm
from bringup.diagnosis.jobs import key_of, step_of, unfit
from bringup.diagnosis.suspects import node_of
from bringup.model import Limit, Measurement, Node, Outcome, Stage, Verdict

MNNVL = Limit("collective.mnnvl", "==", "used")
BUSBW = Limit("collective.pair.across", ">=", 285.6, "GB/s")
DECLARED = {
    "collective.pair": (Fault("COLL-BUSBW", "slow", "look"), TRANSPORT),
    "collective.job": (Fault("COLL-BUSBW", "slow", "look"), TRANSPORT),
}
TRAYS = {f"t{n}": Node(f"t{n}", rack=f"R{n // 18}") for n in range(36)}
OFF = "t3"
"""NCCL does not use NVLink between the nodes here."""


def meet(a: str, b: str) -> Outcome:
    return collective("collective.pair", f"{a} ~ {b}", (a, b))


def collective(check: str, target: str, nodes: tuple[str, ...]) -> Outcome:
    inside = len({TRAYS[n].rack for n in nodes}) == 1
    over = inside and OFF not in nodes
    said = [Measurement("busbw", 800.0 if over else 316.0, "GB/s", target, BUSBW, "COLL-BUSBW")]
    if inside:
        word = "used" if over else "not used"
        said = [
            Measurement("MNNVL between the nodes", word, "", target, MNNVL, "COLL-TRANSPORT"),
            *(said if over else ()),
        ]
    verdict = Verdict.PASS if all(m.ok for m in said) else Verdict.FAIL
    at = nodes if len(nodes) == 2 else (target,)
    return Outcome(check, Stage.COLLECTIVE, target, nodes, verdict, at=at, measurements=tuple(said))


NEAR = [meet(f"t{a}", f"t{a + 9}") for a in (*range(9), *range(18, 27))]
FAR = [meet(f"t{a}", f"t{a + 18}") for a in range(18)]


def test_two_of_one_domain_are_open_until_others_of_it_are_met() -> None:
    (defect,) = diagnose([*NEAR, *FAR], DECLARED, TRAYS)
    assert (defect.code, defect.components) == ("PAIR-UNSPLIT", ("t3", "t12"))
    plan = confirm_rounds(to_confirm([*NEAR, *FAR], DECLARED, TRAYS, Stage.COLLECTIVE), lambda end: "")
    tests = [test for mine in plan.rounds for test in mine if test.about]
    assert {test.about.ends for test in tests if test.about} == {("t3",), ("t12",)}
    assert all(TRAYS[node_of(t.a)].rack == TRAYS[node_of(t.b)].rack == "R0" for t in tests)
    further = [
        collective("collective.pair", f"{t.a} ~ {t.b} confirmation {number}", (t.a, t.b))
        for number, mine in enumerate(plan.rounds, 1)
        for t in mine
        if t.about
    ]
    (defect,) = diagnose([*NEAR, *FAR, *further], DECLARED, TRAYS)
    assert (defect.code, defect.components) == ("COLL-TRANSPORT", ("t3",))


def test_a_node_that_passed_only_where_nothing_was_measured_spoils_jobs() -> None:
    again = [meet("t3", "t4"), meet("t12", "t13")]
    assert unfit([*NEAR, *FAR]) == dict.fromkeys(("t3", "t12"), "bad in collective.pair")
    assert unfit([*NEAR, *FAR, *again]) == {"t3": "bad in collective.pair"}


def test_a_job_of_a_domain_is_filled_up_with_nobody_of_another() -> None:
    names = tuple(TRAYS)
    jobs = [collective("collective.job", key_of("domain", mine), mine) for mine in (names[:18], names[18:])]
    assert [o.verdict for o in jobs] == [Verdict.FAIL, Verdict.PASS]
    step = step_of(jobs[0], jobs, TRAYS)
    assert isinstance(step, Ask)
    assert [(job.suspects, job.filling) for job in step.jobs] == [(names[:9], ()), (names[9:18], ())]
