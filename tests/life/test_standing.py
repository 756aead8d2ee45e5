"""The life of a defect as the ledger tells it: every step, and what none of them may do."""

from __future__ import annotations

import msgspec
import pytest
from support.invented_run import blocked, error, pair, port, run, serial, single

from bringup.defects import Who
from bringup.life import describe
from bringup.life import entries as en
from bringup.life.standing import Book, Standing, book, end_of_day
from bringup.life.taking import taken
from bringup.model import Outcome, RunVerdict
from bringup.run import RunState

NOW = 1_787_400_000.0
SLOW = single("link.rate", "n1", good=False, at=port("n1"))
FINE = single("link.rate", "n1", at=port("n1"))


class Told:
    """A ledger that grows: runs are taken in, people say things."""

    def __init__(self) -> None:
        self.entries: list[en.AnyEntry] = []
        self.now = NOW

    def take(self, name: str, *outcomes: Outcome, retest_of: str = "", **more: object) -> RunState:
        state = run(name, outcomes, **more)
        self.now += 1
        self.entries += taken(state, self.entries, now=self.now, by="ann", retest_of=retest_of)
        return state

    def say(self, entry: en.AnyEntry) -> None:
        self.now += 1
        self.entries.append(msgspec.structs.replace(entry, at=self.now, by="ann", cluster="hall"))

    @property
    def book(self) -> Book:
        return book(self.entries, "hall")

    @property
    def stands(self) -> dict[str, str]:
        return {life.code: self.book.standing(life, self.now).value for life in self.book.lives.values()}


def the_one(told: Told) -> str:
    (ident,) = told.book.lives
    return ident


def test_open_claimed_fixed_closed() -> None:
    told = Told()
    told.take("r1", SLOW, pair("n1", "n2", good=False))
    assert told.stands == {"LINK-RATE": "open"}
    ident = the_one(told)
    told.say(en.Claimed(id=ident, owner="bob"))
    assert describe.said(told.book, told.book.lives[ident], told.now) == "claimed by bob"
    told.say(en.Repaired(id=ident, text="cleaned"))
    assert told.stands == {"LINK-RATE": "fixed?"}
    told.take("r2", FINE, pair("n1", "n3"), retest_of="r1")
    assert told.stands == {"LINK-RATE": "closed"}
    assert describe.said(told.book, told.book.lives[ident], told.now) == "closed by run r2"


def test_what_was_suppressed_must_pass_too_before_it_is_closed() -> None:
    told = Told()
    told.take("r1", SLOW, pair("n1", "n2", good=False))
    told.take("r2", FINE, retest_of="r1")
    life = told.book.lives[the_one(told)]
    assert told.stands == {"LINK-RATE": "fixed?"}
    assert life.open_checks == ("rdma.write-bw",)
    told.take("r3", FINE, pair("n1", "n4"), retest_of="r1")
    assert told.stands == {"LINK-RATE": "closed"}


def test_what_a_gate_kept_from_running_must_pass_too() -> None:
    told = Told()
    lost = single("gpu.count", "n1", good=False, at="n1/gpu/5")
    told.take("r1", lost, blocked("perf.gemm", "n1", "n1"), left=["n1"])
    (seen,) = [e for e in told.entries if isinstance(e, en.Seen)]
    assert (seen.needs, seen.follows) == ({"gpu.count": ["n1/gpu/5"]}, {"perf.gemm": ["n1"]})
    told.take("r2", single("gpu.count", "n1"), error("perf.gemm", "n1"), retest_of="r1")
    assert told.stands == {"GPU-LOST": "fixed?", "NOT-JUDGED": "open"}
    told.take("r3", single("gpu.count", "n1"), single("perf.gemm", "n1"), retest_of="r1")
    assert told.stands == {"GPU-LOST": "closed", "NOT-JUDGED": "closed"}


def test_a_pass_that_nobody_has_repaired_closes_nothing() -> None:
    told = Told()
    told.take("r1", SLOW)
    told.take("r2", FINE)
    told.take("r3", FINE)
    ident = the_one(told)
    assert told.stands == {"LINK-RATE": "fixed?"}
    assert "nobody has said that it was repaired" in describe.said(
        told.book, told.book.lives[ident], told.now
    )
    told.say(en.Repaired(id=ident))
    assert told.stands == {"LINK-RATE": "fixed?"}
    told.take("r4", FINE)
    assert told.stands == {"LINK-RATE": "closed"}


def test_a_run_that_did_not_look_changes_nothing() -> None:
    told = Told()
    told.take("r1", SLOW)
    told.take("r2", single("gpu.count", "n1"), single("link.rate", "n2", at=port("n2")), retest_of="r1")
    assert told.stands == {"LINK-RATE": "open"}


def test_an_error_is_no_proof() -> None:
    told = Told()
    told.take("r1", SLOW)
    told.take("r2", error("link.rate", "n1"), retest_of="r1")
    assert told.stands == {"LINK-RATE": "open", "NOT-JUDGED": "open"}


@pytest.mark.parametrize("closed", [True, False])
def test_it_returns(closed: bool) -> None:
    told = Told()
    told.take("r1", SLOW)
    told.say(en.Claimed(id=the_one(told), owner="bob"))
    told.say(en.Repaired(id=the_one(told)))
    if closed:
        told.take("r2", FINE)
        assert told.stands == {"LINK-RATE": "closed"}
    told.take("r3", SLOW)
    life = told.book.lives[the_one(told)]
    assert (life.found, life.owner, life.returns, life.repaired) == (Standing.RETURNED, "", 1, False)
    assert describe.said(told.book, life, told.now) == "returned, 2nd time"


