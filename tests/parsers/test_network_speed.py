"""iperf3 against a named server: the script with a real server, also a busy one, and every way in which it tells nothing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bringup.errors import CannotJudge, ParseError
from bringup.parsers import network_speed
from bringup.parsers.network_speed import Target

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]


def answer(body: str, name: str = "to-0", status: int = 0) -> str:
    return f"@bringup begin {name}\n{body}\n@bringup end {name} {status}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.9:5201", Target("10.0.0.9:5201", "10.0.0.9", (5201,), None)),
        ("store-1:5201-5203 gbps 12.5", Target("store-1:5201-5203", "store-1", (5201, 5202, 5203), 12.5)),
        ("[fd00::1]:5201 gbps 80", Target("[fd00::1]:5201", "fd00::1", (5201,), 80.0)),
    ],
)
def test_a_target(text: str, expected: Target) -> None:
    assert network_speed.target(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "store",
        "store:0",
        "store:70000",
        "store:5202-5201",
        "store:1-65000",
        "-J:5201",
        "a b:1",
        "$(id):1",
        "store:1 gbps x",
    ],
)
def test_what_names_no_target(text: str) -> None:
    assert network_speed.target(text) is None


def test_what_arrived_counts(read) -> None:  # type: ignore[no-untyped-def]
    speed = network_speed.parse(answer(read("iperf3/02-json-tcp-1-stream.json")), 0, "to")
    assert (round(speed.gbps, 2), speed.retransmits) == (18.74, 21)
    back = network_speed.parse(answer(read("iperf3/04-json-reverse.json"), "from-3"), 3, "from")
    assert round(back.gbps, 2) == 23.27


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "did not answer in time"),
        ("iperf3: error - unable to connect to server: Connection refused", "Connection refused"),
        ("iperf3: parameter error - some option", "parameter error"),
        # a server that dies leaves its figures in the document, and the client ends with 0
        ('{"start": {}, "end": {"sum_sent": {"bits_per_second": 45e9}, "sum_received": {"bits_per_second": 0}},'
         ' "error": "control socket has closed unexpectedly"}', "control socket has closed"),
    ],
)  # fmt: skip
def test_what_is_no_test_is_no_speed(body: str, said: str) -> None:
    with pytest.raises(CannotJudge, match=said):
        network_speed.parse(answer(body), 0, "to")


def test_a_busy_server_is_no_speed(read) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CannotJudge, match="busy"):
        network_speed.parse(answer(read("iperf3/08-json-err-server-busy-rc0.json")), 0, "to")


@pytest.mark.parametrize("text", ["", "@bringup begin to-0\n{", answer("{"), answer('{"end": {}}')])
def test_cut_off_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        network_speed.parse(text, 0, "to")


# ------------------------------------------------------------------------------------------- a real server


@pytest.fixture
def served() -> Iterator[int]:
    """The port of an iperf3 server on this machine."""
    iperf3 = shutil.which("iperf3")
    if iperf3 is None:
        pytest.skip("MISSING PROGRAM: iperf3 is not installed, so a real server is not tested here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        [iperf3, "-s", "-p", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        deadline = time.monotonic() + 30
        while not _listens(port):
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.communicate(timeout=30)


def _listens(port: int) -> bool:
    rows = [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def run(shell: str, folder: Path, targets: list[Target], patience_s: int = 60) -> str:
    command = network_speed.measure(targets, 1, patience_s)
    argv = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]
    scratch = folder / shell
    scratch.mkdir(exist_ok=True)
    done = subprocess.run(
        [*argv, "-u"], input=command.script, env={"TMP": str(scratch), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True, text=True, timeout=command.timeout_s, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_both_ways_with_a_real_server(shell: str, served: int, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = Target("nobody", "127.0.0.1", (int(closed.getsockname()[1]),), None)
        text = run(shell, tmp_path, [Target("here", "127.0.0.1", (served,), None), nobody])
    assert network_speed.parse(text, 0, "to").gbps > 0
    assert network_speed.parse(text, 0, "from").gbps > 0
    for way in ("to", "from"):
        with pytest.raises(CannotJudge, match="refused"):
            network_speed.parse(text, 1, way)


def test_nodes_that_come_together_wait_for_their_turns(served: int, tmp_path: Path) -> None:
    said: dict[str, str] = {}
    here = [Target("here", "127.0.0.1", (served,), None)]

    def node(name: str) -> None:
        (tmp_path / name).mkdir()
        said[name] = run("sh", tmp_path / name, here)

    nodes = [threading.Thread(target=node, args=(name,)) for name in ("a", "b", "c")]
    for one in nodes:
        one.start()
    for one in nodes:
        one.join()
    assert [network_speed.parse(said[n], 0, way).gbps > 0 for n in "abc" for way in ("to", "from")] == [
        True
    ] * 6


def test_nobody_waits_for_ever(served: int, tmp_path: Path) -> None:
    busy = subprocess.Popen(
        ["iperf3", "-c", "127.0.0.1", "-p", str(served), "-t", "60", "--forceflush"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert busy.stdout is not None and b"Connecting" in busy.stdout.readline()
        assert b"connected" in busy.stdout.readline()
        text = run("sh", tmp_path, [Target("here", "127.0.0.1", (served,), None)], patience_s=0)
    finally:
        busy.kill()
        busy.communicate(timeout=30)
    with pytest.raises(CannotJudge, match="busy"):
        network_speed.parse(text, 0, "to")
