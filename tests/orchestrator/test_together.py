"""Steps of several nodes at the same time: in pairs and in the whole fleet, however few workers there are."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.battle import ONE, Cluster, Reached, battle, verdicts

from bringup.check import Check, Outputs, Plan, Step, together
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault
from bringup.fleet import Duel, Job, LocalFleet, Team, local
from bringup.model import Finding, Group, Measurement, Node, Pair, Stage
from bringup.orchestrator.plan import FIRST_PORT, GROUP_PORT, make_plan
from bringup.orchestrator.work import jobs_of, teams
from bringup.transport import Cancel, Connection, Options, Ready
from bringup.transport.base import Sink


class Everybody(Check[Group]):
    """All nodes meet."""

    id, stage, ports = "collective.everybody", Stage.COLLECTIVE, 2
    faults = (Fault("X", "t", "a"),)

    def plan(self, target: Group, ctx: Context) -> Plan:
        command = Command(f"meet {len(target.members)} {ctx.listen_port}")
        return together(*(Step(node, command) for node in target.members))

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        asked = [f"{answer.node} {answer.command.script}" for answer in out if answer.text == "met"]
        yield Measurement(" ".join(asked), float(len(asked) > 1), "", "fleet", ONE)


class Also(Everybody):
    """All nodes meet once more."""

    id = "collective.also"


class Two(Check[Pair]):
    """Two nodes meet."""

    id, stage, per_rail, rounds, ports = "collective.two", Stage.COLLECTIVE, False, 1, 3
    faults = (Fault("X", "t", "a"),)

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return together(*(Step(node, Command(f"meet 2 {ctx.listen_port}")) for node in target.nodes))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield Measurement("met", float(sum(a.text == "met" for a in out) == 2), "", target.key, ONE)


class TwoAgain(Two):
    """Two nodes meet once more."""

    id = "collective.two-again"


def meeting() -> Cluster:
    """Whoever meets waits for all others: one that never comes leaves everybody waiting."""
    barriers: dict[tuple[int, str], threading.Barrier] = {}
    lock = threading.Lock()

    def answer(node: str, script: str) -> bytes | None:
        verb, *words = script.split()
        if verb != "meet":
            return None
        group = min(int(node[1:]), 7 - int(node[1:])) if words[0] == "2" else 0
        with lock:
            barrier = barriers.setdefault((group, script), threading.Barrier(int(words[0])))
        barrier.wait(30)
        return b"met"

    return Cluster(answer)


def test_all_nodes_meet_although_there_are_fewer_workers(tmp_path: Path) -> None:
    state = battle(tmp_path, meeting(), checks=[Reached(), Everybody(), Also()])
    assert verdicts(state, "collective.everybody") == verdicts(state, "collective.also") == {"fleet": "pass"}
    (told,) = [o for o in state.outcomes if o.check == "collective.also"]
    names = " ".join(f"n{i} meet 6 {GROUP_PORT + 2}" for i in range(1, 7))
    assert [m.name for m in told.measurements] == [names]


def test_who_left_is_not_waited_for(tmp_path: Path) -> None:
    cluster = meeting()
    cluster.refused = {"n2", "n5"}
    state = battle(tmp_path, cluster, checks=[Reached(), Everybody()])
    (told,) = [o for o in state.outcomes if o.check == "collective.everybody"]
    names = " ".join(f"n{i} meet 4 {GROUP_PORT}" for i in (1, 3, 4, 6))
    assert ([m.name for m in told.measurements], told.verdict.value) == ([names], "pass")


def test_pairs_meet_and_their_tests_take_turns(tmp_path: Path) -> None:
    state = battle(tmp_path, meeting(), checks=[Reached(), Two(), TwoAgain()])
    met = {"n1 ~ n6": "pass", "n2 ~ n5": "pass", "n3 ~ n4": "pass"}
    assert verdicts(state, "collective.two") == verdicts(state, "collective.two-again") == met


def test_teams_and_ports() -> None:
    nodes = [Node("n1", profile="p"), Node("n2", profile="p")]
    (stage,) = make_plan([Two(), TwoAgain()], nodes, Context({}))
    (battles,) = stage.rounds
    first, second = (
        tuple(Job(n, (Command(f"meet 2 {FIRST_PORT + k}"),), 1) for n in (battles[0].a, battles[0].b))
        for k in (0, 3)
    )
    assert teams(battles[0].cases) == [Team((first, second))]
    assert jobs_of(battles[0].cases) == []
    assert teams(battles[0].cases)[0].nodes == ("n1", "n2")


class Fleet(Connection):
    """Connections whose commands say what happens: `listen`, `fail`, `ask` or `stay`."""

    def __init__(self, node: Node, seen: list[str], gate: threading.Event) -> None:
        self._node, self._seen, self._gate = node, seen, gate

    @property
    def node(self) -> Node:
        return self._node

    @property
    def login_s(self) -> None:
        return None

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        (command,) = commands
        status = 0
        if command.script == "listen":
            self._gate.wait(0.2)  # who did not wait for it would have said so by now
            self._seen.append(f"{self.node.name} listens")
            sink(0, Ready(0))
            assert self._gate.wait(20)
        elif command.script == "fail":
            status = 1
        else:
            self._seen.append(f"{self.node.name} asks")
            self._gate.set()
            if command.script == "stay" and cancel is not None and cancel.wait(20):
                return sink(0, Output(self.node.name, command, Ended.CANCELLED))
        return sink(0, Output(self.node.name, command, Ended.EXITED, status))

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("first", "others", "seen", "ended"),
    [
        ("listen", "ask", ["n1 listens", "n2 asks", "n3 asks"], [Ended.EXITED] * 3),
        ("listen", "stay", ["n1 listens", "n2 asks", "n3 asks"], [Ended.EXITED, *[Ended.CANCELLED] * 2]),
        ("fail", "ask", [], [Ended.EXITED, *[Ended.CANCELLED] * 2]),
    ],
)
def test_who_listens_goes_first_and_when_it_has_ended_the_others_are_stopped(
    monkeypatch: pytest.MonkeyPatch, first: str, others: str, seen: list[str], ended: list[Ended]
) -> None:
    monkeypatch.setattr(local, "LEAVE_S", 0.3)
    said: list[str] = []
    gate = threading.Event()
    fleet = LocalFleet(Options(), connect=lambda node, *_: Fleet(node, said, gate))
    nodes = [Node(f"n{k}") for k in (1, 2, 3)]
    commands = [Command(first, listens=4000), Command(others), Command(others)]
    answers: dict[str, Ended] = {}
    team = Team((tuple(Job(n, (c,), 1) for n, c in zip(nodes, commands, strict=True)),))
    fleet.run([team], lambda out: answers.update({out.node: out.ended}))
    assert (said[:1] + sorted(said[1:]), [answers[n.name] for n in nodes]) == (seen, ended)


class _Meeting:
    """A node whose client ends when so many clients are at work at once; its server listens until it is stopped."""

    login_s = 0.0

    def __init__(self, node: Node, all_there: threading.Barrier) -> None:
        self.node, self._all_there = node, all_there

    def execute(
        self, commands: Sequence[Command], sink: Sink, *, lanes: int = 4, cancel: Cancel | None = None
    ) -> None:
        (command,) = commands
        if command.listens is not None:
            stopped = threading.Event()
            assert cancel is not None
            cancel.subscribe(stopped.set)
            sink(0, Ready(0))
            assert stopped.wait(60)
            sink(0, Output(self.node.name, command, Ended.CANCELLED))
            return
        try:
            self._all_there.wait(20)
        except threading.BrokenBarrierError:
            sink(0, Output(self.node.name, command, Ended.TIMEOUT))
        else:
            sink(0, Output(self.node.name, command, Ended.EXITED, 0))

    def close(self) -> None:
        """Nothing is open."""


def test_all_pairs_of_a_large_cluster_work_at_once_unless_fewer_workers_are_asked_for() -> None:
    pairs = 300
    work = [
        Duel(
            Job(Node(f"s{n}", address="s.invalid"), (Command("listen", listens=2000),)),
            Job(Node(f"c{n}", address="c.invalid"), (Command("ask"),)),
        )
        for n in range(pairs)
    ]
    all_there = threading.Barrier(pairs)
    fleet = LocalFleet(Options(), connect=lambda node, *_: _Meeting(node, all_there))
    ended: list[Ended] = []
    fleet.run(work, lambda output: ended.append(output.ended))
    fleet.close()
    assert sorted(ended) == sorted([Ended.CANCELLED, Ended.EXITED] * pairs)

    at_work, most, lock = 0, 0, threading.Lock()

    def begins(_: object) -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)

    def ends(_: object) -> None:
        nonlocal at_work
        with lock:
            at_work -= 1

    alone = threading.Barrier(1)
    fleet = LocalFleet(Options(), workers=3, connect=lambda node, *_: _Meeting(node, alone))
    fleet.run(work[:6], lambda _: None, started=begins, done=ends)
    fleet.close()
    assert most == 3
