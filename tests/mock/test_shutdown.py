"""Nothing is left when a simulated cluster ends: no thread, no process, no file, no open socket."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import paramiko
import pytest

from bringup.inventory.types import FaultSpec, Params, Simulate
from bringup.mock import serve
from bringup.model import Node

NODES = tuple(Node(f"gpu-{n:03}") for n in range(1, 5))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_an_idle_cluster_leaves_nothing():  # type: ignore[no-untyped-def]
    threads, files = set(threading.enumerate()), open_files()
    with serve(Simulate(), NODES) as served:
        folder = served.folder
        assert folder.exists()
    assert (set(threading.enumerate()), open_files(), folder.exists()) == (threads, files, False)


@pytest.mark.parametrize("how", ["unread", "crash"])
def test_a_busy_cluster_leaves_nothing(how):  # type: ignore[no-untyped-def]
    threads, files = set(threading.enumerate()), open_files()
    faults = (
        FaultSpec("unreachable", ("gpu-004",), Params({"how": "timeout"})),
        FaultSpec("unreachable", ("gpu-003",), Params({"how": "silent"})),
    )
    began = 0.0
    clients = []
    caller = pytest.raises(KeyError) if how == "crash" else contextlib.nullcontext()
    with caller, serve(Simulate(speed=1.0, faults=faults), NODES) as served:
        folder = served.folder
        for node in served.nodes[:2]:
            transport = paramiko.Transport((node.address, node.port))
            transport.connect(
                username=node.user, pkey=paramiko.Ed25519Key.from_private_key_file(node.key_file)
            )
            clients.append(transport)
            for command in (
                "ib_write_bw -d mlx5_0",
                "setsid sh -c 'trap \"\" HUP TERM; sleep 60; sleep 60'",
                "cat",
                "all_reduce_perf -b 8G -e 8G -g 8 -n 1000",
            ):
                channel = transport.open_session()
                channel.exec_command(command)
        until = time.monotonic() + 5
        while len(served.processes()) < 10 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(served.processes()) >= 10
        began = time.monotonic()
        if how == "crash":
            raise KeyError("a bug of the caller")
    assert time.monotonic() - began < 10
    for transport in clients:
        transport.close()
        transport.join()
    assert not folder.exists()
    left = [p for p in Path("/proc").glob("[0-9]*/environ") if str(folder).encode() in _read(p)]
    assert left == []
    assert set(threading.enumerate()) == threads
    assert open_files() == files


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_two_clusters_do_not_disturb_each_other():  # type: ignore[no-untyped-def]
    with serve(Simulate(seed=1), NODES) as one, serve(Simulate(seed=2), NODES) as two:
        assert one.hardware("gpu-001").serial != two.hardware("gpu-001").serial
        assert one.folder != two.folder
    assert not one.folder.exists() and not two.folder.exists()
