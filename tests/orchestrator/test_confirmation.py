"""The confirm step: suspects meet known-good partners beside a control, in results of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.battle import Bandwidth, Cluster, Reached, battle
from support.records import replace

from bringup.check import Outputs
from bringup.context import Context
from bringup.defects import Who
from bringup.errors import CannotJudge
from bringup.events import Judged, Note, RoundStarted
from bringup.journal import read
from bringup.model import (
    Finding,
    Measurement,
    Node,
    Pair,
    Port,
    RunVerdict,
    Stage,
    Verdict,
    pair_key,
    port_path,
)
from bringup.orchestrator import read_kept, rejudge
from bringup.report import junit
from bringup.run import RunState, load

BOTH = (Reached(), Bandwidth())
NODES = tuple(
    Node(f"n{i}", profile="p", ports=(Port(0, "mlx5_0", f"l{i % 2}"), Port(1, "mlx5_1", f"m{i % 2}")))
    for i in range(1, 9)
)
LARGER = tuple(replace(NODES[i % 8], name=f"n{i + 1}") for i in range(16))
Answer = Callable[[str, str], bytes | None]


def slow(*nodes: str, rail: str = "0", share: bytes = b"187") -> Answer:
    """Each port of these nodes on the rail is slow with everybody."""

    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        if verb == "client" and rest[2] == rail and (node in nodes or rest[0] in nodes):
            return share
        return None

    return answer


def further(state: RunState) -> dict[str, Verdict]:
    """The results of the confirm step by target."""
    return {
        o.target: o.verdict for o in state.outcomes if (key := pair_key(o.target)) is not None and key.further
    }


def test_a_healthy_fleet_is_not_asked_again(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(), NODES, BOTH)
    assert (state.verdict, further(state)) == (RunVerdict.READY, {})


def test_a_suspect_meets_two_known_good_partners_beside_a_control(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(slow("n2")), NODES, BOTH)
    assert [(d.code, d.component) for d in state.defects] == [("RDMA-BW", port_path("n2", "mlx5_0"))]
    said = further(state)
    keys = {pair_key(target): verdict for target, verdict in said.items()}
    tests = [k for k in keys if k and not k.control]
    controls = [k for k in keys if k and k.control]
    assert sorted(k.further for k in tests) == [1, 2] and sorted(k.further for k in controls) == [1, 2]
    assert all("n2" in k and k.rail == 0 and keys[k] is Verdict.FAIL for k in tests)
    assert all("n2" not in k and k.rail == 0 and keys[k] is Verdict.PASS for k in controls)
    partners = [name for k in tests for name in (k.a, k.b) if name != "n2"]
    assert len(set(partners)) == 2
    (defect,) = state.defects
    assert defect.ruled_out[0].startswith("chance: tested again, bad with n")
    assert defect.ruled_out[0].endswith("both known to be good")
    assert {s.target for s in defect.explains} >= {t for t, v in said.items() if v is Verdict.FAIL}


def test_a_soak_is_not_repeated(tmp_path: Path) -> None:
    class Soak(Bandwidth):
        stage = Stage.SOAK

    state = battle(tmp_path, Cluster(slow("n2")), NODES, (Reached(), Soak()))
    assert [(d.code, d.component) for d in state.defects] == [("RDMA-BW", port_path("n2", "mlx5_0"))]
    assert further(state) == {}


def test_the_first_result_of_a_pair_stays_beside_the_second(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(slow("n2")), NODES, BOTH)
    written = [e.outcome for e in read(tmp_path / "journal.jsonl") if isinstance(e, Judged)]
    assert all(o.attempt == 1 for o in written), "nothing took the place of anything"
    stage = state.stages[BOTH[1].stage]
    assert stage.done == stage.cases == 3 * 4 * 2 + 4
    turns = [(e.round, e.rounds) for e in read(tmp_path / "journal.jsonl") if isinstance(e, RoundStarted)]
    assert turns == [(1, 3), (2, 3), (3, 3), (4, 5), (5, 5)]
    notes = [e.text for e in read(tmp_path / "journal.jsonl") if isinstance(e, Note)]
    assert notes == ["rdma: 1 suspect tested again with partners that are known to be good, in 2 rounds"]


def test_two_bad_ports_in_one_pair_are_both_named(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(slow("n2", "n4")), NODES, BOTH)
    assert [(d.code, d.component) for d in state.defects] == [
        ("RDMA-BW", port_path(name, "mlx5_0")) for name in ("n2", "n4")
    ]
    assert all("chance" in d.ruled_out[0] for d in state.defects)


def test_a_resumed_run_keeps_what_is_confirmed(tmp_path: Path) -> None:
    first = battle(tmp_path, Cluster(slow("n2")), NODES, BOTH)
    again = Cluster(slow("n2"))
    back = battle(tmp_path, again, NODES, BOTH, before=load(tmp_path))
    assert not [script for _, script in again.asked if script.startswith(("client", "server"))]
    assert (further(back), back.defects) == (further(first), first.defects)


def test_a_run_that_was_stopped_in_the_confirm_step_goes_on_there(tmp_path: Path) -> None:
    answer = slow("n2")
    cluster = Cluster()

    def stops(node: str, script: str) -> bytes | None:
        seen = [s for _, s in cluster.asked if s.startswith("client")]
        if len(seen) == 3 * 4 * 2 + 2:
            cluster.stop()
        return answer(node, script)

    cluster.answer = stops
    cut = battle(tmp_path, cluster, NODES, BOTH)
    assert cut.aborted
    whole = battle(tmp_path, Cluster(answer), NODES, BOTH, before=load(tmp_path))
    assert sorted(v.value for v in further(whole).values()) == ["fail", "fail", "pass", "pass"]
    assert [(d.code, d.component) for d in whole.defects] == [("RDMA-BW", port_path("n2", "mlx5_0"))]
    assert not whole.missing


def test_a_rejudged_run_decides_the_same(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(slow("n2")), NODES, BOTH)
    again = rejudge(load(tmp_path), BOTH, Context({}), partial(read_kept, tmp_path))
    assert again.defects == state.defects
    assert further(again) == further(state)


def test_junit_has_a_case_for_each_test(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(slow("n2")), NODES, BOTH)
    out = tmp_path / "junit"
    junit.write(state, out)
    cases = [case for file in out.glob("**/*.xml") for case in ElementTree.parse(file).iter("testcase")]
    names = [f"{case.get('classname')} {case.get('name')}" for case in cases]
    assert len(names) == len(set(names)) == len(state.cases)
    assert sum(" confirmation " in name for name in names) == sum(" control " in name for name in names) == 2


def test_a_control_that_fails_decides_nothing(tmp_path: Path) -> None:
    """Once the confirm step begins, rail 0 is slow for everybody."""
    answer = slow("n2")
    cluster = Cluster()

    def disturbed(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        late = sum(s.startswith("client") for _, s in cluster.asked) > 3 * 4 * 2
        return b"120" if verb == "client" and rest[2] == "0" and late else answer(node, script)

    cluster.answer = disturbed
    state = battle(tmp_path, cluster, NODES, BOTH)
    assert {d.code for d in state.defects} == {"UNCONFIRMED"}
    assert {d.who for d in state.defects} == {Who.COULD_NOT_JUDGE}
    assert all("control" in d.measured for d in state.defects)
    assert {(s.check, s.target) for d in state.defects for s in d.explains} == {
        (o.check, o.target) for o in state.outcomes if o.verdict is Verdict.FAIL
    }


def test_who_has_left_is_nobodys_partner(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(slow("n2"), refused=["n5", "n7"]), NODES, BOTH)
    assert not {n for target in further(state) for n in target.split()} & {"n5", "n7"}
    assert ("RDMA-BW", port_path("n2", "mlx5_0")) in {(d.code, d.component) for d in state.defects}


def test_without_known_good_partners_there_is_nothing_to_ask(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(slow(*(n.name for n in NODES))), NODES, BOTH)
    assert further(state) == {}
    assert state.verdict is RunVerdict.NOT_READY


class Started(Bandwidth):
    """A client that reaches no server measures nothing."""

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        if out.text(target.a, self.commands(target, ctx)[1]) == "refused":
            raise CannotJudge(f"{target.b.name} cannot be reached", code="RDMA-SETUP")
        yield from super().judge(target, out, ctx)


def test_a_node_that_nobody_reaches_is_found_where_it_was_asked_only_once(tmp_path: Path) -> None:
    """Of two nodes, one started a test only here and the other one was asked only here."""
    first = battle(tmp_path, Cluster(), NODES, BOTH)
    pairs = [pair_key(o.target) for o in first.outcomes if o.check == "rdma.write-bw"]
    asked = [(key.a, key.b) for key in pairs if key is not None and key.rail == 0]
    starts, is_asked = Counter(a for a, _ in asked), Counter(b for _, b in asked)
    a, b = next((a, b) for a, b in asked if starts[a] == 1 and is_asked[b] == 1)

    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        return b"refused" if verb == "client" and rest[0] == b else None

    folder = tmp_path / "again"
    folder.mkdir()
    state = battle(folder, Cluster(answer), NODES, [Reached(), Started()])
    assert {(d.who, d.component) for d in state.defects} == {(Who.COULD_NOT_JUDGE, b)}, (a, b)


@pytest.mark.parametrize("fails_again", ["as sender", "as receiver", ""])
def test_of_two_that_are_good_now_and_then_the_one_that_fails_with_others_is_named(
    tmp_path: Path, fails_again: str
) -> None:
    """Both were good with everybody else before, in both roles, and their own further tries are good."""
    calm = battle(tmp_path, Cluster(), NODES, BOTH)
    keys = [pair_key(o.target) for o in calm.outcomes if o.check == "rdma.write-bw"]
    ways = [(k.a, k.b) for k in keys if k is not None and k.rail == 0]
    x, y = next(
        (a, b)
        for a, b in ways
        if any(a == c and b != d for c, d in ways) and any(b == d and a != c for c, d in ways)
    )
    tries: list[str] = []

    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        if verb != "client" or rest[2] != "0":
            return None
        if {x, y} == {node, rest[0]}:
            tries.append(script)
            return b"180" if len(tries) == 1 else None
        late = len(tries) == 3
        hit = (node if fails_again == "as sender" else rest[0]) == x
        return b"181" if late and fails_again and hit else None

    folder = tmp_path / "again"
    folder.mkdir()
    state = battle(folder, Cluster(answer), NODES, BOTH)
    extra = [k for k in map(pair_key, further(state)) if k is not None and k.further > 2]
    asked = [k for k in extra if not k.control]
    assert {k.further for k in extra if k.control} == {k.further for k in asked}, "a control beside each"
    for name in (x, y):
        assert {k.a == name for k in asked if name in k} == {True, False}, "both roles"
    (defect,) = state.defects
    ends = {port_path(name, "mlx5_0") for name in (x, y)}
    if fails_again:
        assert (defect.code, defect.components) == ("RDMA-FLAKY", (port_path(x, "mlx5_0"),))
    else:
        assert (defect.code, set(defect.components)) == ("PATH-UNSTABLE", ends)
    cluster = Cluster(answer)
    back = battle(folder, cluster, NODES, BOTH, before=load(folder))
    assert not [script for _, script in cluster.asked if script.startswith("client")], (
        "a resumed run knows it"
    )
    assert back.defects == state.defects


def test_a_disturbance_that_lasts_blames_nobody_of_the_control(tmp_path: Path) -> None:
    """From the confirm step on, whoever meets a node of the first control is slow on that rail, but for a while."""
    calm = battle(tmp_path, Cluster(slow("n2")), LARGER, BOTH)
    keys = [pair_key(target) for target in further(calm)]
    first, second = (next(k for k in keys if k is not None and k.control and k.further == n) for n in (1, 2))
    cluster = Cluster()

    def disturbed(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        late = sum(s.startswith("client") for _, s in cluster.asked) > 3 * len(LARGER) // 2 * 2
        hit = (
            verb == "client"
            and rest[2] == "0"
            and first.a in (node, rest[0])
            and second.b not in (node, rest[0])
        )
        return b"120" if hit and late else slow("n2")(node, script)

    cluster.answer = disturbed
    folder = tmp_path / "disturbed"
    folder.mkdir()
    state = battle(folder, cluster, LARGER, BOTH)
    assert {(d.code, d.who) for d in state.defects} == {("UNCONFIRMED", Who.COULD_NOT_JUDGE)}
    assert max(k.further for k in map(pair_key, further(state)) if k is not None) == 2, (
        "and nobody is asked more"
    )


def test_leaves_that_have_not_met_do_so_where_everything_between_leaves_seems_slow(tmp_path: Path) -> None:
    nodes = [Node(f"n{i}", profile="p", ports=(Port(0, "mlx5_0", f"l{i // 8}"),)) for i in range(32)]
    leaf = {node.name: node.ports[0].leaf for node in nodes}

    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        if verb != "client" or leaf[node] == leaf[rest[0]]:
            return None
        return b"120" if {"l1", "l3"} & {leaf[node], leaf[rest[0]]} else None

    state = battle(tmp_path, Cluster(answer), nodes, BOTH)
    assert {(d.code, d.component) for d in state.defects} == {("UPLINK-SLOW", "l1"), ("UPLINK-SLOW", "l3")}
    notes = [e.text for e in read(tmp_path / "journal.jsonl") if isinstance(e, Note)]
    assert notes == ["rdma: 32 nodes on leaves that have not met yet, in 2 rounds"]
    again = Cluster(answer)
    back = battle(tmp_path, again, nodes, BOTH, before=load(tmp_path))
    assert not [script for _, script in again.asked if script.startswith("client")]
    assert back.defects == state.defects
