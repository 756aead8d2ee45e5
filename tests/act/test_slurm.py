"""Who is drained and resumed in Slurm, and who is left alone; the answers of sinfo are those of Slurm 22.05."""

from __future__ import annotations

import pytest
from support.invented_run import error, nodes, port, run, single

from bringup.act.slurm import SlurmNode, parse, steps
from bringup.act.wish import Wish, held_back, reason, wishes
from bringup.defects import Waiver
from bringup.errors import ParseError
from bringup.life.standing import book
from bringup.life.taking import taken

BAD = Wish("n1", False, "RDMA-BW")
GOOD = Wish("n1", True)
OURS = "bringup: RDMA-BW run 0821-1002"


def done(wish: Wish, state: str, why: str = "") -> tuple[str, str]:
    (step,) = steps([wish], {"n1": SlurmNode("n1", state, why)}, "0821-1002")
    return step.what, step.argv[-1] if step.argv else step.why


@pytest.mark.parametrize("state", ["idle", "mixed", "allocated", "completing"])
def test_a_node_that_is_not_ready_is_drained_with_a_short_reason(state: str) -> None:
    assert done(BAD, state) == ("drain", f"Reason={OURS}")


@pytest.mark.parametrize(
    ("wish", "state", "why", "says"),
    [
        (BAD, "drained", "ticket 4711", "drained by somebody else already: ticket 4711"),
        (BAD, "drained", "", "drained by somebody else already: no reason given"),
        (BAD, "draining", OURS, "drained by us already"),
        (BAD, "down", "", "it is down: that is not ours to change"),
        (BAD, "down*", "Not responding", "it is down*, which passes; run this again later"),
        (BAD, "idle*", "", "it is idle*, which passes; run this again later"),
        (BAD, "planned", "", "it is planned, which passes; run this again later"),
        (BAD, "idle", "ticket 4711", "somebody else set a reason: ticket 4711"),
        (GOOD, "idle", "", "ready, and in use"),
        (GOOD, "drained", "ticket 4711", "ready, but drained by somebody else: ticket 4711"),
        (GOOD, "drained", "bringupper: x", "ready, but drained by somebody else: bringupper: x"),
        (GOOD, "down", OURS, "it is down: that is not ours to change"),
    ],
)
def test_what_is_left_alone(wish: Wish, state: str, why: str, says: str) -> None:
    assert done(wish, state, why) == ("leave", says)


@pytest.mark.parametrize("state", ["drained", "draining"])
def test_only_what_we_had_drained_is_resumed(state: str) -> None:
    assert done(GOOD, state, OURS) == ("resume", "State=RESUME")


def test_nodes_with_the_same_reason_are_one_command() -> None:
    there = {f"n{i}": SlurmNode(f"n{i}", "idle") for i in range(1, 5)}
    wanted = [Wish("n1", False, "A"), Wish("n2", False, "A"), Wish("n3", False, "B"), Wish("n9", True)]
    made = steps(wanted, there, "r")
    assert [(s.what, s.argv[2] if s.argv else s.why) for s in made] == [
        ("drain", "NodeName=n[1-2]"), ("drain", "NodeName=n3"), ("leave", "Slurm does not know it"),
    ]  # fmt: skip


def test_sinfo_is_read_with_bars_in_a_reason_and_a_line_for_each_partition() -> None:
    said = (
        "node01|idle|none\nnode01|idle|none\nnode02|drained|bad disk | ask ann\nnode03|down*|Not responding\n"
    )
    assert parse(said) == {
        "node01": SlurmNode("node01", "idle"),
        "node02": SlurmNode("node02", "drained", "bad disk | ask ann"),
        "node03": SlurmNode("node03", "down*", "Not responding"),
    }


@pytest.mark.parametrize(
    "said", ["", "\n", "node01 idle none", "node01|idle", "slurm_load_partitions: Unable|x|y"]
)
def test_what_is_no_answer_of_sinfo(said: str) -> None:
    with pytest.raises(ParseError):
        parse(said)


def test_what_a_run_wants_of_its_nodes() -> None:
    outcomes = [single("gpu.count", n) for n in ("n1", "n2", "n3")]
    outcomes += [single("link.rate", "n2", good=False, at=port("n2")), error("gpu.count", "n4")]
    state = run("r", outcomes, members=nodes(5))
    assert wishes(state) == [
        Wish("n1", True), Wish("n2", False, "LINK-RATE"), Wish("n3", True), Wish("n4", False, "NOT-JUDGED"),
        Wish("n5", False, "NOT-JUDGED"),
    ]  # fmt: skip
    slow = next(d for d in state.defects if d.code == "LINK-RATE")
    state.waivers = (
        Waiver(slow.id, "r", "o", "2030-01-01", 1.9e9),
        Waiver("n3", "r", "o", "2030-01-01", 1.9e9),
    )
    assert wishes(state)[1:3] == [Wish("n2", True), Wish("n3", False, "LEFT-OUT")]


def test_what_an_earlier_run_has_found_holds_a_node_back_until_a_run_proves_the_repair() -> None:
    first = run("r1", [single("link.rate", "n1", good=False, at=port("n1")), single("gpu.count", "n2")])
    retest = run("r2", [single("gpu.count", "n1"), single("gpu.count", "n2")], selection="retest of r1: x")
    entries = taken(first, [], now=1.0, by="ann")
    entries += taken(retest, entries, now=2.0, by="ann", retest_of="r1")
    assert [w.ready for w in wishes(retest)[:2]] == [True, True]
    assert held_back(wishes(retest), book(entries, "hall"), 3.0)[:2] == [
        Wish("n1", False, "LINK-RATE"),
        Wish("n2", True),
    ]
    proof = run("r3", [single("link.rate", "n1", at=port("n1")), single("gpu.count", "n2")])
    entries += taken(proof, entries, now=4.0, by="ann", retest_of="r1")
    assert held_back(wishes(proof), book(entries, "hall"), 5.0)[:2] == [Wish("n1", True), Wish("n2", True)]


def test_a_reason_is_short_and_one_word_cannot_be_more() -> None:
    assert reason("bringup", "RDMA-BW", "0821-1002") == OURS
    assert reason("b", "X", "r State=IDLE\n'\"") == "b: X run r-State-IDLE"
