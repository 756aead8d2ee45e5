"""Who chooses checks that compare gets what they compare with."""

from __future__ import annotations

from collections.abc import Iterator

from support.battle import Count, Reached

from bringup import battery
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.orchestrator import make_plan, with_readers
from bringup.profile import load_all

NODE = Node("n1", profile="hgx-h100")
STOCK = battery.load()
CONTEXT = Context(load_all(["hgx-h100"], []))


def names(chosen: list[str]) -> list[str]:
    return [c.id for c in with_readers([c for c in STOCK if c.id in chosen], STOCK, [NODE], CONTEXT)]


def test_a_check_that_compares_brings_the_least_that_reads_before() -> None:
    found = names(["reach.connect", "after.gpu-memory"])
    assert found[0] == "reach.connect" and found[-1] == "after.gpu-memory"
    assert len(found) == 4, found
    asked = {step.command for c in STOCK if c.id in found[:-1] for step in _case(c).steps}
    (after,) = (c for c in STOCK if c.id == "after.gpu-memory")
    assert {step.command for step in _case(after).steps} <= asked


def _case(check):  # type: ignore[no-untyped-def]
    (plan,) = make_plan([check], [NODE], CONTEXT)
    return next(plan.cases)


def test_whatever_of_the_last_stage_is_chosen_has_something_to_compare_with() -> None:
    for check in (c for c in STOCK if c.compares and c.level is not Level.SOAK):
        found = with_readers([check], STOCK, [NODE], CONTEXT)
        before = {step.command for c in found if c is not check for step in _case(c).steps}
        assert {step.command for step in _case(check).steps} <= before, check.id


def test_where_nothing_compares_or_all_is_there_nothing_is_added() -> None:
    assert names(["reach.connect", "link.state"]) == ["reach.connect", "link.state"]
    whole = battery.at_level(STOCK, Level.STANDARD)
    assert with_readers(whole, STOCK, [NODE], CONTEXT) == whole


class Again(Check[Node]):
    """It counts as before."""

    id, stage, compares = "after.count", Stage.AFTER, True

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, Command("what nobody asks"))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield from ()


def test_what_nobody_reads_stays_missing() -> None:
    checks = (Reached(), Count(), Again())
    assert with_readers([checks[2]], checks, [NODE], Context({})) == (checks[2],)
