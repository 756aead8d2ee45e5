"""Several transfers in one script: run by every shell with a false perftest, and what is read of their output."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import perftest_flows
from bringup.parsers.perftest_flows import Ended, Flow

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]
FLOWS = (
    Flow("mlx5_0", "mlx5_2", options="-s 64"),
    Flow("mlx5_1", "mlx5_2", tool="ib_read_bw", options="-s 8"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A node with three InfiniBand adapters and two GPUs, of which the second is next to mlx5_1; its perftest prints
    how it was called, counts an error, and ends with the port's last digit."""
    devices = tmp_path / "sys/devices/pci0000:00"
    places = {
        "mlx5_0": "0000:00:01.0/0000:02:00.0",
        "mlx5_1": "0000:00:05.0/0000:06:00.0",
        "mlx5_2": "0000:00:09.0",
    }
    gpus = {"0000:01:00.0": "0000:00:01.0/0000:01:00.0", "0000:07:00.0": "0000:00:05.0/0000:07:00.0"}
    for hca, place in places.items():
        (devices / place).mkdir(parents=True)
        port = tmp_path / f"sys/class/infiniband/{hca}/ports/1"
        (port / "counters").mkdir(parents=True)
        (port / "link_layer").write_text("InfiniBand\n")
        for counter in perftest_flows.COUNTERS:
            (port / "counters" / counter).write_text("7\n")
        (tmp_path / f"sys/class/infiniband/{hca}/device").symlink_to(devices / place)
    (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
    for bdf, place in gpus.items():
        (devices / place).mkdir(parents=True)
        (devices / place / "vendor").write_text("0x10de\n")
        (devices / place / "class").write_text("0x030200\n")
        (tmp_path / "sys/bus/pci/devices" / bdf).symlink_to(devices / place)
    (tmp_path / "bin").mkdir()
    for tool in ("ib_write_bw", "ib_read_bw"):
        program = tmp_path / "bin" / tool
        program.write_text(
            f'#!/bin/sh\nfor word in {tool} "$@"; do printf "<%s>" "$word"; done\n'
            'echo 9 >"$ROOT/sys/class/infiniband/$2/ports/1/counters/port_rcv_errors"\nexit ${6#${6%?}}\n'
        )
        program.chmod(0o755)
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    return tmp_path


def run(shell: str, command: Command, root: Path) -> str:
    argv = [shell, "sh"] if shell == "busybox" else [shell]
    path = f"{root}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        [*argv, "-u"], input=command.script, capture_output=True, text=True, timeout=60, check=True, cwd=root,
        env={"ROOT": str(root), "TMP": str(root / "scratch"), "LC_ALL": "C", "PATH": path},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("shell", SHELLS)
def test_the_client(shell: str, at_once: bool, root: Path) -> None:
    command = perftest_flows.client(FLOWS, 18600, 10, "$(peer)", at_once=at_once)
    text = run(shell, command, root)
    assert perftest_flows.parse(text, 2) == (
        Ended("<ib_write_bw><-d><mlx5_0><-i><1><-p><18600><-s><64><$(peer)>", 0),
        Ended("<ib_read_bw><-d><mlx5_1><-i><1><-p><18601><-s><8><$(peer)>", 1),
    )
    rises = {key: rise for key, rise in perftest_flows.rises(text).items() if rise}
    assert rises == {("mlx5_0", "port_rcv_errors"): 2, ("mlx5_1", "port_rcv_errors"): 2}
    assert (command.listens, command.needs, command.timeout_s) == (None, ("ib_write_bw", "ib_read_bw"), 40.0)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_server_starts_the_last_one_when_the_others_listen(shell: str, root: Path) -> None:
    (root / "proc/net/tcp").write_text("   0: 00000000:48A8 00000000:0000 0A 00000000:00000000\n")
    command = perftest_flows.server(FLOWS, 18600, 10)
    text = run(shell, command, root)
    assert perftest_flows.parse(text, 2) == (
        Ended("<ib_write_bw><-d><mlx5_2><-i><1><-p><18600><-s><64>", 0),
        Ended("<ib_read_bw><-d><mlx5_2><-i><1><-p><18601><-s><8>", 1),
    )
    assert (command.listens, command.timeout_s) == (18601, 70.0)


@pytest.mark.parametrize("shell", SHELLS)
def test_gpu_memory_is_that_of_the_nearest_gpu(shell: str, root: Path) -> None:
    flows = tuple(Flow(hca, "x", memory="cuda") for hca in ("mlx5_0", "mlx5_1"))
    first, second = perftest_flows.parse(
        run(shell, perftest_flows.client(flows, 18600, 1, "b", at_once=False), root), 2
    )
    assert first.text == "<ib_write_bw><-d><mlx5_0><-i><1><-p><18600><--use_cuda=0><--use_cuda_dmabuf><b>"
    assert second.text == "<ib_write_bw><-d><mlx5_1><-i><1><-p><18601><--use_cuda=1><--use_cuda_dmabuf><b>"
    (root / "sys/module/nvidia_peermem").mkdir(parents=True)
    flows = (Flow("mlx5_1", "x", memory="cuda"), Flow("mlx5_1", "x", memory="rocm"))
    first, second = perftest_flows.parse(
        run(shell, perftest_flows.client(flows, 18600, 1, "b", at_once=False), root), 2
    )
    assert first.text == "<ib_write_bw><-d><mlx5_1><-i><1><-p><18600><--use_cuda=1><b>"
    assert second == Ended("no GPU near mlx5_1", 1)


@pytest.mark.parametrize("text", ["", "@bringup begin flow-0\nx\n@bringup end flow-0 0\n"])
def test_a_transfer_without_a_result_is_no_result(text: str) -> None:
    with pytest.raises(ParseError, match="has no result"):
        perftest_flows.parse(text, 2)


def test_one_that_was_cut_off_has_no_status() -> None:
    assert perftest_flows.parse("@bringup begin flow-0\nhalf\n", 1) == (Ended("half", None),)


def test_counters_that_cannot_be_compared_are_left_out() -> None:
    text = (
        "@bringup begin before\na link_downed 5\na port_rcv_errors 9\n@bringup end before 0\n"
        "@bringup begin after\na link_downed 7\na port_rcv_errors 1\na port_xmit_discards 3\n@bringup end after 0\n"
    )
    assert perftest_flows.rises(text) == {("a", "link_downed"): 2}
    with pytest.raises(ParseError, match="counter line"):
        perftest_flows.rises("@bringup begin before\nwhat is this\n@bringup end before 0\n")
