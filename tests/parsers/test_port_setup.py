"""The commands of port_config, per_interface and modules on a real file tree, and what their parsers refuse."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.errors import ParseError
from bringup.parsers import dcgmi_health, ethtool_fec, modules, per_interface, port_config, siblings

GID = "0000:0000:0000:0000:0000:ffff:0a64:0001"
LOCAL = "fe80:0000:0000:0000:a288:c2ff:fe03:f1a2"
SHELLS = [
    shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"], ["sh"]) if shutil.which(shell[0])
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A node's /sys and /proc with one port (invented values in the kernel's layout)."""
    files = {
        "sys/class/infiniband/mlx5_0/node_guid": "a088:c203:0000:0001",
        "sys/class/infiniband/mlx5_0/ports/1/link_layer": "Ethernet",
        "sys/class/infiniband/mlx5_0/ports/1/pkeys/0": "0xffff",
        "sys/class/infiniband/mlx5_0/ports/1/pkeys/1": "0x0000",
        "sys/class/infiniband/mlx5_0/ports/1/pkeys/2": "0x8012",
        "sys/class/infiniband/mlx5_0/ports/1/gids/0": LOCAL,
        "sys/class/infiniband/mlx5_0/ports/1/gids/1": ":".join(["0000"] * 8),
        "sys/class/infiniband/mlx5_0/ports/1/gids/3": GID,
        "sys/class/infiniband/mlx5_0/ports/1/gid_attrs/types/0": "IB/RoCE v1",
        "sys/class/infiniband/mlx5_0/ports/1/gid_attrs/types/3": "RoCE v2",
        "sys/class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs/3": "eth0",
        "sys/class/infiniband/mlx5_0/device/net/eth0/mtu": "9000",
        "sys/class/infiniband/mlx5_0/device/net/eth0/carrier_changes": "3",
        "sys/class/infiniband/mlx5_0/device/net/eth0/address": "a0:88:c2:00:00:01",
        "sys/module/ib_core/initstate": "live",
        "sys/module/kernel/parameters": "x",
        "proc/modules": "ib_core 389120 5 rdma_ucm,ib_ipoib, Live 0x0000000000000000 (OE)",
        "proc/sys/kernel/osrelease": "6.8.0-45-generic",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    return tmp_path


def run(shell: list[str], script: str, root: Path, path: str = "/usr/bin:/bin") -> str:
    env = {"ROOT": str(root), "PATH": path, "LC_ALL": "C"}
    done = subprocess.run(
        [*shell, "-c", script], env=env, capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request) -> list[str]:
    return request.param


def test_the_setup_of_a_port(shell, tree) -> None:
    (device,) = port_config.parse(run(shell, port_config.CONFIG.script, tree))
    assert device == port_config.PortConfig(
        device="mlx5_0",
        guid="a088:c203:0000:0001",
        link_layer="Ethernet",
        pkeys={0: 0xFFFF, 2: 0x8012},
        gids=(port_config.Gid(0, LOCAL, "IB/RoCE v1", None), port_config.Gid(3, GID, "RoCE v2", "eth0")),
        netdevs=(port_config.Netdev("eth0", 9000, 3, "a0:88:c2:00:00:01"),),
    )
    assert [(gid.ipv4, gid.routable) for gid in device.gids] == [(None, False), ("10.100.0.1", True)]


def test_a_node_without_rdma(shell, tmp_path) -> None:
    assert port_config.parse(run(shell, port_config.CONFIG.script, tmp_path)) == ()
    assert per_interface.parse(run(shell, per_interface.SETTINGS.script, tmp_path)) == ()


def test_one_program_for_each_interface(shell, tree) -> None:
    tools = tree / "bin"
    tools.mkdir()
    (tools / "ethtool").write_text('#!/bin/sh\necho "asked: $*"\necho oops >&2\nexit 3\n')
    (tools / "ethtool").chmod(0o755)
    out = run(shell, per_interface.FEC.script, tree, f"{tools}:/usr/bin:/bin")
    assert per_interface.parse(out) == (
        per_interface.Answer("mlx5_0", "eth0", 3, "asked: --show-fec eth0\noops"),
    )


def test_modules_of_a_node(shell, tree) -> None:
    found = modules.parse(run(shell, modules.MODULES.script, tree))
    assert (found.loaded, found.built_in, found.kernel, found.driver) == (
        frozenset({"ib_core"}),
        frozenset({"kernel"}),
        (6, 8),
        None,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no path\n",
        "/sys/class/infiniband/mlx5_0/ports/1/gids/0:zz\n",
        "/sys/class/infiniband/mlx5_0/ports/1/pkeys/0:many\n",
        "/sys/class/infiniband/mlx5_0/device/net/eth0/mtu:-1\n",
    ],
)
def test_unknown_ports(text) -> None:
    with pytest.raises(ParseError):
        port_config.parse(text)


@pytest.mark.parametrize("text", ["", "=== mlx5_0 eth0\nhalf", "=== status 0\n", "noise\n=== no interface\n"])
def test_unknown_answers(text) -> None:
    with pytest.raises(ParseError):
        per_interface.parse(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("FEC parameters for eth0:\nConfigured FEC encodings: Auto\nActive FEC encoding: RS\n", "RS"),
        ("FEC parameters for eth0:\nActive FEC encodings: BaseR RS\n", "BaseR RS"),
    ],
)
def test_error_correction(text, word) -> None:
    assert ethtool_fec.parse(text) == word
    with pytest.raises(ParseError):
        ethtool_fec.parse(text.partition("Active")[0])


@pytest.mark.parametrize("text", ["{}", '{"body": {}}', '{"body": {"Overall Health": {"value": 3}}}'])
def test_health_in_unknown_words(text) -> None:
    with pytest.raises(ParseError):
        dcgmi_health.parse(text)


def test_outliers_among_siblings() -> None:
    heat = {f"gpu{n}": 30.0 + n for n in range(8)}
    assert siblings.high(heat, 20.0) == {}
    assert siblings.high({**heat, "gpu7": 70.0}, 20.0) == {"gpu7": 36.5}
    assert siblings.high({"a": 1.0, "b": 99.0}, 20.0) == {}
    assert siblings.high(dict.fromkeys("abcd", 30.0), 0.0) == {}


def test_who_is_to_blame() -> None:
    assert siblings.blamed([]) == set()
    assert siblings.blamed([(0, 5), (5, 1), (2, 5)]) == {5}
    assert siblings.blamed([(3, 4)]) == {3}
    assert siblings.blamed([(0, 1), (0, 2), (5, 6), (5, 7)]) == {0, 5}
