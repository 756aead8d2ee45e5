"""Which nodes a limit may be learned from, and what they have read: also where the very limit was missing.

All nodes, checks and answers are invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.battle import COUNT, HELLO, Cluster, Reached

from bringup.check import AnyCheck, Check, Outputs, Plan, Step, run, serve
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault
from bringup.fleet import LocalFleet
from bringup.model import Finding, Limit, Measurement, Node, Pair, RunInfo, Stage
from bringup.orchestrator import Engine, RunFolder, make_plan, read_kept
from bringup.profile import Profile
from bringup.profile.learning import Sample
from bringup.report.survey import survey
from bringup.run import RunState, load
from bringup.transport import Options

NODES = tuple(Node(f"n{i}", profile="hall") for i in range(1, 7))
KNOWN = Limit("host.known", ">=", 1.0, "GB/s", "w", "hall.toml:4")
HALL = Profile("hall", "invented", {"host.known": KNOWN}, {}, (), Path("hall.toml"), ("",))


class Needs(Check[Node]):
    """Cannot judge without its limit."""

    id, stage = "host.needs", Stage.HOST
    faults = (Fault("NEEDS", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, COUNT)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        value = float(out.text(target, COUNT))
        yield Measurement("known", value, "GB/s", target.name, ctx.limit(target, "host.known"))
        yield Measurement("speed", value, "GB/s", target.name, ctx.limit(target, "host.speed"))


class Compares(Check[Node]):
    """Judges by a rule of its own where the profile has no limit."""

    id, stage = "host.compares", Stage.HOST
    faults = (Fault("COMPARES", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, HELLO)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        word = out.text(target, HELLO)
        limit = ctx.limit_or_none(target, "host.word") or Limit("rule", "==", "hi")
        yield Measurement("word", word, "", target.name, limit)


class Meets(Check[Pair]):
    """Two nodes are fast together."""

    id, stage, per_rail = "rdma.meets", Stage.RDMA, False
    faults = (Fault("MEETS", "t", "a"),)

    def plan(self, target: Pair, ctx: Context) -> Plan:
        server, client = self.commands(target, ctx)
        return serve(Step(target.b, server), Step(target.a, client))

    def commands(self, target: Pair, ctx: Context) -> tuple[Command, Command]:
        port = ctx.listen_port
        return Command(f"server {port}", listens=port), Command(f"client {target.b.name} {port} 0")

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        value = float(out.text(target.a, self.commands(target, ctx)[1]))
        for node in target.nodes:
            yield Measurement("bw", value, "Gb/s", node.name, ctx.limit(target.a, "rdma.meets"))


CHECKS: tuple[AnyCheck, ...] = (Reached(), Needs(), Compares(), Meets())


def played(tmp_path: Path, cluster: Cluster, profiles: Mapping[str, Profile]) -> RunState:
    ctx = Context(dict(profiles))
    info = RunInfo("r", "test", stages=(Stage.REACH, Stage.HOST, Stage.RDMA))
    fleet = LocalFleet(Options(), workers=4, connect=cluster.connect)
    Engine(info, NODES, make_plan(CHECKS, NODES, ctx), ctx, fleet, RunFolder(tmp_path)).run()
    return load(tmp_path)


def seen(tmp_path: Path, cluster: Cluster, *, everything: bool = False) -> tuple[dict[str, str], set[Sample]]:
    state = played(tmp_path, cluster, {"hall": HALL})
    found = survey(state, CHECKS, {"hall": HALL}, lambda e: read_kept(tmp_path, e), everything=everything)
    assert set(found) == {"hall"}
    hall = found["hall"]
    assert set(hall.healthy) | set(hall.left_out) == {n.name for n in NODES}
    assert not set(hall.healthy) & set(hall.left_out)
    return dict(hall.left_out), set(hall.samples)


def names(samples: set[Sample], limit: str) -> set[str]:
    return {s.at for s in samples if s.limit == limit}


ALL = {n.name for n in NODES}


def test_what_could_not_be_judged_for_want_of_a_limit_is_read_all_the_same(tmp_path: Path) -> None:
    left_out, samples = seen(tmp_path, Cluster())
    assert left_out == {}
    assert Sample("host.speed", 1.0, "GB/s", "n1", ("n1",)) in samples
    assert {name: names(samples, name) for name in ("host.speed", "host.word", "rdma.meets")} == {
        "host.speed": ALL, "host.word": ALL, "rdma.meets": ALL,
    }  # fmt: skip
    assert {s.limit for s in samples} == {"host.speed", "host.word", "rdma.meets"}
    assert {s.value for s in samples if s.limit == "rdma.meets"} == {391.0}


def test_limits_that_are_there_only_with_everything(tmp_path: Path) -> None:
    _, samples = seen(tmp_path, Cluster(), everything=True)
    assert names(samples, "host.known") == ALL


def test_a_defect_a_lost_node_and_its_pairs_are_left_out(tmp_path: Path) -> None:
    def ill(node: str, script: str) -> bytes | Ended | None:
        return {("n2", "count"): b"0.5", ("n4", "count"): b"\xff", ("n5", "hello"): b"ho"}.get((node, script))

    left_out, samples = seen(tmp_path, Cluster(ill, refused=["n6"]))
    assert set(left_out) == {"n2", "n4", "n5", "n6"}
    assert (left_out["n2"], left_out["n5"], left_out["n6"]) == (
        "NEEDS", "COMPARES", "reach.connect could not be judged: connection refused: port 22",
    )  # fmt: skip
    assert left_out["n4"].startswith("host.needs could not be judged: ")
    assert names(samples, "host.speed") == {"n1", "n3"}
    pairs = {s.nodes for s in samples if s.limit == "rdma.meets"}
    assert all(set(pair) <= {"n1", "n3"} for pair in pairs)


@pytest.mark.parametrize("gone", [True, False])
def test_a_bad_partner_does_not_count_against_a_good_node(tmp_path: Path, gone: bool) -> None:
    def ill(node: str, script: str) -> bytes | Ended | None:
        return b"0.5" if (node, script) == ("n2", "count") else None

    left_out, samples = seen(tmp_path, Cluster(ill, refused=["n6"] if gone else []))
    assert "n2" in left_out
    assert left_out.keys() == ({"n2", "n6"} if gone else {"n2"})
    assert names(samples, "rdma.meets") == ALL - left_out.keys()
