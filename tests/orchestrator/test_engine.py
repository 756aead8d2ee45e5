"""The engine with invented checks and connections: gates, quarantine, rounds, losses, stopping, resuming."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bringup import events as ev
from bringup.check import AnyCheck, Check, Context, Outputs, Plan, Step, port_path, run, serve
from bringup.errors import CannotJudge, LostKind, NotApplicable, TransportError
from bringup.fleet import LocalFleet
from bringup.journal import read
from bringup.model import (
    Command,
    Ended,
    Fault,
    Finding,
    Group,
    Limit,
    Measurement,
    Node,
    Output,
    Pair,
    Port,
    RunInfo,
    RunVerdict,
    Stage,
    Verdict,
    Why,
)
from bringup.orchestrator import Engine, RunFolder, make_plan, rejudge
from bringup.report import evidence
from bringup.report.verdict import ready_nodes
from bringup.run import RunState, load
from bringup.transport import Cancel, Connection, Options, Ready
from bringup.transport.base import Sink

NODES = tuple(Node(f"n{i}", profile="p", ports=(Port(0, "mlx5_0"), Port(1, "mlx5_1"))) for i in range(1, 7))
HELLO, COUNT, LINKS = Command("hello"), Command("count"), Command("links")
ONE = Limit("count", "==", 1.0)


class Reached(Check[Node]):
    """The node answers."""

    id, stage, gate, judges_loss = "reach.connect", Stage.REACH, "node", True
    faults = (Fault("NODE-UNREACHABLE", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, HELLO)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        said = out.get(target, HELLO)
        if said.ended is Ended.LOST:
            raise CannotJudge(said.detail, code="NODE-UNREACHABLE")
        yield Measurement("hello", 1.0, "", target.name, ONE)


class Tools(Check[Node]):
    """The node says hello twice: shares its command with the other check."""

    id, stage = "reach.tools", Stage.REACH
    faults = (Fault("TOOLS", "t", "a"),)
    plan = Reached.plan

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield Measurement("hello", 1.0 if out.text(target, HELLO) == "hi" else 0.0, "", target.name, ONE)


class Count(Check[Node]):
    """The node has one GPU."""

    id, stage, gate, collects = "gpu.count", Stage.GPU, "node", True
    faults = (Fault("GPU-MISSING", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if "cpu" in target.tags:
            raise NotApplicable("no GPUs")
        return run(target, COUNT)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield Measurement("count", float(out.text(target, COUNT)), "", target.name, ONE)


class Links(Check[Node]):
    """All ports are up."""

    id, stage, gate = "link.state", Stage.LINK, "component"
    faults = (Fault("LINK-DOWN", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, LINKS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        for hca in out.text(target, LINKS).split():
            name, _, up = hca.partition("=")
            yield Measurement("up", float(up), "", port_path(target.name, name), ONE)


class Bandwidth(Check[Pair]):
    """Both ports reach the bandwidth."""

    id, stage = "rdma.write-bw", Stage.RDMA
    faults = (Fault("RDMA-BW", "t", "a", explained_by=("LINK-DOWN",)),)

    def commands(self, target: Pair, ctx: Context) -> tuple[Command, Command]:
        port = ctx.listen_port
        return Command(f"server {port}", listens=port), Command(
            f"client {target.b.name} {port} {target.rail}"
        )

    def plan(self, target: Pair, ctx: Context) -> Plan:
        server, client = self.commands(target, ctx)
        return serve(Step(target.b, server), Step(target.a, client))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        _, client = self.commands(target, ctx)
        yield Measurement("bw", float(out.text(target.a, client)), "Gb/s", "a ~ b", Limit("bw", ">=", 380.0))


class Same(Check[Group]):
    """All nodes count the same."""

    id, stage = "gpu.same", Stage.GPU
    faults = (Fault("VERSION-MINORITY", "t", "a"),)

    def plan(self, target: Group, ctx: Context) -> Plan:
        return run(target.members[0])

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = {m.value for m in ctx.readings.get(("gpu.count", "count"), ())}
        yield Measurement("kinds", float(len(seen)), "", "fleet", ONE)


CHECKS: tuple[AnyCheck, ...] = (Reached(), Tools(), Count(), Same(), Links(), Bandwidth())
Answer = Callable[[str, str], bytes | Ended | None]


class Cluster:
    """Answers commands from a function of (node, script); remembers what was asked."""

    def __init__(self, answer: Answer = lambda node, script: None, refused: Sequence[str] = ()) -> None:
        self.answer, self.refused = answer, set(refused)
        self.asked: list[tuple[str, str]] = []
        self.scripts: list[tuple[str, int]] = []
        self.busy: set[str] = set()
        self.lock = threading.Lock()

    def connect(self, node: Node, options: Options, cancel: Cancel | None = None) -> Connection:
        if node.name in self.refused:
            raise TransportError(LostKind.REFUSED, "port 22")
        return FakeConnection(node, self)


class FakeConnection:
    def __init__(self, node: Node, cluster: Cluster) -> None:
        self.node, self.cluster = node, cluster

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        with self.cluster.lock:
            self.cluster.scripts.append((self.node.name, len(commands)))
        for index, command in enumerate(commands):
            with self.cluster.lock:
                self.cluster.asked.append((self.node.name, command.script))
            if command.listens:
                sink(index, Ready(index))
            verb = command.script.split()[0]
            usual = {
                "hello": b"hi",
                "count": b"1",
                "links": b"mlx5_0=1 mlx5_1=1",
                "server": b"",
                "client": b"391",
            }
            said = self.cluster.answer(self.node.name, command.script)
            said = usual[verb] if said is None else said
            if cancel is not None and cancel.is_set():
                said = Ended.CANCELLED
            if isinstance(said, Ended):
                sink(index, Output(self.node.name, command, said, detail=f"{said.value} here"))
            else:
                sink(index, Output(self.node.name, command, Ended.EXITED, 0, stdout=said))

    def close(self) -> None: ...


def battle(
    tmp_path: Path, cluster: Cluster, nodes: Sequence[Node] = NODES, checks: Sequence[AnyCheck] = CHECKS,
    before: RunState | None = None, listeners: Sequence[Callable[[ev.AnyEvent], None]] = (),
) -> RunState:  # fmt: skip
    ctx = Context({})
    folder = RunFolder(tmp_path)
    info = RunInfo("r", "test", stages=tuple(dict.fromkeys(c.stage for c in checks)))
    fleet = LocalFleet(Options(), workers=4, connect=cluster.connect)
    engine = Engine(
        info, nodes, make_plan(checks, nodes, ctx), ctx, fleet, folder, before=before, listeners=listeners
    )
    cluster.stop = engine.stop  # type: ignore[attr-defined]
    return engine.run()


def verdicts(state: RunState, check: str) -> dict[str, str]:
    return {o.target: f"{o.verdict.value} {o.why.value}".strip() for o in state.outcomes if o.check == check}


def test_a_healthy_fleet_is_ready_and_each_stage_is_one_script_per_node(tmp_path: Path) -> None:
    cluster = Cluster()
    state = battle(tmp_path, cluster)
    assert state.verdict is RunVerdict.READY
    assert {o.verdict for o in state.outcomes} == {Verdict.PASS}
    assert len(state.outcomes) == 6 * 4 + 1 + 3 * 3 * 2
    assert cluster.asked.count(("n1", "hello")) == 1
    assert len(cluster.scripts) == 6 * 3 + 3 * 3 * 2
    assert load(tmp_path).cases == state.cases
    assert state.working == set()


def test_planned_comes_before_anything_runs(tmp_path: Path) -> None:
    battle(tmp_path, Cluster())
    kinds = [type(e).__name__ for e in read(tmp_path / "journal.jsonl")]
    assert max(i for i, k in enumerate(kinds) if k == "Planned") < kinds.index("StageStarted")
    assert kinds[0] == "RunStarted"
    assert kinds[-1] == "RunEnded"


def test_an_unreachable_node_is_named_once_and_disturbs_nobody(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(refused=["n3"]))
    assert state.verdict is RunVerdict.INCOMPLETE
    assert verdicts(state, "reach.connect")["n3"] == "error"
    assert verdicts(state, "reach.tools")["n3"] == "not-run quarantined"
    assert verdicts(state, "gpu.count")["n3"] == "not-run quarantined"
    pairs = verdicts(state, "rdma.write-bw")
    assert {v for t, v in pairs.items() if "n3" in t} == {"not-run quarantined"}
    assert {v for t, v in pairs.items() if "n3" not in t} == {"pass"}
    assert [(d.code, d.nodes) for d in state.defects] == [("NODE-UNREACHABLE", ("n3",))]
    assert set(state.nodes) - ready_nodes(state) == {"n3"}


def test_partners_left_alone_meet_each_other(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(refused=["n3", "n4"]))
    met = {
        o.target.split(" rail")[0]
        for o in state.outcomes
        if o.check == "rdma.write-bw" and o.verdict is Verdict.PASS
    }
    for name in ("n1", "n2", "n5", "n6"):
        assert sum(name in pair.split(" ~ ") for pair in met) >= 2


def test_a_failed_gate_sends_the_node_away_and_a_failed_port_only_the_port(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        if (node, script) == ("n2", "count"):
            return b"0"
        return b"mlx5_0=1 mlx5_1=0" if (node, script) == ("n5", "links") else None

    state = battle(tmp_path, Cluster(answer))
    assert state.verdict is RunVerdict.NOT_READY
    assert verdicts(state, "link.state")["n2"] == "not-run quarantined"
    pairs = verdicts(state, "rdma.write-bw")
    assert {v for t, v in pairs.items() if "n2" in t} == {"not-run quarantined"}
    assert {v for t, v in pairs.items() if "n5" in t and "n2" not in t and t.endswith("1")} == {
        "not-run quarantined"
    }
    assert {v for t, v in pairs.items() if "n5" in t and "n2" not in t and t.endswith("0")} == {"pass"}
    assert sorted((d.code, d.component) for d in state.defects) == [
        ("GPU-MISSING", "n2"),
        ("LINK-DOWN", "n5/hca/mlx5_1/port/1"),
        ("VERSION-MINORITY", "fleet"),
    ]


def test_not_applicable_leaves_a_run_ready(tmp_path: Path) -> None:
    nodes = (*NODES, Node("c1", tags=("cpu",)))
    checks = [c for c in CHECKS if c.id in ("reach.connect", "gpu.count")]
    state = battle(tmp_path, Cluster(), nodes, checks)
    assert state.verdict is RunVerdict.READY
    assert verdicts(state, "gpu.count")["c1"] == "not-run not-applicable"


def test_a_node_lost_in_the_middle_is_an_error_and_the_others_go_on(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> Ended | None:
        return Ended.LOST if (node, script) == ("n4", "count") else None

    state = battle(tmp_path, Cluster(answer))
    assert state.verdict is RunVerdict.INCOMPLETE
    assert verdicts(state, "gpu.count") == {**{f"n{i}": "pass" for i in range(1, 7)}, "n4": "error"}
    assert [(d.code, d.nodes) for d in state.defects] == [("NODE-LOST", ("n4",))]


@pytest.mark.parametrize("ended", [Ended.TIMEOUT, Ended.MISSING])
def test_a_hanging_or_missing_tool_is_never_a_pass(tmp_path: Path, ended: Ended) -> None:
    state = battle(tmp_path, Cluster(lambda n, s: ended if (n, s) == ("n1", "links") else None))
    assert state.verdict is RunVerdict.INCOMPLETE
    assert verdicts(state, "link.state")["n1"] == "error"
    assert len(state.defects) == 1


def test_a_slow_port_is_blamed_alone(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | None:
        verb, *rest = script.split()
        return b"187" if verb == "client" and rest[2] == "1" and "n4" in (node, rest[0]) else None

    state = battle(tmp_path, Cluster(answer))
    assert [(d.code, d.component) for d in state.defects] == [("RDMA-BW", "n4/hca/mlx5_1/port/1")]


def test_stopping_leaves_a_complete_journal_and_resume_finishes_with_the_same_verdicts(
    tmp_path: Path,
) -> None:
    def slow(node: str, script: str) -> bytes | None:
        bad = script.startswith("client") and script.endswith("1") and "n4" in (node, script.split()[1])
        return b"187" if bad else None

    stopped = Cluster()

    def answer(node: str, script: str) -> bytes | None:
        if (node, script) == ("n2", "links"):
            stopped.stop()  # type: ignore[attr-defined]
        return slow(node, script)

    stopped.answer = answer
    state = battle(tmp_path, stopped)
    assert (state.aborted, state.verdict) == ("interrupted", RunVerdict.INCOMPLETE)
    assert state.missing == []
    assert {o.why for o in state.outcomes if o.verdict is Verdict.NOT_RUN} == {Why.ABORTED}
    again = Cluster(slow)
    resumed = battle(tmp_path, again, before=load(tmp_path))
    fresh = battle(tmp_path / "fresh", Cluster(slow)) if (tmp_path / "fresh").mkdir() is None else None
    assert fresh is not None
    assert {k: o.verdict for k, o in resumed.cases.items() if o} == {
        k: o.verdict for k, o in fresh.cases.items() if o
    }
    assert [(d.code, d.component) for d in resumed.defects] == [("RDMA-BW", "n4/hca/mlx5_1/port/1")]
    assert resumed.verdict is RunVerdict.NOT_READY
    assert not [s for _, s in again.asked if s in ("hello", "count")]
    assert load(tmp_path).cases == resumed.cases


def test_a_display_that_raises_is_dropped_and_the_run_goes_on(tmp_path: Path) -> None:
    def bad(event: ev.AnyEvent) -> None:
        raise RuntimeError("no screen")

    state = battle(tmp_path, Cluster(), listeners=[bad])
    assert state.verdict is RunVerdict.READY
    assert [text for _, text in state.notes] == ["a display was dropped: RuntimeError('no screen')"]


def test_evidence_holds_the_bytes_that_were_judged(tmp_path: Path) -> None:
    state = battle(tmp_path, Cluster(lambda n, s: b"1\x00\xff" if s == "count" else None))
    outcome = state.cases["gpu.count", "n1"]
    assert outcome is not None
    (e,) = outcome.evidence
    kept = (tmp_path / e.file).read_bytes()[e.offset : e.offset + e.stdout_bytes]
    assert (outcome.verdict, kept, e.command) == (Verdict.ERROR, b"1\x00\xff", COUNT)


def test_judging_again_gives_the_same_verdicts_and_defects(tmp_path: Path) -> None:
    def answer(node: str, script: str) -> bytes | Ended | None:
        verb, *rest = script.split()
        if verb == "client" and rest[2] == "1" and "n4" in (node, rest[0]):
            return b"187"
        return Ended.TIMEOUT if (node, script) == ("n1", "links") else None

    state = battle(tmp_path, Cluster(answer, refused=["n6"]))
    again = rejudge(load(tmp_path), CHECKS, Context({}), lambda e: evidence.read(tmp_path, e))
    assert {k: (o.verdict, o.reason) for k, o in again.cases.items() if o} == {
        k: (o.verdict, o.reason) for k, o in state.cases.items() if o
    }
    assert again.defects == state.defects
    assert again.verdict is state.verdict
