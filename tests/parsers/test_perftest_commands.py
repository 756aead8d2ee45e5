"""The perftest commands that bringup sends: every shell, the choice of the RoCE address, quoting."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.parsers import perftest

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]


def test_server_and_client_say_what_the_engine_needs_to_know() -> None:
    server, client = (
        perftest.bandwidth("ib_write_bw", "mlx5_0", 18600, 10),
        perftest.bandwidth("ib_write_bw", "mlx5_0", 18600, 10, "b"),
    )
    assert (server.listens, server.needs, server.timeout_s) == (18600, ("ib_write_bw",), 70.0)
    assert (client.listens, client.needs, client.timeout_s) == (None, ("ib_write_bw",), 40.0)
    lat_server, lat_client = (
        perftest.latency("ib_write_lat", "mlx5_0", 18601),
        perftest.latency("ib_write_lat", "mlx5_0", 18601, "b"),
    )
    assert (lat_server.listens, lat_server.needs) == (18601, ("ib_write_lat",))
    assert (lat_client.listens, lat_client.needs) == (None, ("ib_write_lat",))


def _tree(root: Path, layer: str, gids: dict[int, tuple[str, str, str]], netdev: str = "eth1") -> None:
    device = root / "sys/class/infiniband/mlx5_0"
    for folder in ("gids", "gid_attrs/types", "gid_attrs/ndevs"):
        (device / "ports/1" / folder).mkdir(parents=True)
    (device / "device/net" / netdev).mkdir(parents=True)
    (device / "ports/1/link_layer").write_text(layer + "\n")
    for index, (address, kind, interface) in gids.items():
        (device / f"ports/1/gids/{index}").write_text(address + "\n")
        (device / f"ports/1/gid_attrs/types/{index}").write_text(kind + "\n")
        (device / f"ports/1/gid_attrs/ndevs/{index}").write_text(interface + "\n")


def _called(shell: str, script: str, root: Path) -> tuple[int, str, str]:
    """Run a script with a false ib_write_bw that prints its arguments."""
    programs = root / "bin"
    programs.mkdir(exist_ok=True)
    for tool in ("ib_write_bw", "ib_write_lat"):
        (programs / tool).write_text(f'#!/bin/sh\nfor word in {tool} "$@"; do printf "<%s>" "$word"; done\n')
        (programs / tool).chmod(0o755)
    argv = [shell, "sh"] if shell == "busybox" else [shell]
    done = subprocess.run(
        [*argv, "-u"],
        input=script,
        capture_output=True,
        text=True,
        timeout=20,
        env={"ROOT": str(root), "LC_ALL": "C", "PATH": f"{programs}:/usr/bin:/bin"},
    )
    return done.returncode, done.stdout, done.stderr


LINK_LOCAL = ("fe80:0000:0000:0000:5054:00ff:fe01:0101", "RoCE v2", "eth1")
IPV4_V1 = ("0000:0000:0000:0000:0000:ffff:c612:010b", "IB/RoCE v1", "eth1")
IPV4 = ("0000:0000:0000:0000:0000:ffff:c612:010b", "RoCE v2", "eth1")
IPV4_VLAN = ("0000:0000:0000:0000:0000:ffff:0a00:0001", "RoCE v2", "eth1.100")
EMPTY = ("0000:0000:0000:0000:0000:0000:0000:0000", "RoCE v2", "")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("gids", "index"),
    [
        ({0: LINK_LOCAL, 1: IPV4_V1, 2: LINK_LOCAL, 3: IPV4}, "3"),
        ({0: LINK_LOCAL, 1: IPV4}, "1"),
        ({0: LINK_LOCAL, 1: IPV4_VLAN, 5: IPV4}, "5"),
        ({0: LINK_LOCAL, 4: IPV4_VLAN}, "4"),
        ({0: EMPTY, 2: LINK_LOCAL}, "2"),
    ],
)
def test_roce_takes_the_address_of_its_own_interface(
    shell: str, gids: dict[int, tuple[str, str, str]], index: str, tmp_path: Path
) -> None:
    _tree(tmp_path, "Ethernet", gids)
    client = perftest.bandwidth("ib_write_bw", "mlx5_0", 18600, 5, "198.18.1.12")
    assert _called(shell, client.script, tmp_path) == (
        0,
        "<ib_write_bw><-d><mlx5_0><-i><1><-p><18600><-s><1048576><-q><2><-D><5><-F><--report_gbits>"
        f"<-x><{index}><198.18.1.12>",
        "",
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_roce_without_an_address_says_so(shell: str, tmp_path: Path) -> None:
    _tree(tmp_path, "Ethernet", {0: EMPTY, 1: IPV4_V1})
    status, out, err = _called(shell, perftest.bandwidth("ib_write_bw", "mlx5_0", 18600, 5).script, tmp_path)
    assert (status, out, err) == (1, "", "no RoCE v2 address on mlx5_0\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_infiniband_needs_no_address(shell: str, tmp_path: Path) -> None:
    _tree(tmp_path, "InfiniBand", {0: LINK_LOCAL})
    assert _called(shell, perftest.latency("ib_write_lat", "mlx5_0", 18601).script, tmp_path) == (
        0,
        "<ib_write_lat><-d><mlx5_0><-i><1><-p><18601><-s><8><-n><1000><-F>",
        "",
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_no_value_reaches_the_shell_unquoted(shell: str, tmp_path: Path) -> None:
    script = perftest.bandwidth("ib_write_bw", "x'; touch hit; '", 18600, 5, "$(touch hit)").script
    status, out, _ = _called(shell, script, tmp_path)
    assert status == 0
    assert out.startswith("<ib_write_bw><-d><x'; touch hit; '>") and out.endswith("<$(touch hit)>")
    assert not list(Path.cwd().glob("hit"))