def test_taking_the_same_run_in_again_is_no_return() -> None:
    told = Told()
    state = told.take("r1", SLOW)
    told.say(en.Repaired(id=the_one(told)))
    told.entries += taken(state, told.entries, now=told.now, by="ann")
    assert told.stands == {"LINK-RATE": "fixed?"}


def test_a_waiver_covers_until_its_last_day_is_over() -> None:
    told = Told()
    state = told.take("r1", SLOW, single("gpu.count", "n1"))
    ident = the_one(told)
    told.say(en.Waived(what=ident, reason="spare on order", owner="Jane", until="2026-12-31"))
    last = end_of_day("2026-12-31")
    assert last is not None
    life = told.book.lives[ident]
    assert describe.said(told.book, life, told.now) == "waived by Jane until 2026-12-31: spare on order"
    assert [w.what for w in told.book.in_force(last - 1)] == [ident]
    assert told.book.in_force(last) == ()
    assert told.book.standing(life, last) is Standing.OPEN
    state.waivers = told.book.in_force(told.now)
    assert state.judge_run() is RunVerdict.READY
    state.waivers = told.book.in_force(last)
    assert state.judge_run() is RunVerdict.NOT_READY
    told.say(en.WaiverEnded(what=ident))
    assert told.stands == {"LINK-RATE": "open"}


def test_a_waiver_does_not_cover_what_it_was_not_given_for() -> None:
    told = Told()
    state = told.take("r1", SLOW, single("link.rate", "n2", good=False, at=port("n2")))
    first = next(life for life in told.book.lives.values() if "n1" in life.seen.nodes)
    told.say(en.Waived(what=first.id, reason="r", owner="o", until="2030-01-01"))
    state.waivers = told.book.in_force(told.now)
    assert state.judge_run() is RunVerdict.NOT_READY


def test_a_node_that_is_waived_takes_all_that_is_open_on_it_along() -> None:
    told = Told()
    state = told.take(
        "r1", single("gpu.count", "n2"), single("gpu.count", "n1", good=False), blocked("perf.gemm", "n1", "n1"),
        left=["n1"],
    )  # fmt: skip
    told.say(en.Waived(what="n1", reason="comes later", owner="Jane", until="2030-01-01"))
    state.waivers = told.book.in_force(told.now)
    assert state.judge_run() is RunVerdict.READY
    assert told.stands == {"GPU-LOST": "waived"}


def test_the_hole_that_a_waived_defect_leaves_stays_a_hole() -> None:
    told = Told()
    state = told.take(
        "r1", single("gpu.count", "n2"), single("gpu.count", "n1", good=False), blocked("perf.gemm", "n1", "n1"),
        left=["n1"],
    )  # fmt: skip
    told.say(en.Waived(what=the_one(told), reason="r", owner="Jane", until="2030-01-01"))
    state.waivers = told.book.in_force(told.now)
    assert state.judge_run() is RunVerdict.INCOMPLETE


def test_a_defect_of_several_parts_goes_on_under_another_id() -> None:
    told = Told()
    both = en.Seen(
        run="r1",
        id="D-1",
        code="V",
        who=Who.SOFTWARE,
        component="n1",
        components=["n1", "n2"],
        nodes=["n1", "n2"],
    )
    one = msgspec.structs.replace(both, run="r2", id="D-2", components=["n2"], nodes=["n2"])
    told.say(en.RunTaken(run="r1", seen=["D-1"]))
    told.say(both)
    told.say(en.Claimed(id="D-1", owner="bob"))
    told.say(en.Waived(what="D-1", reason="r", owner="Jane", until="2030-01-01"))
    told.say(en.RunTaken(run="r2", seen=["D-2"]))
    told.say(one)
    lives = told.book.lives
    assert (lives["D-1"].found, lives["D-1"].became) == (Standing.CLOSED, "D-2")
    assert (lives["D-2"].owner, lives["D-2"].first_run) == ("bob", "r1")
    assert told.book.standing(lives["D-2"], told.now) is Standing.WAIVED
    told.say(en.RunTaken(run="r3", seen=["D-3"]))
    told.say(msgspec.structs.replace(both, run="r3", id="D-3", components=["n2", "n3"], nodes=["n2", "n3"]))
    assert told.book.standing(told.book.lives["D-3"], told.now) is Standing.CLAIMED, "n3 was never waived"


def test_a_part_that_was_bad_elsewhere_is_told() -> None:
    told = Told()
    told.take("r1", SLOW, serial("n1", "OPTIC-7"))
    told.take("r2", single("link.rate", "n3", good=False, at=port("n3")), serial("n3", "OPTIC-7"))
    lives = {life.seen.nodes[0]: life for life in told.book.lives.values()}
    assert lives["n1"].seen.bad_before == []
    ident = lives["n1"].id
    said = f"optic OPTIC-7 was bad in n1 mlx5_0 ({ident}, run r1), and is in n3 mlx5_0 now"
    assert lives["n3"].seen.bad_before == [said]


def test_clusters_are_apart() -> None:
    told = Told()
    told.take("r1", SLOW)
    told.take("r2", FINE, retest_of="x", cluster="other")
    assert told.stands == {"LINK-RATE": "open"}
    assert book(told.entries, "other").lives == {}


@pytest.mark.parametrize("day", ["", "2026", "2026-13-01", "31.12.2026", "9999-12-31"])
def test_what_is_no_day(day: str) -> None:
    assert end_of_day(day) is None
