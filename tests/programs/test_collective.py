"""bringup's own collective, for real: processes of this machine that meet on its loopback.

The ring of sockets needs nothing. For gloo BRINGUP_TORCH_PYTHON names a Python with PyTorch; else the running one is
asked.
"""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bringup import programs
from bringup.parsers import own_collective
from bringup.parsers.own_collective import Report

SOURCE = programs.joined(programs.COLLECTIVE)
PYTHON = os.environ.get("BRINGUP_TORCH_PYTHON", sys.executable)
SLOW_WORK = "paces.append(pace())"


@pytest.fixture
def port() -> int:
    """A port that is free, as is the one after it. Tests that run at the same time look in places of their own."""
    first = 24100 + 100 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 64)
    for candidate in range(first, first + 100, 2):
        ends = [socket.socket(), socket.socket()]
        try:
            for k, end in enumerate(ends):
                end.bind(("127.0.0.1", candidate + k))
            return candidate
        except OSError:
            continue
        finally:
            for end in ends:
                end.close()
    raise AssertionError("no free port")


Start = Callable[..., list[subprocess.Popen[str]]]


@pytest.fixture
def start(port: int, tmp_path: Path) -> Iterator[Start]:
    """Starts nodes; `sources` gives some of them another text. Whatever is left at the end is killed."""
    begun: list[subprocess.Popen[str]] = []

    def start(
        nodes: int, *words: str, only: range | None = None, sources: Mapping[int, str] | None = None,
        python: str = sys.executable,
    ) -> list[subprocess.Popen[str]]:  # fmt: skip
        for n in only or range(nodes):
            text = tmp_path / f"{n}.py"
            text.write_text((sources or {}).get(n, SOURCE))
            with text.open() as source:
                begun.append(
                    subprocess.Popen(
                        [python, "-", "bringup-collective", "--node", str(n), "--nodes", str(nodes),
                         "--meet", f"127.0.0.1:{port}", "--mib", "1", *words],
                        stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
                        env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True,
                    )
                )  # fmt: skip
        return begun

    yield start
    for process in begun:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate()


def reports(started: list[subprocess.Popen[str]]) -> dict[int, Report]:
    found: dict[int, Report] = {}
    for process in started:
        out, err = process.communicate(timeout=300)
        assert out, err
        report = own_collective.parse(out)
        found[report.node] = report
    return found


