"""Jobs of many nodes: waves of them, and the search for what makes one fail, at its full size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.battle import Bandwidth, Cluster, Reached, battle
from support.records import replace

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault
from bringup.diagnosis.jobs import job_key
from bringup.events import RoundStarted
from bringup.journal import read
from bringup.model import Finding, Group, Limit, Measurement, Node, Port, RunVerdict, Stage, Verdict, Why
from bringup.orchestrator import read_kept, rejudge
from bringup.run import RunState, load


class Job(Check[Group]):
    """Many nodes work together fast enough."""

    id, stage, jobs = "collective.job", Stage.COLLECTIVE, True
    faults = (Fault("COLL-BUSBW", "{at} is slow in jobs", "look at {node}"),)

    def command(self, target: Group) -> Command:
        return Command(f"job {' '.join(n.name for n in target.members)}")

    def plan(self, target: Group, ctx: Context) -> Plan:
        return run(target.members[0], self.command(target))

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        said = out.text(target.members[0], self.command(target))
        yield Measurement("busbw", float(said), "GB/s", target.name, Limit("busbw", ">=", 380.0))


BOTH = (Reached(), Job())
NODES = tuple(Node(f"n{k:02}", profile="p", ports=(Port(0, "mlx5_0", f"leaf-{k // 4}"),)) for k in range(16))
Spoils = Callable[[set[str]], bool]


def cluster(spoils: Spoils = lambda names: False, refused: tuple[str, ...] = ()) -> Cluster:
    """Jobs of these nodes are slow."""

    def answer(node: str, script: str) -> bytes | None:
        verb, *names = script.split()
        return None if verb != "job" else b"187" if spoils(set(names)) else b"391"

    return Cluster(answer, refused)


def jobs(state: RunState) -> dict[str, str]:
    return {o.target: o.verdict.value for o in state.outcomes if o.check == "collective.job"}


def searches(state: RunState) -> list[tuple[str, ...]]:
    """The nodes of each job of a search."""
    found = []
    for o in state.outcomes:
        key = job_key(o.target)
        if key is not None and key.number:
            found.append(o.nodes)
    return found


def test_jobs_inside_the_leaves_then_across_them_then_all(tmp_path: Path) -> None:
    state = battle(tmp_path, cluster(), NODES, BOTH)
    assert state.verdict is RunVerdict.READY
    assert jobs(state) == dict.fromkeys(
        (
            "leaf job n00 and 3 more", "leaf job n04 and 3 more", "leaf job n08 and 3 more",
            "leaf job n12 and 3 more", "cross-leaf job n00 and 3 more", "cross-leaf job n01 and 3 more",
            "cross-leaf job n02 and 3 more", "cross-leaf job n03 and 3 more", "all job n00 and 15 more",
        ),
        "pass",
    )  # fmt: skip
    turns = [(e.round, e.rounds) for e in read(tmp_path / "journal.jsonl") if isinstance(e, RoundStarted)]
    assert turns == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("bad", ["n00", "n06", "n11"])
def test_the_node_that_makes_a_job_fail_is_found_and_left_out_of_the_next(tmp_path: Path, bad: str) -> None:
    state = battle(tmp_path, cluster(lambda names: bad in names), NODES, BOTH)
    assert [(d.code, d.component, d.nodes) for d in state.defects] == [("COLL-BUSBW", bad, (bad,))]
    assert {len(names) for names in searches(state)} == {4}, "the size of the job never changes"
    later = {t: v for t, v in jobs(state).items() if t.startswith(("cross-leaf", "all"))}
    assert set(later.values()) == {"pass"} and len(later) == 5
    (defect,) = state.defects
    assert "told them apart" in defect.ruled_out[0]
    assert {(s.check, s.target) for s in defect.explains} == {
        (o.check, o.target) for o in state.outcomes if o.verdict is Verdict.FAIL
    }


def test_two_bad_nodes_on_two_leaves_are_searched_side_by_side(tmp_path: Path) -> None:
    state = battle(tmp_path, cluster(lambda names: bool({"n01", "n09"} & names)), NODES, BOTH)
    assert [(d.code, d.component) for d in state.defects] == [("COLL-BUSBW", "n01"), ("COLL-BUSBW", "n09")]


def test_what_fails_only_as_a_whole_is_told_with_its_set_and_leaves(tmp_path: Path) -> None:
    state = battle(tmp_path, cluster(lambda names: len(names) > 8), NODES, BOTH)
    (defect,) = state.defects
    assert (defect.code, defect.component) == ("SCALE-ONLY", "all job n00 and 15 more")
    assert set(defect.nodes) == {n.name for n in NODES}
    assert "only all 16 nodes together fail" in defect.measured
    assert "4 leaves: leaf-0, leaf-1, leaf-2 and leaf-3" in defect.measured


def test_where_no_job_is_good_nothing_is_searched(tmp_path: Path) -> None:
    state = battle(tmp_path, cluster(lambda names: True), NODES, BOTH)
    assert searches(state) == []
    (defect,) = state.defects
    assert defect.code == "COLL-BUSBW" and len(defect.explains) == 9


def test_who_has_left_or_is_bad_in_pairs_is_in_no_job(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        if verb == "client":
            return b"187" if "n05" in (node, rest[0]) else None
        return b"391" if verb == "job" else None

    state = battle(tmp_path, Cluster(answer, ("n02",)), NODES, (Reached(), Bandwidth(), Job()))
    told = [o for o in state.outcomes if o.check == "collective.job"]
    assert {o.verdict for o in told} == {Verdict.PASS}
    assert {n for o in told for n in o.nodes} == {n.name for n in NODES} - {"n02", "n05"}
    assert {d.component for d in state.defects if d.code == "RDMA-BW"} == {"n05/hca/mlx5_0/port/1"}


def test_three_nodes_are_too_few_for_more_than_one_job(tmp_path: Path) -> None:
    state = battle(tmp_path, cluster(), NODES[:2], BOTH)
    (told,) = [o for o in state.outcomes if o.check == "collective.job"]
    assert (told.target, told.why) == ("fleet", Why.NOT_APPLICABLE)
    assert state.verdict is RunVerdict.READY


def test_a_resumed_and_a_rejudged_run_come_to_the_same(tmp_path: Path) -> None:
    first = battle(tmp_path, cluster(lambda names: "n06" in names), NODES, BOTH)
    again = rejudge(load(tmp_path), BOTH, Context({}), partial(read_kept, tmp_path))
    assert (again.defects, jobs(again)) == (first.defects, jobs(first))
    more = cluster(lambda names: "n06" in names)
    back = battle(tmp_path, more, NODES, BOTH, before=load(tmp_path))
    assert not [script for _, script in more.asked if script.startswith("job")]
    assert (back.defects, jobs(back)) == (first.defects, jobs(first))


def test_a_search_that_was_stopped_goes_on_where_it_stood(tmp_path: Path) -> None:
    whole = cluster(lambda names: "n06" in names)
    answer = whole.answer

    def stops(node: str, script: str) -> bytes | None:
        if sum(s.startswith("job") for _, s in whole.asked) == 5:
            whole.stop()
        return answer(node, script)

    whole.answer = stops
    cut = battle(tmp_path, whole, NODES, BOTH)
    assert cut.aborted
    back = battle(tmp_path, cluster(lambda names: "n06" in names), NODES, BOTH, before=load(tmp_path))
    assert [(d.code, d.component) for d in back.defects] == [("COLL-BUSBW", "n06")]
    assert not back.missing


class RailJob(Job):
    """A job that says over which rails it goes."""

    def command(self, target: Group) -> Command:
        over = ",".join(map(str, target.rails)) or "all"
        return Command(f"job {over} {' '.join(n.name for n in target.members)}")


RAILED = tuple(
    replace(node, ports=tuple(Port(rail, f"mlx5_{rail}", f"leaf-{k // 4}-{rail}") for rail in range(8)))
    for k, node in enumerate(NODES)
)


@pytest.mark.parametrize(
    ("bad", "component"), [({"3"}, "n06/hca/mlx5_3/port/1"), ({"2", "3"}, "n06"), ({"1", "6"}, "n06")]
)
def test_the_rail_on_which_a_node_spoils_jobs_is_its_port(
    tmp_path: Path, bad: set[str], component: str
) -> None:
    def answer(node: str, script: str) -> bytes | None:
        verb, over, *names = (*script.split(), "")
        used = over == "all" or bool(bad & set(over.split(",")))
        return None if verb != "job" else b"187" if used and "n06" in names else b"391"

    state = battle(tmp_path, Cluster(answer), RAILED, (Reached(), RailJob()))
    (defect,) = state.defects
    assert (defect.code, defect.component, defect.nodes) == ("COLL-BUSBW", component, ("n06",))
    only = [said for said in defect.ruled_out if said.startswith("its other rails")]
    both_halves = bad == {"1", "6"}
    assert len(only) == (0 if both_halves else 1), (
        "in both halves of the rails it is no matter of some of them"
    )
    over = {key.rails for o in state.outcomes if (key := job_key(o.target)) is not None and key.rails}
    assert over >= {("0", "1", "2", "3"), ("4", "5", "6", "7")}


def test_a_rail_that_could_not_be_judged_does_not_free_the_culprit(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        verb, over, *names = (*script.split(), "")
        if verb == "job" and over != "all":
            return b"nothing that is a number"
        return None if verb != "job" else b"187" if "n06" in names else b"391"

    state = battle(tmp_path, Cluster(answer), RAILED, (Reached(), RailJob()))
    assert [d.component for d in state.defects if d.code == "COLL-BUSBW"] == ["n06"]


def test_rails_are_asked_for_only_where_they_have_one_name_on_all_nodes(tmp_path: Path) -> None:
    other = tuple(Port(rail, f"mlx5_{rail + 20}", f"leaf-0-{rail}") for rail in range(8))
    nodes = (*RAILED[:-1], replace(RAILED[-1], ports=other))

    def answer(node: str, script: str) -> bytes | None:
        verb, _, *names = (*script.split(), "")
        return None if verb != "job" else b"187" if "n06" in names else b"391"

    state = battle(tmp_path, Cluster(answer), nodes, (Reached(), RailJob()))
    assert [d.component for d in state.defects] == ["n06"]
    keys = [key for o in state.outcomes if (key := job_key(o.target)) is not None]
    assert {key.rails for key in keys if key.wave == "all"} == {()}
