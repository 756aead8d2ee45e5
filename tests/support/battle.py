"""Invented checks, nodes and connections, with which the engine can be tried without any network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bringup import events as ev
from bringup.check import AnyCheck, Check, Outputs, Plan, Step, run, serve
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, LostKind, NotApplicable, TransportError
from bringup.fleet import LocalFleet
from bringup.model import Finding, Group, Limit, Measurement, Node, Pair, Port, RunInfo, Stage, port_path
from bringup.orchestrator import Engine, RunFolder, make_plan
from bringup.run import RunState
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
        self.lock = threading.Lock()
        self.stop: Callable[[], None] = lambda: None

    def connect(self, node: Node, options: Options, cancel: Cancel | None = None) -> Connection:
        if node.name in self.refused:
            raise TransportError(LostKind.REFUSED, "port 22")
        return FakeConnection(node, self)


class FakeConnection:
    def __init__(self, node: Node, cluster: Cluster) -> None:
        self.node, self.cluster = node, cluster
        self.login_s = 0.1

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
                sink(index, Output(self.node.name, command, Ended.EXITED, 0, stdout=said, at=time.time()))

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
    cluster.stop = engine.stop
    return engine.run()


def verdicts(state: RunState, check: str) -> dict[str, str]:
    return {o.target: f"{o.verdict.value} {o.why.value}".strip() for o in state.outcomes if o.check == check}
