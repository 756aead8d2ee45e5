"""The commands of the tools: plain shell that parses, names from outside quoted, a program to look for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from bringup.commands import Command
from bringup.parsers import (
    amd_smi,
    amd_smi_tables,
    dcgmi,
    dcgmi_diag,
    ethtool,
    ethtool_module,
    ethtool_stats,
    fabricmanager_log,
    gpu_burn,
    ibdev2netdev,
    ibdiagnet,
    iblinkinfo,
    ibnetdiscover,
    ibnetdiscover_nodes,
    ibswinfo,
    ip_link,
    iperf3,
    lldp,
    mlnx_qos,
    mlxconfig,
    mlxfwmanager,
    mlxlink,
    mst,
    nccl_ras,
    nicctl,
    nvbandwidth,
    nvidia_imex,
    nvidia_smi_q,
    p2p_bandwidth,
    perfquery,
    rocm_bandwidth_test,
    rocm_memory_bw,
    rocm_smi,
    rocm_smi_tables,
    show_gids,
    transferbench,
)

MODULES = (
    amd_smi, amd_smi_tables, dcgmi, fabricmanager_log, ibdev2netdev, ibdiagnet, iblinkinfo, ibnetdiscover,
    ibnetdiscover_nodes, ip_link, lldp, mlxfwmanager, mst, nccl_ras, nicctl, nvidia_imex, nvidia_smi_q, rocm_smi,
    rocm_smi_tables, show_gids,
)  # fmt: skip
EVIL = "x'; touch /tmp/evil; echo '$(touch /tmp/evil)"


def commands() -> Iterator[Command]:
    for module in MODULES:
        yield from (value for value in vars(module).values() if isinstance(value, Command))
    yield ethtool.settings(EVIL)
    yield ethtool_module.module(EVIL)
    yield ethtool_stats.statistics(EVIL)
    yield perfquery.port_counters(EVIL)
    yield mlxlink.port(EVIL)
    yield mlxconfig.query(EVIL)
    yield mlnx_qos.qos(EVIL)
    yield ibswinfo.switch(7)
    yield dcgmi.topo(1)
    yield dcgmi_diag.diag(1)
    yield nvbandwidth.run([EVIL], EVIL)
    yield p2p_bandwidth.run(EVIL)
    yield gpu_burn.burn(60, EVIL)
    yield iperf3.server(5201, 10)
    yield iperf3.client(EVIL, 5201, 10)
    yield rocm_bandwidth_test.run(EVIL)
    yield rocm_memory_bw.bandwidth(True, EVIL)
    yield transferbench.p2p(EVIL)


ALL = sorted(set(commands()), key=lambda command: command.script)


@pytest.mark.parametrize("shell", [s for s in ("dash", "bash", "busybox") if shutil.which(s)])
def test_the_scripts_are_plain_shell(shell: str) -> None:
    call = [shell, "sh", "-n"] if shell == "busybox" else [shell, "-n"]
    for command in ALL:
        run = subprocess.run([*call, "-c", command.script], capture_output=True, text=True)
        assert (run.returncode, run.stderr) == (0, ""), command.script


def test_names_from_outside_reach_the_program_as_they_are(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bin")
    for tool in ("ethtool", "perfquery", "mlxlink", "mlxconfig", "mlnx_qos", "iperf3"):
        script = folder / tool
        script.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
        script.chmod(0o755)
    asked = [
        c
        for c in ALL
        if c.needs and c.needs[0] in ("ethtool", "perfquery", "mlxlink", "mlxconfig", "mlnx_qos")
    ]
    for command in [*asked, iperf3.client(EVIL, 5201, 10)]:
        run = subprocess.run(
            ["sh", "-c", command.script],
            env={"PATH": f"{folder}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert EVIL in run.stdout.splitlines(), command.script


def test_each_command_names_what_it_needs() -> None:
    for command in ALL:
        assert command.needs or command == fabricmanager_log.LOG
        assert command.timeout_s > command.estimate_s