def left(port: int) -> list[str]:
    """Processes that still know the meeting place of a test."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"127.0.0.1:{port}" in words:
            found.append(words)
    return found


def all_well(found: dict[int, Report], nodes: int, backend: str) -> None:
    assert found[0].meeting is not None
    assert (found[0].meeting.why, found[0].meeting.named, found[0].meeting.steps) == (
        "",
        (),
        ("done",) * nodes,
    )
    ranks = [rank for n in sorted(found) for rank in found[n].ranks]
    assert [(r.rank, r.backend, r.wrong, r.done) for r in ranks] == [
        (n, backend, 0, True) for n in range(nodes)
    ]
    for rank in ranks:
        assert [of for of, _ in rank.links] == [(rank.rank - far) % nodes for far in range(1, min(nodes, 4))]
        assert min(gbs for _, gbs in rank.links) > 0 and (rank.busbw_gbs or 0) > 0 and (rank.pace_ms or 0) > 0


@pytest.mark.parametrize("version", [(3, 8), (3, 11)])
def test_it_is_one_text_of_python_for_old_nodes_too(version: tuple[int, int]) -> None:
    tree = ast.parse(SOURCE, feature_version=version)
    used = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    used |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert not any((module or "").startswith("bringup") for module in used)
    assert not {line for line in SOURCE.splitlines() if line == "BRINGUP_END_OF_PROGRAM"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["something-else"], "invalid choice: 'something-else'"),
        (["bringup-collective", "--node", "0", "--nodes", "2", "--backend", "tcp"], "--meet"),
        (
            ["bringup-collective", "--node", "2", "--nodes", "2", "--meet", "a:1", "--backend", "tcp"],
            "node 0 to",
        ),
        (
            ["bringup-collective", "--node", "0", "--nodes", "1", "--meet", "a:1", "--backend", "tcp"],
            "two ranks",
        ),
        (
            ["bringup-collective", "--node", "0", "--nodes", "2", "--meet", "a", "--backend", "tcp"],
            "a host and a port",
        ),
        (
            ["bringup-collective", "--node", "0", "--nodes", "2", "--meet", "a:1", "--backend", "ib"],
            "invalid choice",
        ),
    ],
)
def test_nonsense_is_refused(words: list[str], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-", *words], input=SOURCE, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_a_ring_of_sockets(start: Start, port: int) -> None:
    found = reports(start(4, "--backend", "tcp"))
    all_well(found, 4, "tcp")
    assert left(port) == []


def test_several_ranks_on_each_node(start: Start) -> None:
    found = reports(start(2, "--backend", "tcp", "--processes", "2"))
    assert found[0].meeting is not None and found[0].meeting.steps == ("done",) * 4
    assert [(r.rank, r.done, [of for of, _ in r.links]) for n in (0, 1) for r in found[n].ranks] == [
        (0, True, [2]), (1, True, [3]), (2, True, [0]), (3, True, [1])
    ]  # fmt: skip


def test_without_pytorch_on_every_node_it_is_the_ring(start: Start) -> None:
    none = SOURCE.replace('importlib.util.find_spec("torch") is not None', "False")
    found = reports(start(2, "--backend", "auto", sources={1: none}))
    all_well(found, 2, "tcp")


def test_who_never_came_is_named_and_nobody_else(start: Start, port: int) -> None:
    started = start(3, "--backend", "tcp", "--join", "3", only=range(2))
    found = reports(started)
    meeting = found[0].meeting
    assert meeting is not None
    assert (meeting.why, meeting.named, meeting.steps[2]) == ("never came", (2,), "")
    assert [r.stopped for n in (0, 1) for r in found[n].ranks] == ["never came", "never came"]
    assert [process.returncode for process in started] == [1, 1]
    assert left(port) == []


def test_a_sign_of_life_behind_the_result_does_not_hide_it(start: Start) -> None:
    late = SOURCE.replace(
        "self._tell({**self.result, **more})", "self._tell({**self.result, **more}); self._tell({})"
    )
    assert late != SOURCE
    all_well(reports(start(2, "--backend", "tcp", sources={0: late, 1: late})), 2, "tcp")


def test_who_died_is_named_and_not_those_who_notice(start: Start, port: int) -> None:
    dies = SOURCE.replace(SLOW_WORK, "os.kill(os.getpid(), 9)")
    found = reports(start(4, "--backend", "tcp", sources={2: dies}))
    assert found[0].meeting is not None
    assert (found[0].meeting.why, found[0].meeting.named) == ("died", (2,))
    assert [r.error for r in found[2].ranks] == ["its process died"]
    assert {r.stopped for n in (0, 1, 3) for r in found[n].ranks} == {"died"}
    assert left(port) == []


def test_who_is_frozen_is_named(start: Start, port: int) -> None:
    freezes = SOURCE.replace(SLOW_WORK, "os.kill(os.getpid(), 19)")
    found = reports(start(3, "--backend", "tcp", sources={1: freezes}, only=range(3)))
    assert found[0].meeting is not None
    assert (found[0].meeting.why, found[0].meeting.named) == ("answers no more", (1,))
    assert [r.error for r in found[1].ranks] == ["it answers no more"]
    assert {r.stopped for n in (0, 2) for r in found[n].ranks} == {"answers no more"}
    assert left(port) == []


def test_whoever_hears_nothing_of_node_0_ends_by_itself(start: Start, port: int) -> None:
    slow = SOURCE.replace(SLOW_WORK, "time.sleep(1000)")
    mute = slow.replace('self.tell({"alive": True})', "time.sleep(1000)")
    found = reports(start(3, "--backend", "tcp", sources={0: mute, 1: slow, 2: slow})[1:])
    assert {r.stopped for n in (1, 2) for r in found[n].ranks} == {"node 0 is gone"}


def test_who_does_not_come_to_what_others_wait_in_is_named(start: Start, port: int) -> None:
    sleeps = SOURCE.replace(SLOW_WORK, "time.sleep(1000)")
    found = reports(start(3, "--backend", "tcp", "--seconds", "10", sources={2: sleeps}))
    assert found[0].meeting is not None
    assert (found[0].meeting.why, found[0].meeting.named) == ("did not come to what the others wait in", (2,))
    assert left(port) == []


def test_wrong_sums_are_counted(start: Start) -> None:
    wrong = SOURCE.replace("i % 97 + self.rank + 1 for", "i % 97 + self.rank + 1 + (i == 5) for")
    found = reports(start(2, "--backend", "tcp", sources={1: wrong}))
    assert [r.wrong for n in (0, 1) for r in found[n].ranks] == [1, 1]


def test_a_place_that_is_taken(start: Start, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("", port))
        taken.listen()
        (process,) = start(2, "--backend", "tcp", "--join", "1", only=range(1))
        out, _ = process.communicate(timeout=120)
    report = own_collective.parse(out)
    assert report.error is not None and report.error.startswith(f"port {port}: OSError: ")
    assert (report.ranks, report.meeting, process.returncode) == ((), None, 1)


def test_nobody_to_meet(start: Start, port: int) -> None:
    found = reports(start(2, "--backend", "tcp", "--join", "1", only=range(1, 2)))
    (rank,) = found[1].ranks
    assert rank.error is not None and rank.error.startswith(f"RuntimeError: cannot reach 127.0.0.1:{port}: ")
    assert found[1].meeting is None


def test_who_is_told_to_end_ends_with_all_its_ranks(start: Start, port: int) -> None:
    (process,) = start(2, "--backend", "tcp", "--join", "100", "--processes", "3", only=range(1))
    until = time.monotonic() + 60
    while len(left(port)) < 4 and time.monotonic() < until:
        time.sleep(0.05)
    process.terminate()
    process.communicate(timeout=60)
    assert left(port) == []


def test_what_is_wrong_only_in_large_messages_is_counted(start: Start) -> None:
    at = "        data = bytes(size)\n        begun"
    assert SOURCE.count(at) == 1
    bad = SOURCE.replace(at, '        data = bytes(size - 8) + b"\\1" + bytes(7)\n        begun')
    found = reports(start(3, "--backend", "tcp", sources={1: bad}))
    assert found[0].meeting is not None and found[0].meeting.why == ""
    wrong = [rank.wrong for report in found.values() for rank in report.ranks]
    assert all(count is not None and count > 0 for count in wrong), "who sums sees it, wherever it came from"


# ------------------------------------------------------------------------------------------------- PyTorch


@pytest.fixture(scope="module")
def torch() -> str:
    """A Python with PyTorch; skips, saying so, where there is none."""
    asked = subprocess.run(
        [PYTHON, "-c", "import torch.distributed"], capture_output=True, check=False, timeout=240
    )
    if asked.returncode != 0:
        pytest.skip(f"{PYTHON} has no PyTorch; name a Python that has one with BRINGUP_TORCH_PYTHON")
    return PYTHON


def test_gloo(start: Start, torch: str, port: int) -> None:
    all_well(reports(start(3, "--backend", "auto", python=torch)), 3, "gloo")
    assert left(port) == []


def test_gloo_names_who_died(start: Start, torch: str) -> None:
    dies = SOURCE.replace(SLOW_WORK, "os.kill(os.getpid(), 9)")
    found = reports(start(3, "--backend", "gloo", sources={1: dies}, python=torch))
    assert found[0].meeting is not None
    assert (found[0].meeting.why, found[0].meeting.named) == ("died", (1,))


def test_gloo_names_who_is_missing(start: Start, torch: str) -> None:
    found = reports(start(3, "--backend", "gloo", "--join", "4", only=range(2), python=torch))
    assert found[0].meeting is not None
    assert (found[0].meeting.why, found[0].meeting.named) == ("never came", (2,))
