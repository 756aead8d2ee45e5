"""How far counters rose between two readings: rates, resets, ends, boots, and what was not read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from bringup.battery.rises import Count, Rule, rises
from bringup.check import Outputs
from bringup.commands import Command, Ended, Output
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Weight
from bringup.parsers import boots

NODE = Node("n1")
READ = Command("read")
NONE, RATE = Limit("r", "==", 0, "errors"), Limit("r", "<=", 120, "errors/h")
FULL = 255


def up(boot: str = "aa-11", uptime_s: float = 50_000.0) -> str:
    return f"boot_id={boot}\nuptime={uptime_s:.2f}\nend=up\n"


def out(
    before: str | None, now: str, *, seconds: float = 600.0, boot: str = "aa-11", uptime_s: float = 50_000.0
):
    def answers(said: str, at: float, which: str, uptime: float) -> dict[tuple[str, Command], Output]:
        texts = {READ: said, boots.UP: up(which, uptime)}
        return {
            ("n1", c): Output("n1", c, Ended.EXITED, 0, stdout=t.encode(), at=at) for c, t in texts.items()
        }

    first = None if before is None else answers(before, 1000.0, "aa-11", uptime_s)
    uptime = uptime_s + seconds if boot == "aa-11" else 300.0
    return Outputs(answers(now, 1000.0 + seconds, boot, uptime), first)


def read(outputs: Outputs) -> Iterator[Count]:
    """`part/name=value` words; `full` counters stop at 255; the word `broken` cannot be read."""
    for word in outputs.text(NODE, READ).split():
        if word == "broken":
            raise CannotJudge("the rest cannot be read")
        where, _, value = word.partition("=")
        at, _, name = where.rpartition("/")
        yield Count(f"n1/{at}", name, int(value), FULL if name == "narrow" else None)


def judge(
    outputs: Outputs, limit: Limit | None = NONE, settling: Mapping[str, float] | None = None
) -> tuple[list[tuple[str, str, object, bool]], list[tuple[str, str, Weight]], str]:
    """Measurements, findings, and the reason why it could not be judged to the end."""
    rules = {name: Rule(limit, "CODE") for name in ("errors", "narrow")}
    seen: list[Measurement | Finding] = []
    reason = ""
    try:
        for item in rises(NODE, outputs, READ, read, rules, settling=settling):
            seen.append(item)
    except CannotJudge as error:
        reason = f"{error.code} {error.reason}".strip()
    measured = [(m.name, m.at, m.value, m.ok) for m in seen if isinstance(m, Measurement)]
    found = [(f.message, f.at, f.weight) for f in seen if isinstance(f, Finding)]
    assert all(m.code == "CODE" for m in seen if isinstance(m, Measurement) and m.limit is not None)
    return measured, found, reason


TIME = ("time between readings", "n1", 10.0, True)


def test_what_did_not_rise_is_told_once() -> None:
    measured, found, reason = judge(out("a/errors=7 b/errors=0", "a/errors=7 b/errors=0"))
    assert (measured, found, reason) == ([("errors rise", "n1", 0.0, True), TIME], [], "")


def test_a_rise_is_at_its_part_and_the_others_are_fine() -> None:
    measured, found, reason = judge(out("a/errors=7 b/errors=0", "a/errors=9 b/errors=0"))
    assert measured == [
        ("errors rise", "n1/a", 2, False),
        ("errors rise of the others (1)", "n1", 0.0, True),
        TIME,
    ]
    assert (found, reason) == ([], "")


def test_a_rate_is_per_hour() -> None:
    measured, _, _ = judge(out("a/errors=0 b/errors=0", "a/errors=20 b/errors=21"), RATE)
    assert measured[:2] == [("errors rise", "n1/a", 120.0, True), ("errors rise", "n1/b", 126.0, False)]


def test_a_rate_over_seconds_is_taken_over_a_minute() -> None:
    measured, _, _ = judge(out("a/errors=0 b/errors=0", "a/errors=2 b/errors=3", seconds=1.0), RATE)
    assert [(m[1], m[2], m[3]) for m in measured[:2]] == [("n1/a", 120.0, True), ("n1/b", 180.0, False)]


def test_a_rise_without_a_limit_is_only_told() -> None:
    measured, _, reason = judge(out("a/errors=0", "a/errors=20"), None)
    assert (measured[0], reason) == (("errors rise", "n1/a", 20, True), "")


def test_counters_of_one_part_are_added_up() -> None:
    measured, _, _ = judge(out("a/errors=1 a/errors=2", "a/errors=3 a/errors=4"))
    assert measured[0] == ("errors rise", "n1/a", 4, False)


@pytest.mark.parametrize(
    ("before", "hint"),
    [
        (4_294_967_290, ", or has begun again at 32 bits"),
        (60_000, ", or has begun again at 16 bits"),
        (200, ", or has begun again at 8 bits"),
        (1_000, ""),
        (1 << 40, ""),
    ],
)
def test_a_counter_that_went_back_is_no_pass(before: int, hint: str) -> None:
    measured, _, reason = judge(out(f"a/errors={before}", "a/errors=12"), Limit("r", "<=", 50, "errors"))
    assert measured[0] == ("errors rise", "n1/a", 12, True)
    assert reason == f"errors of n1/a went back from {before:g} to 12: it was cleared{hint}"


def test_a_counter_that_went_back_and_shows_too_much_is_proven() -> None:
    measured, _, reason = judge(out("a/errors=900", "a/errors=12"))
    assert (measured[0], reason) == (("errors rise", "n1/a", 12, False), "")


def test_a_counter_at_its_end_cannot_rise() -> None:
    measured, found, reason = judge(out("a/narrow=255 b/narrow=254", "a/narrow=255 b/narrow=255"))
    assert measured[0] == ("narrow rise", "n1/b", 1, False)
    assert found == [
        ("narrow stood at its end before the load", "n1/a", Weight.NOTE),
        ("narrow stands at its end: at least", "n1/b", Weight.NOTE),
    ]
    assert reason == ""


def test_nothing_but_counters_at_their_end_compares_nothing() -> None:
    measured, _, _ = judge(out("a/narrow=255", "a/narrow=255"))
    assert measured == [TIME]  # no limit was compared, so `judged` makes an error of it


def test_a_boot_between_both_readings() -> None:
    measured, found, reason = judge(out("a/errors=0", "a/errors=0", boot="bb-22"))
    assert (measured, found) == ([], [])
    assert reason == "NODE-REBOOTED n1 was started anew 5 min ago: its counters began again"


def test_no_first_reading() -> None:
    measured, found, reason = judge(out(None, "a/errors=0"))
    assert (measured, found) == ([], [])
    assert reason == "read had no answer on n1 before the load: there is nothing to compare with"


def test_parts_that_only_one_reading_knows() -> None:
    measured, _, reason = judge(out("a/errors=0 b/errors=0", "a/errors=1 c/errors=0"))
    assert measured[0] == ("errors rise", "n1/a", 1, False)
    assert reason == "errors of n1/c was not read before; errors of n1/b is not told any more"


@pytest.mark.parametrize(
    ("before", "now"), [("a/errors=0 broken", "a/errors=4"), ("a/errors=0", "a/errors=4 broken")]
)
def test_what_was_read_counts_before_what_was_not(before: str, now: str) -> None:
    measured, _, reason = judge(out(before, now))
    assert (measured[0], reason) == (("errors rise", "n1/a", 4, False), "the rest cannot be read")


def test_losses_right_after_boot_are_not_judged() -> None:
    settling = {"errors": 1800.0}
    measured, found, reason = judge(out("a/errors=0", "a/errors=4", uptime_s=400.0), settling=settling)
    assert measured == [TIME]
    assert found == [("errors rose by 4", "n1/a", Weight.NOTE)]
    assert reason == "errors of n1/a rose while the node was still settling after its boot"
    later, _, _ = judge(out("a/errors=0", "a/errors=4", uptime_s=1800.0), settling=settling)
    assert later[0] == ("errors rise", "n1/a", 4, False)
    calm, _, reason = judge(out("a/errors=4", "a/errors=4", uptime_s=400.0), settling=settling)
    assert (calm[0], reason) == (("errors rise", "n1", 0.0, True), "")
