"""Pairs: nobody is left untested in silence, no pair is tested twice under one name, only equals are paired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.battle import CHECKS, NODES, Bandwidth, Cluster, Reached, battle, verdicts
from support.records import replace

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, NotApplicable
from bringup.events import Judged
from bringup.journal import read
from bringup.model import Finding, Limit, Measurement, Node, Pair, Port, RunVerdict, Stage, Verdict, Why
from bringup.report.verdict import exit_code, ready_nodes
from bringup.run import RunState

BOTH = (Reached(), Bandwidth())


class Once(Bandwidth):
    """Each node meets one partner."""

    id, rounds = "rdma.once", 1


class Compared(Bandwidth):
    """What two nodes reach is only compared with what others reach."""

    id = "rdma.compared"

    def alone(self, node: Node, ctx: Context) -> str:
        return "nobody to compare with"


class Whole(Check[Pair]):
    """The two nodes work together with all their ports."""

    id, stage, per_rail, rounds = "collective.whole", Stage.COLLECTIVE, False, 2
    faults = (Fault("COLL", "t", "a"),)

    def plan(self, target: Pair, ctx: Context) -> Plan:
        if "cpu" in target.a.tags + target.b.tags:
            raise NotApplicable("no GPUs")
        return run(target.a, Command(f"client {target.b.name} 0 all"))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        said = out.text(target.a, Command(f"client {target.b.name} 0 all"))
        at = f"{target.a.name} ~ {target.b.name}"
        yield Measurement("bw", float(said), "GB/s", at, Limit("bw", ">=", 380.0))


class Later(Whole):
    """Only what the program says tells that it cannot do it."""

    id, rounds = "collective.later", 2

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        raise NotApplicable("this program cannot")
        yield


def judged(state_dir: Path, check: str) -> dict[str, list[str]]:
    """Every outcome that was ever written for a target that was really tested."""
    found: dict[str, list[str]] = {}
    for e in read(state_dir / "journal.jsonl"):
        if isinstance(e, Judged) and e.outcome.check == check and e.outcome.verdict is not Verdict.NOT_RUN:
            found.setdefault(e.outcome.target, []).append(e.outcome.verdict.value)
    return found


@pytest.mark.parametrize("check", [Bandwidth(), Whole()])
def test_one_node_alone_is_not_ready_for_what_needs_two(tmp_path: Path, check: Check[Pair]) -> None:
    state = battle(tmp_path, Cluster(), NODES[:1], [Reached(), check])
    assert verdicts(state, check.id) == {"n1": "not-run no-partner"}
    assert (state.verdict, exit_code(state), ready_nodes(state)) == (RunVerdict.INCOMPLETE, 3, set())


def test_one_node_alone_is_ready_where_two_are_only_compared(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(), NODES[:1], [Reached(), Compared()])
    assert verdicts(state, "rdma.compared") == {"n1": "not-run not-applicable"}
    assert (state.verdict, exit_code(state), ready_nodes(state)) == (RunVerdict.READY, 0, {"n1"})


def test_the_only_node_of_a_profile_is_not_alone(tmp_path: Path) -> None:
    other = replace(NODES[1], profile="other")
    state = battle(tmp_path, Cluster(), [NODES[0], other], [Reached(), Compared()])
    assert verdicts(state, "rdma.compared") == dict.fromkeys(("n1", "n2"), "not-run no-partner")


def test_one_node_that_the_check_does_not_concern_is_ready(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(), [Node("c1", tags=("cpu",))], [Reached(), Whole()])
    assert verdicts(state, "collective.whole") == {"c1": "not-run not-applicable"}
    assert state.verdict is RunVerdict.READY


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("check", [Bandwidth(), Once(), Whole()])
def test_every_node_is_in_a_pair(tmp_path: Path, count: int, check: Check[Pair]) -> None:
    state = battle(tmp_path, Cluster(), NODES[:count], [Reached(), check])
    assert state.verdict is RunVerdict.READY
    met = {n for o in state.outcomes if o.check == check.id and o.verdict is Verdict.PASS for n in o.nodes}
    assert met == {n.name for n in NODES[:count]}


def test_a_rail_that_nobody_else_has_is_said_to_be_untested(tmp_path: Path) -> None:
    wide = Node("w1", profile="p", ports=(Port(0, "mlx5_0"), Port(1, "mlx5_1"), Port(2, "mlx5_2")))
    state = battle(tmp_path, Cluster(), [*NODES[:3], wide], BOTH)
    assert verdicts(state, "rdma.write-bw")["w1"] == "not-run no-partner"
    assert "rail 2" in next(
        o.reason for o in state.outcomes if o.target == "w1" and o.check == "rdma.write-bw"
    )
    assert (state.verdict, "w1" in ready_nodes(state)) == (RunVerdict.INCOMPLETE, False)


def test_only_nodes_of_one_profile_are_paired(tmp_path: Path) -> None:
    cpus = [Node(f"c{i}", profile="cpu", tags=("cpu",)) for i in range(1, 9)]
    mixed = [n for pair in zip(NODES, cpus, strict=False) for n in pair]
    state = battle(tmp_path, Cluster(), mixed, [Reached(), Whole()])
    assert state.verdict is RunVerdict.READY
    met = {
        n
        for o in state.outcomes
        if o.check == "collective.whole" and o.verdict is Verdict.PASS
        for n in o.nodes
    }
    assert met == {n.name for n in NODES}
    assert not [o for o in state.outcomes if len({n[0] for n in o.nodes}) > 1]


def test_a_node_whose_partners_all_left_is_not_called_ready(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(refused=["n2", "n3"]), NODES[:3], BOTH)
    assert verdicts(state, "rdma.write-bw")["n1"] == "not-run no-partner"
    assert ready_nodes(state) == set()
    back = battle(tmp_path, Cluster(), NODES[:3], BOTH, before=state)
    assert (back.verdict, ready_nodes(back)) == (RunVerdict.READY, {"n1", "n2", "n3"})


def test_no_pair_is_tested_twice_under_the_same_name(tmp_path: Path) -> None:
    """Otherwise the second result would take the place of the first, and a failure would be gone."""
    for number, gone in enumerate((["n2"], ["n3"], ["n2", "n5"], ["n1", "n6"], ["n3", "n4", "n5"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        battle(folder, Cluster(refused=gone), checks=BOTH)
        assert all(len(v) == 1 for v in judged(folder, "rdma.write-bw").values())
        pairs = [frozenset(t.split(" rail")[0].split(" ~ ")) for t in judged(folder, "rdma.write-bw")]
        assert len(pairs) == 2 * len(set(pairs))


def test_a_failure_of_one_round_is_not_replaced_by_another_round(tmp_path: Path) -> None:
    seen: list[str] = []

    def answer(node: str, script: str) -> bytes | None:
        if script.startswith("client") and script.endswith(" 0"):
            seen.append(script)
            return b"187" if len(seen) == 1 else None
        return None

    state = battle(tmp_path, Cluster(answer, refused=["n3", "n4"]), NODES[:4], BOTH)
    assert "fail" in verdicts(state, "rdma.write-bw").values()
    assert "PAIR-UNSPLIT" in {d.code for d in state.defects}


def test_a_port_that_left_on_every_partner_leaves_the_whole_pair_untested(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        return b"mlx5_0=1 mlx5_1=0" if script == "links" and node in ("n2", "n3") else None

    checks = [c for c in CHECKS if c.id in ("reach.connect", "link.state")]
    state = battle(tmp_path, Cluster(answer), NODES[:3], [*checks, Whole()])
    assert verdicts(state, "collective.whole")["n1"] == "not-run no-partner"
    assert ready_nodes(state) == set()


def test_what_does_not_apply_to_any_pair_is_not_called_untested(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(), NODES[:4], [Reached(), Later()])
    said = verdicts(state, "collective.later")
    assert set(said.values()) == {"not-run not-applicable"} and len(said) == 4
    assert (state.verdict, ready_nodes(state)) == (RunVerdict.READY, {n.name for n in NODES[:4]})


class AtHome(Whole):
    """Only two of one NVLink domain tell of NVLink between nodes."""

    id, rounds = "collective.at-home", 2

    def at_home(self, node: Node, ctx: Context) -> bool:
        return True

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        if out.text(target.a, Command(f"client {target.b.name} 0 all")) == "refused":
            raise CannotJudge("it could not be started")
        yield from super().judge(target, out, ctx)


def met_at_home(state: RunState, home: dict[str, str]) -> set[str]:
    """Who was tested with a node of its own domain."""
    ran = [o.nodes for o in state.outcomes if o.check == AtHome.id and o.verdict is Verdict.PASS]
    return {name for a, b in ran if home[a] == home[b] for name in (a, b)}


@pytest.mark.parametrize("gone", [[], ["n2"], ["n1", "n5"], ["n2", "n3", "n10"], ["n9", "n11", "n13", "n15"]])
def test_everybody_who_is_left_meets_one_of_its_domain(tmp_path: Path, gone: list[str]) -> None:
    nodes = [Node(f"n{i}", profile="p", rack=f"R{(i - 1) // 8}") for i in range(1, 17)]
    state = battle(tmp_path, Cluster(refused=gone), nodes, [Reached(), AtHome()])
    assert met_at_home(state, {n.name: n.rack for n in nodes}) == {n.name for n in nodes} - set(gone)
    said = [o for o in state.outcomes if o.check == AtHome.id and o.why is Why.NO_PARTNER]
    assert said == []


def test_a_test_at_home_that_could_not_be_judged_is_asked_for_again_by_a_resumed_run(tmp_path: Path) -> None:
    nodes = [Node(f"n{i}", profile="p", rack=f"R{(i - 1) // 8}") for i in range(1, 17)]
    mates = {n.name for n in nodes[:8]}

    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        both = {node, rest[0]} if verb == "client" else set()
        return b"refused" if "n6" in both and both <= mates else None

    checks = [Reached(), AtHome()]
    first = battle(tmp_path, Cluster(answer, refused=["n2"]), nodes, checks)
    assert "n6" not in ready_nodes(first)
    again = battle(tmp_path, Cluster(answer, refused=["n2"]), nodes, checks, before=first)
    assert "n6" not in ready_nodes(again)
    repaired = battle(tmp_path, Cluster(refused=["n2"]), nodes, checks, before=again)
    assert ready_nodes(repaired) == {n.name for n in nodes} - {"n2"}
    assert "n6" in met_at_home(repaired, {n.name: n.rack for n in nodes})


def test_a_partner_that_lost_a_port_is_no_partner_at_home(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        return b"mlx5_0=1 mlx5_1=0" if script == "links" and node == "n2" else None

    ports = (Port(0, "mlx5_0"), Port(1, "mlx5_1"))
    nodes = [Node(f"n{i}", profile="p", rack=f"R{(i - 1) // 8}", ports=ports) for i in range(1, 17)]
    checks = [c for c in CHECKS if c.id in ("reach.connect", "link.state")]
    state = battle(tmp_path, Cluster(answer), nodes, [*checks, AtHome()])
    assert met_at_home(state, {n.name: n.rack for n in nodes}) == {n.name for n in nodes} - {"n2"}
    assert ready_nodes(state) == {n.name for n in nodes} - {"n2"}


def test_the_last_one_of_its_domain_is_said_to_be_untested_there(tmp_path: Path) -> None:
    nodes = [Node(f"n{i}", profile="p", rack="R0" if i < 4 else "R1") for i in range(1, 8)]
    state = battle(tmp_path, Cluster(refused=["n2", "n3"]), nodes, [Reached(), AtHome()])
    (said,) = (o for o in state.outcomes if o.check == AtHome.id and o.why is Why.NO_PARTNER)
    assert (said.target, said.reason) == (
        "n1", "no other node of its NVLink domain is left: NVLink between nodes was not tested",
    )  # fmt: skip
    assert ready_nodes(state) == {"n4", "n5", "n6", "n7"}


def test_who_is_alone_in_its_domain_by_plan_was_promised_nothing(tmp_path: Path) -> None:
    nodes = [Node(f"n{i}", profile="p", rack="R0" if i == 1 else "R1") for i in range(1, 4)]
    state = battle(tmp_path, Cluster(), nodes, [Reached(), AtHome()])
    assert (state.verdict, ready_nodes(state)) == (RunVerdict.READY, {"n1", "n2", "n3"})
