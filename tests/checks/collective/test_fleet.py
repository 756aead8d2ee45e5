"""collective.fleet: who is blamed for a collective over all nodes, and who is not. The reports are those of the program."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Group, Verdict

FACTS = {"gpu.count": 0, "perf.python": "python3"}
LIMITS = {
    "collective.wrong": ("==", 0, "values"),
    "collective.link_share": (">=", 40, "% of the median"),
    "collective.pace": ("<=", 3, "x the median"),
}
NAMES = ("n1", "n2", "n3", "n4")
# From four real processes that met on one machine.
GOOD = {
    "host": "vm", "backend": "tcp", "step": "out farewell", "wrong": 0, "size": 4194304, "busbw_gbs": 0.066735014182206,
    "pace_ms": 2.0507949993771035,
}  # fmt: skip
SPEED = 0.5301793522720167


@pytest.fixture
def check(load_check):
    return load_check("collective/fleet.py")


@pytest.fixture
def fleet(make_node) -> Group:
    return Group(
        "fleet", tuple(make_node(name=name, address=f"192.0.2.{n}") for n, name in enumerate(NAMES, 1))
    )


@pytest.fixture
def judge(check, fleet, make_context, make_outputs):
    def judge(*said):
        ctx = make_context(LIMITS, FACTS)
        steps = check.plan(fleet, ctx).steps
        given = {(s.node.name, s.command): text for s, text in zip(steps, said, strict=True)}
        return judged(check, fleet, make_outputs(given), ctx)

    return judge


def report(rank: int, *, meeting: dict[str, object] | None = None, **more: object) -> str:
    """The report of a node with one rank."""
    entry = {"rank": rank, **more}
    body: dict[str, object] = {"bringup_collective": 1, "node": rank, "host": "vm", "ranks": [entry]}
    if rank == 0:
        body["meeting"] = meeting or {"why": "", "named": [], "steps": ["done"] * 4}
    return json.dumps(body) + "\n"


def good(slow: int = -1) -> list[str]:
    """Reports of four nodes; one may send and receive at a tenth."""
    return [
        report(
            rank,
            **GOOD,
            links=[
                [of, SPEED / (10 if slow in (rank, of) else 1)]
                for of in ((rank - far) % 4 for far in (1, 2, 3))
            ],
        )
        for rank in range(4)
    ]


def stopped(why: str, named: list[int], steps: list[str], **own: str) -> list[str]:
    """Reports of nodes that were told to stop; `own` are the words of those that failed by themselves."""
    meeting: dict[str, object] = {"why": why, "named": named, "steps": steps}
    return [
        report(
            n,
            meeting=meeting,
            host="vm",
            **({"error": own[f"n{n + 1}"]} if f"n{n + 1}" in own else {"stopped": why}),
        )
        for n in range(4)
    ]


def found(outcome) -> list[tuple[str, str, str]]:
    return [(f.code, f.at, f.message) for f in outcome.findings]


def test_the_plan(check, fleet, make_node, make_context) -> None:
    steps = check.plan(fleet, make_context(LIMITS, FACTS)).steps
    assert [step.node.name for step in steps] == list(NAMES)
    for n, step in enumerate(steps):
        assert f"--node {n} --nodes 4 --meet 192.0.2.1:18515 --backend auto" in step.command.script
    with pytest.raises(NotApplicable):
        check.plan(Group("fleet", fleet.members[:1]), make_context(LIMITS, FACTS))
    with pytest.raises(NotApplicable):
        check.plan(fleet, make_context(LIMITS, {**FACTS, "gpu.count": 8}))
    with pytest.raises(NoLimit):
        check.plan(fleet, make_context(LIMITS, {**FACTS, "perf.python": ""}))


def test_good(judge, values) -> None:
    outcome = judge(*good())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    expected = [("wrong", name, 0, True) for name in NAMES]
    for way in ("sends", "receives"):
        expected += [(f"{way}, best partner", name, 100.0, True) for name in NAMES]
    expected += [("own work", name, 1.0, True) for name in NAMES]
    expected += [("busbw over tcp, which proves no bandwidth of a fabric", "n1", 0.067, True)]
    assert values(outcome) == expected


def test_a_slow_node_is_named_and_its_partners_are_not(judge) -> None:
    outcome = judge(*good(slow=2))
    broken = [(m.code, m.name, m.at, m.value) for m in outcome.measurements if not m.ok]
    assert broken == [
        ("COLL-RANK-SLOW", "sends, best partner", "n3", 10.0),
        ("COLL-RANK-SLOW", "receives, best partner", "n3", 10.0),
    ]


def test_wrong_sums(judge) -> None:
    texts = good()
    texts[1] = report(1, **{**GOOD, "wrong": 3}, links=[[0, SPEED]])
    outcome = judge(*texts)
    assert [(m.code, m.at, m.value) for m in outcome.measurements if not m.ok] == [("COLL-WRONG", "n2", 3)]


@pytest.mark.parametrize(
    ("why", "steps"),
    [
        ("never came", ["came", "came", "", "came"]),
        ("died", ["in all_reduce 1 of 4194304 bytes"] * 4),
        ("answers no more", ["in rendezvous"] * 4),
        (
            "did not come to what the others wait in",
            ["in all_reduce", "in all_reduce", "out 0", "in all_reduce"],
        ),
    ],
)
def test_who_is_named_is_blamed_alone(judge, why: str, steps: list[str]) -> None:
    outcome = judge(*stopped(why, [2], steps))
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("COLL-RANK-LOST", "n3", why)]
    assert outcome.measurements == ()


def test_the_own_words_of_who_never_came(judge) -> None:
    said = "RuntimeError: cannot reach 192.0.2.1:18515: TimeoutError: timed out"
    outcome = judge(*stopped("never came", [3], ["came", "came", "came", ""], n4=said))
    assert found(outcome) == [("COLL-RANK-LOST", "n4", f"never came: {said}")]


def test_if_nobody_reaches_the_first_node_it_is_to_blame(judge) -> None:
    said = "RuntimeError: cannot reach 192.0.2.1:18515: TimeoutError: timed out"
    outcome = judge(*stopped("never came", [1, 2, 3], ["came", "", "", ""], n2=said, n3=said, n4=said))
    assert found(outcome) == [("COLL-RANK-LOST", "n1", f"no other node reaches it: {said}")]


def test_nobody_is_blamed_where_all_wait(judge) -> None:
    outcome = judge(*stopped("all ranks wait for each other", [], ["in all_gather"] * 4))
    assert found(outcome) == [("COLL-FAILED", "fleet", "all ranks wait for each other (all_gather)")]


def test_who_tells_of_a_broken_connection_is_not_to_blame(judge) -> None:
    why = "failed: RuntimeError: Connection closed by peer [192.0.2.3]:51012"
    outcome = judge(*stopped(why, [1], ["in all_reduce"] * 4))
    assert found(outcome) == [("COLL-FAILED", "fleet", f"n2 {why}")]


def test_who_fails_before_it_begins_is(judge) -> None:
    why = "failed: OSError: libtorch_cpu.so: cannot open shared object file"
    outcome = judge(*stopped(why, [1], ["ready", "came", "ready", "ready"]))
    assert found(outcome) == [("COLL-RANK-LOST", "n2", why)]


def test_a_node_without_python_is_told_as_such(judge, answer) -> None:
    texts = stopped("never came", [2], ["came", "came", "", "came"])
    outcome = judge(*texts[:2], answer(ended=Ended.MISSING, detail="python3"), texts[3])
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "TOOL-MISSING", "n3")
    assert outcome.findings == ()


def test_a_first_node_that_is_lost(judge, answer) -> None:
    texts = stopped("never came", [2], ["came"] * 4)
    outcome = judge(answer(ended=Ended.LOST, detail="connection lost"), *texts[1:])
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "NODE-LOST", "n1")


def test_a_port_that_is_taken(judge) -> None:
    said = {
        "bringup_collective": 1,
        "node": 0,
        "host": "vm",
        "ranks": [],
        "error": "port 18515: OSError: in use",
    }
    outcome = judge(json.dumps(said), *stopped("never came", [0], [""] * 4)[1:])
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "COLL-SETUP", "n1")
    assert outcome.reason == "n1: port 18515: OSError: in use"


@pytest.mark.parametrize(
    "text", ["", "hello\n", '{"bringup_collective": 1, "node"', '{"bringup_collective": 2}']
)
def test_unknown_text_is_no_pass(judge, text: str) -> None:
    texts = good()
    for n in (0, 2):
        outcome = judge(*texts[:n], text, *texts[n + 1 :])
        assert (outcome.verdict, outcome.code, outcome.error_at) == (
            Verdict.ERROR,
            "OUTPUT-UNKNOWN",
            NAMES[n],
        )


@pytest.mark.parametrize(
    "more", [{"busbw_gbs": -1}, {"busbw_gbs": float("nan")}, {"links": [[1]]}, {"wrong": -1}, {"wrong": "no"}]
)
def test_figures_that_are_none(judge, more: dict[str, object]) -> None:
    texts = good()
    texts[1] = report(1, **{**GOOD, **more})
    outcome = judge(*texts)
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "OUTPUT-UNKNOWN", "n2")
    assert outcome.findings == ()
