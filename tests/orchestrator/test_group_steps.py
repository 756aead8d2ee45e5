"""A check of the fleet that asks a few nodes: it asks such as are still there, and judges the whole fleet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from support.battle import HELLO, ONE, Cluster, Reached, battle, verdicts

from bringup.check import Check, Outputs, Plan, Run, run
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NotApplicable
from bringup.model import Finding, Group, Measurement, Stage


class Vantage(Check[Group]):
    """The first two nodes see everything."""

    id, stage = "cabling.vantage", Stage.CABLING
    faults = (Fault("X", "t", "a"),)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < 2:
            raise NotApplicable("nobody is left to ask")
        return Run(tuple(s for node in target.members[:2] for s in run(node, HELLO).steps))

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        asked = [answer.node for answer in out if answer.text == "hi"]
        yield Measurement("judged", len(target.members), "nodes", "fleet")
        yield Measurement(f"asked {' '.join(sorted(asked))}", 1.0, "", "fleet", ONE)


def asked(folder: Path, *refused: str) -> list[tuple[str, object]]:
    state = battle(folder, Cluster(refused=refused), checks=[Reached(), Vantage()])
    return [(m.name, m.value) for o in state.outcomes if o.check == "cabling.vantage" for m in o.measurements]


def test_the_first_nodes_are_asked(tmp_path: Path) -> None:
    assert asked(tmp_path) == [("judged", 6), ("asked n1 n2", 1.0)]


def test_a_node_that_left_is_not_asked_and_another_is(tmp_path: Path) -> None:
    assert asked(tmp_path, "n1") == [("judged", 6), ("asked n2 n3", 1.0)]


def test_with_nobody_left_it_says_so(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(1, 7)]
    state = battle(tmp_path, Cluster(refused=names), checks=[Reached(), Vantage()])
    assert verdicts(state, "cabling.vantage") == {"fleet": "not-run quarantined"}
