"""One node, one check, one display or one full disk must not take a run down, block it or make it green."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.battle import (
    CHECKS,
    COUNT,
    HELLO,
    NODES,
    ONE,
    Bandwidth,
    Cluster,
    Count,
    Links,
    Reached,
    battle,
    verdicts,
)

from bringup import events as ev
from bringup.check import Check, Outputs, Plan, run, together
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, LostKind, TransportError
from bringup.journal import read
from bringup.model import Finding, Group, Limit, Measurement, Node, RunVerdict, Stage, Verdict, Why
from bringup.orchestrator import Engine
from bringup.run import load
from bringup.transport import Cancel, Connection, Options

NONE = Limit("none", "==", 0.0)


class Odd(Check[Node]):
    """Says or plans what the test makes it."""

    id, stage = "host.odd", Stage.HOST
    faults = (Fault("ODD", "t", "a"),)
    planned: Callable[[Node], object] = staticmethod(lambda node: run(node, HELLO))
    said: Callable[[Node], object] = staticmethod(lambda node: Measurement("odd", 1.0, "", node.name, ONE))

    def __init__(self, planned: object = None, said: object = None) -> None:
        if planned is not None:
            self.planned = planned  # type: ignore[assignment,method-assign]
        if said is not None:
            self.said = said  # type: ignore[assignment,method-assign]

    def plan(self, target: Node, ctx: Context) -> Plan:
        return self.planned(target)  # type: ignore[return-value]

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        yield self.said(target)  # type: ignore[misc]


@pytest.mark.parametrize(
    "planned",
    [
        lambda node: None,
        lambda node: (HELLO,),
        lambda node: run(node, Command("hello", needs=("my tool",))),
        lambda node: run(node, Command("hello \0")),
        lambda node: run(node, Command("hello", timeout_s=float("nan"))),
    ],
)
def test_a_plan_that_is_none_is_a_bug_of_its_check_and_nobody_elses(
    tmp_path: Path, planned: Callable[[Node], object]
) -> None:
    state = battle(tmp_path, Cluster(), checks=[Reached(), Odd(planned), Count()])
    assert set(verdicts(state, "host.odd").values()) == {"error"}
    assert {o.code for o in state.outcomes if o.check == "host.odd"} == {"CHECK-BUG"}
    assert set(verdicts(state, "gpu.count").values()) == {"pass"}
    assert all(o.reason for o in state.outcomes if o.check == "host.odd")


@pytest.mark.parametrize(
    "said",
    [
        lambda node: Finding("ODD", "m", None),  # type: ignore[arg-type]
        lambda node: Finding("ODD", None, node.name),  # type: ignore[arg-type]
        lambda node: Measurement("odd", 10**400, "", node.name, Limit("odd", "<=", 1.0)),
        lambda node: Measurement("odd", b"1", "", node.name, Limit("odd", "==", "1")),  # type: ignore[arg-type]
        lambda node: Measurement("odd", 1.0, "", node, ONE),
        lambda node: Measurement("odd", complex(1), "", node.name, ONE),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_measurement_is_an_error_of_that_check_and_the_journal_reads_back(
    tmp_path: Path, said: Callable[[Node], object]
) -> None:
    state = battle(tmp_path, Cluster(), checks=[Reached(), Odd(said=said), Count()])
    assert set(verdicts(state, "host.odd").values()) == {"error"}
    assert set(verdicts(state, "gpu.count").values()) == {"pass"}
    assert load(tmp_path).cases == state.cases


def test_a_reason_that_is_no_text_becomes_text(tmp_path: Path) -> None:
    def said(node: Node) -> object:
        raise CannotJudge(ValueError("no number"))  # type: ignore[arg-type]

    state = battle(tmp_path, Cluster(), NODES[:2], [Reached(), Odd(said=said)])
    assert {o.reason for o in state.outcomes if o.check == "host.odd"} == {"no number"}
    assert load(tmp_path).cases == state.cases


def test_an_unexpected_error_of_a_connection_is_that_nodes_alone(tmp_path: Path) -> None:
    class Strange(Cluster):
        def connect(self, node: Node, options: Options, cancel: Cancel | None = None) -> Connection:
            if node.name == "n2":
                raise UnicodeError("label empty or too long")
            return super().connect(node, options, cancel)

    state = battle(tmp_path, Strange())
    assert verdicts(state, "reach.connect") == {**{n.name: "pass" for n in NODES}, "n2": "error"}
    assert set(verdicts(state, "gpu.count").values()) == {"pass", "not-run quarantined"}
    assert [(d.code, d.nodes) for d in state.defects] == [("NODE-UNREACHABLE", ("n2",))]
    assert "label empty" in state.defects[0].measured


def test_a_node_that_goes_away_for_good_is_not_asked_again_and_not_waited_for(tmp_path: Path) -> None:
    dead = threading.Event()

    class Dying(Cluster):
        def connect(self, node: Node, options: Options, cancel: Cancel | None = None) -> Connection:
            with self.lock:
                self.asked.append((node.name, "connect"))
            if node.name == "n3" and dead.is_set():
                raise TransportError(LostKind.TIMEOUT, "10 s")
            return super().connect(node, options, cancel)

    def answer(node: str, script: str) -> Ended | None:
        if (node, script) == ("n3", "count"):
            dead.set()
            return Ended.LOST
        return None

    class Counted(Count):
        """Sends nobody away."""

        gate = ""

    class Linked(Links):
        """Sends nobody away."""

        gate = ""

    cluster = Dying(answer)
    state = battle(tmp_path, cluster, checks=[Reached(), Counted(), Linked(), Bandwidth()])
    assert verdicts(state, "gpu.count")["n3"] == "error"
    assert verdicts(state, "link.state")["n3"] == "error"
    assert {v for t, v in verdicts(state, "rdma.write-bw").items() if "n3" in t} == {"not-run quarantined"}
    assert cluster.asked.count(("n3", "connect")) == 2
    assert [d.nodes for d in state.defects] == [("n3",)]


def test_a_stop_while_nodes_are_being_reached_makes_none_of_them_unreachable(tmp_path: Path) -> None:
    class Slow(Cluster):
        def connect(self, node: Node, options: Options, cancel: Cancel | None = None) -> Connection:
            assert cancel is not None
            if node.name == "n1":
                self.stop()
            assert cancel.wait(5)
            raise TransportError(LostKind.LOST, "cancelled")

    state = battle(tmp_path, Slow())
    assert {(o.verdict, o.why) for o in state.outcomes} == {(Verdict.NOT_RUN, Why.ABORTED)}
    assert state.defects == []
    assert (state.aborted, state.missing) == ("interrupted", [])


def test_a_check_with_two_commands_of_which_one_was_stopped_is_not_judged(tmp_path: Path) -> None:
    first, second = Command("hello"), Command("links")

    class Both(Odd):
        """Needs two answers."""

        id = "host.both"

        def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
            out.text(target, first)
            out.text(target, second)
            yield Measurement("both", 1.0, "", target.name, ONE)

    cluster = Cluster(lambda node, script: Ended.CANCELLED if script == "hello" else None)
    state = battle(tmp_path, cluster, NODES[:1], [Both(lambda node: run(node, first, second))])
    assert verdicts(state, "host.both") == {"n1": "not-run aborted"}


def test_stopping_twice_from_the_same_thread_does_not_lock_up(tmp_path: Path) -> None:
    """A second Ctrl-C arrives while the handler of the first one is still telling everybody."""
    cluster = Cluster()
    again = threading.Event()

    def answer(node: str, script: str) -> None:
        if (node, script) == ("n1", "count"):
            cancel = engine_cancel()
            with cancel._lock:  # as if the signal had come in the middle of Cancel.set in this thread
                cluster.stop()
            again.set()

    def engine_cancel() -> Cancel:
        engine = cluster.stop.__self__  # type: ignore[attr-defined]
        assert isinstance(engine, Engine)
        return engine._cancel

    cluster.answer = answer
    thread = threading.Thread(target=battle, args=(tmp_path, cluster), daemon=True)
    thread.start()
    assert again.wait(5)
    thread.join(10)
    assert not thread.is_alive()


def test_a_display_that_blocks_does_not_hold_the_run_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()

    def stuck(event: ev.AnyEvent) -> None:
        free.wait(60)

    monkeypatch.setattr("bringup.orchestrator.record.DISPLAY_S", 0.1)
    began = time.monotonic()
    try:
        state = battle(tmp_path, Cluster(), listeners=[stuck])
    finally:
        free.set()
    assert state.verdict is RunVerdict.READY
    assert time.monotonic() - began < 30


def test_a_display_sees_every_event_in_order(tmp_path: Path) -> None:
    seen: list[ev.AnyEvent] = []
    battle(tmp_path, Cluster(), listeners=[seen.append])
    assert seen == list(read(tmp_path / "journal.jsonl"))


def test_a_full_disk_ends_the_run_at_once_and_never_green(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bringup.orchestrator.evidence.EvidenceStore.keep", _full)
    cluster = Cluster()
    with pytest.raises(OSError, match="No space"):
        battle(tmp_path, cluster)
    state = load(tmp_path)
    assert (state.verdict, state.missing) == (RunVerdict.INCOMPLETE, [])
    assert "No space left" in state.aborted
    assert {s for _, s in cluster.asked} == {"hello"}


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_in_a_duel_is_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bringup.orchestrator.evidence import EvidenceStore

    keep = EvidenceStore.keep

    def full(self: EvidenceStore, stage: Stage, output: Output) -> object:
        return _full() if output.command.script.startswith("server") else keep(self, stage, output)

    monkeypatch.setattr(EvidenceStore, "keep", full)
    with pytest.raises(OSError, match="No space"):
        battle(tmp_path, Cluster())
    assert load(tmp_path).verdict is RunVerdict.INCOMPLETE


def test_a_check_of_the_fleet_may_run_commands(tmp_path: Path) -> None:
    class Everywhere(Check[Group]):
        """All nodes answer at the same time."""

        id, stage = "host.everywhere", Stage.HOST
        faults = (Fault("X", "t", "a"),)

        def plan(self, target: Group, ctx: Context) -> Plan:
            return together(*(s for n in target.nodes for s in run(n, HELLO).steps))

        def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
            said = sum(out.text(n, HELLO) == "hi" for n in target.nodes)
            yield Measurement("answers", said, "", "fleet", Limit("a", "==", float(len(target.nodes))))

    state = battle(tmp_path, Cluster(), checks=[Reached(), Everywhere()])
    assert verdicts(state, "host.everywhere") == {"fleet": "pass"}
    assert state.verdict is RunVerdict.READY


def test_who_computes_wrong_results_leaves_at_once_and_nobody_else(tmp_path: Path) -> None:
    class Right(Count):
        """What the node computes is right."""

        id, stage, gate = "gpu.right", Stage.GPU, ""
        faults = (Fault("SLOW", "t", "a"), Fault("WRONG", "t", "a", expels=True))

        def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
            said = out.text(target, COUNT)
            yield Measurement("wrong", 0.0 if said == "1" else 7.0, "", f"{target.name}/gpu/0", NONE, "WRONG")
            yield Measurement("speed", 0.0 if said == "1" else 7.0, "", target.name, NONE)

    def other(node: str, script: str) -> bytes | None:
        return b"2" if (node, script) == ("n2", "count") else None

    state = battle(tmp_path, Cluster(other), checks=[c for c in CHECKS if c.id != "gpu.count"] + [Right()])
    assert state.quarantined == {"n2": "wrong is 7.0"}
    assert {v for t, v in verdicts(state, "rdma.write-bw").items() if "n2" in t} == {"not-run quarantined"}
    assert verdicts(state, "link.state")["n2"] == "not-run quarantined"
    assert verdicts(state, "link.state")["n1"] == "pass"
