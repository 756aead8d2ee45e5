"""A job of several nodes under the real Hydra of MPICH, its proxies started by bringup over real OpenSSH.

The nodes are network namespaces that cannot log in to each other. Who cannot take part is named, and nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.answers import eventually, processes_with
from support.netns import Net, network
from support.real_hydra import TOOLS, all_reduce_perf, needs_hydra
from support.records import replace
from support.sshd import program

from bringup import battery
from bringup.context import Context
from bringup.fleet import LocalFleet
from bringup.model import Node, Outcome, RunInfo, Verdict
from bringup.orchestrator import Engine, RunFolder, make_plan
from bringup.orchestrator.plan import FIRST_PORT
from bringup.parsers import hydra, nccl_tests
from bringup.profile import load_all

pytestmark = needs_hydra
MARK = f"TEST_OF_HYDRA={os.getpid()}"
"""Of this worker: another one may run other tests of this file at the same time."""
FACTS = {
    "gpu.count": "2",
    "collective.mpirun": '"{folder}/bin/mpiexec.hydra"',
    "collective.binary": '"{folder}/all_reduce_perf"',
    "fabric.hcas": '["mlx5_0"]',
}
LIMITS = {
    "collective.wrong": ('"=="', 0, "values"),
    "collective.pair.all_reduce": ('">="', 400, "GB/s"),
    "rdma.write_bw": ('">="', 400, "Gb/s"),
}


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    with network(3) as made:
        all_reduce_perf(made.folder)
        (made.folder / "bin").mkdir()
        for tool in TOOLS:
            (made.folder / "bin" / tool).symlink_to(program(tool))
        yield made


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert eventually(lambda: not processes_with(MARK), 8), processes_with(MARK)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hydra, "CONNECT_S", 6)
    monkeypatch.setattr(hydra, "JOIN_S", 12)
    monkeypatch.setattr(hydra, "GONE_S", 3)


@contextlib.contextmanager
def without_tools(net: Net, node: int) -> Iterator[None]:
    """The node has an empty folder where the tools were."""
    found = subprocess.run(
        ["ip", "netns", "pids", net.space(node)], capture_output=True, text=True, check=True
    )
    enter = ["nsenter", "-m", "-t", found.stdout.split()[0]]
    subprocess.run([*enter, "mount", "-t", "tmpfs", "none", str(net.folder / "bin")], check=True)
    try:
        yield
    finally:
        subprocess.run([*enter, "umount", str(net.folder / "bin")], check=True)


def run(net: Net, folder: Path, *nodes: Node, check: str = "collective.pair", **facts: str) -> list[Outcome]:
    """The outcomes of the check on these nodes."""
    told = {**FACTS, **facts}
    text = 'name = "short"\ndescription = "two GPUs that are not there"\n'
    for name, value in told.items():
        text += f'[facts."{name}"]\nvalue = {value.format(folder=net.folder)}\nwhy = "w"\nsource = "s"\n'
    for name, (op, limit, unit) in LIMITS.items():
        text += f'[limits."{name}"]\nop = {op}\nvalue = {limit}\nunit = "{unit}"\nwhy = "w"\nsource = "s"\n'
    (folder / "short.toml").write_text(text)
    context = Context(load_all(["short"], [folder]), started=time.time())
    checks = [c for c in battery.load() if c.id in ("reach.connect", check)]
    info = RunInfo("hydra", "hydra", stages=tuple(dict.fromkeys(c.stage for c in checks)))
    plan = make_plan(checks, nodes, context)
    state = Engine(info, nodes, plan, context, LocalFleet(net.options()), RunFolder(folder)).run()
    return [o for o in state.outcomes if o.check == check]


def nodes_of(net: Net, **does: str) -> tuple[Node, ...]:
    """The nodes; `n2="dies"` is what the ranks of n2 do. All share this machine, and so the memory through which their ranks
    speak once they have met: UCX 1.13 over TCP does not always come to an end in MPI_Finalize."""
    env = (tuple(MARK.split("=")), ("UCX_TLS", "sm,self"))
    return tuple(
        replace(node, env=(*env, ("TEST_DOES", does.get(node.name, ""))))
        for node in net.nodes(profile="short")
    )


def told(outcomes: list[Outcome]) -> list[tuple[object, ...]]:
    return [
        (o.verdict, o.code, o.error_at, o.reason) if o.verdict is Verdict.ERROR
        else (o.verdict, *((f.code, f.at, f.message) for f in o.findings))
        for o in outcomes
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ it works


def test_two_nodes_work_together_without_a_login_between_them(net: Net, tmp_path: Path) -> None:
    (outcome,) = run(net, tmp_path, *nodes_of(net)[:2])
    assert told([outcome]) == [(Verdict.PASS,)]
    assert [(m.name, m.value) for m in outcome.measurements] == [("wrong", 0), ("busbw", 469.84)]
    said = next(e for e in outcome.evidence if e.node == "n1")
    text = (tmp_path / said.file).read_bytes()[said.offset :][: said.stdout_bytes].decode()
    assert "-b 8G -e 8G -g 1 -n 20 -w 5 -c 1 =mlx5_0 INFO" in text, (
        "NCCL's settings are the same for all ranks"
    )


def test_three_nodes(net: Net, tmp_path: Path) -> None:
    outcomes = run(net, tmp_path, *nodes_of(net), check="collective.job")
    assert outcomes and told(outcomes) == [(Verdict.PASS,)] * len(outcomes)
    assert {name for o in outcomes for name in o.nodes} == {"n1", "n2", "n3"}


# ------------------------------------------------------------------------------------------------ it cannot start


@pytest.mark.parametrize("bad", [1, 2])
def test_the_node_without_the_tools_is_named(net: Net, tmp_path: Path, bad: int) -> None:
    with without_tools(net, bad):
        ((verdict, code, at, reason),) = told(run(net, tmp_path, *nodes_of(net)[:2]))
    assert (verdict, code, at) == (Verdict.ERROR, "TOOL-MISSING", f"n{bad}")
    assert "hydra_pmi_proxy" in str(reason)


def test_the_node_that_does_not_reach_the_first_is_named(net: Net, tmp_path: Path) -> None:
    net.cut(2)
    try:
        ((verdict, code, at, reason), *_) = told(run(net, tmp_path, *nodes_of(net), check="collective.job"))
    finally:
        net.free(2)
    assert (verdict, code, at) == (Verdict.ERROR, "COLL-SETUP", "n2")
    assert "no way to mpiexec.hydra on n1 from n2: " in str(reason)


def test_a_port_that_is_taken(net: Net, tmp_path: Path) -> None:
    taken = "import socket, sys, time; s = socket.create_server(('', int(sys.argv[1]))); time.sleep(600)"
    port = FIRST_PORT
    words = ["ip", "netns", "exec", net.space(1), sys.executable, "-c", taken, str(port)]
    with subprocess.Popen(words) as other:
        try:
            assert eventually(lambda: f":{port}" in net_listens(net, 1))
            ((verdict, code, at, reason), *_) = told(run(net, tmp_path, *nodes_of(net)[:2]))
        finally:
            other.kill()
    assert (verdict, code, at) == (Verdict.ERROR, "COLL-SETUP", "n1")
    assert reason == "the test did not begin: n1: no port to bind"


def net_listens(net: Net, node: int) -> str:
    words = ["ip", "netns", "exec", net.space(node), "ss", "-tln"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


# ------------------------------------------------------------------------------------------------ it does not end well


ENDED = "(the first rank to end, on n2: killed: {})"


def test_ranks_that_die_before_they_meet(net: Net, tmp_path: Path) -> None:
    (outcome,) = told(run(net, tmp_path, *nodes_of(net, n2="dies before MPI")[:2]))
    said = "the test did not begin: every proxy came, and the program printed nothing that is known "
    assert outcome == (
        Verdict.ERROR, "COLL-SETUP", "", said + ENDED.format("Segmentation fault (signal 11)")
    )  # fmt: skip


def test_ranks_that_die(net: Net, tmp_path: Path) -> None:
    (outcome,) = told(run(net, tmp_path, *nodes_of(net, n2="dies")[:2]))
    said = "ended with status 9 " + ENDED.format("Killed (signal 9)")
    assert outcome == (Verdict.FAIL, ("COLL-FAILED", "n1 ~ n2", said))


@pytest.mark.parametrize("does", ["hangs before MPI", "hangs"])
def test_ranks_that_hang(net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    monkeypatch.setattr(nccl_tests, "PAIR_TIMEOUT_S", 1.0)
    (outcome,) = told(run(net, tmp_path, *nodes_of(net, n2=does)[:2]))
    if does == "hangs":
        assert outcome == (Verdict.FAIL, ("COLL-FAILED", "n1 ~ n2", "hangs: 4 ranks, 0 sizes done in 13 s"))
    else:
        said = "the test did not begin: every proxy came, and no rank said anything within 13 s"
        assert outcome == (Verdict.ERROR, "COLL-SETUP", "", said)


def test_a_proxy_that_is_killed(net: Net, tmp_path: Path) -> None:
    killed: list[int] = []
    own = os.fsencode(net.folder / "bin" / "hydra_pmi_proxy")  # not one of another worker's test

    def kill() -> None:
        def found() -> bool:
            for at in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    words = at.read_bytes().split(b"\0")
                    if words[0] == own and words[-3:-1] == [b"--proxy-id", b"1"]:
                        killed.append(int(at.parent.name))
            return bool(killed)

        assert eventually(found, 20)
        time.sleep(3)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

    hand = threading.Thread(target=kill)
    hand.start()
    (outcome,) = told(run(net, tmp_path, *nodes_of(net, n2="hangs")[:2]))
    hand.join()
    said = "ended with status 255 (the proxy on n2 was killed)"
    assert outcome == (Verdict.FAIL, ("COLL-FAILED", "n1 ~ n2", said))
