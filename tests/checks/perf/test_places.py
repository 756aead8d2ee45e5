"""Which programs run where is a matter of the profile, and nothing that is written there is ever run as it stands."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from bringup.battery import perf
from bringup.errors import NoLimit
from bringup.parsers.inside import HERE, Place


def test_a_node_without_the_fact_runs_its_own_programs(world) -> None:  # type: ignore[no-untyped-def]
    assert perf.place(world.node, world.ctx()) == Place(vendor="nvidia")
    command = perf.load_command(world.node, world.ctx())
    assert (command.needs, command.root, "docker" in command.script) == (HERE.needs, False, False)


def test_all_programs_move_into_the_container(world) -> None:  # type: ignore[no-untyped-def]
    world.facts["container.run"] = ["podman", "site/tests:1", "--volume=/opt/tests:/opt/tests:ro"]
    host = world.load("perf/host_memory.py").plan(world.node, world.ctx()).steps[0].command
    for command in (
        perf.load_command(world.node, world.ctx()),
        perf.bandwidth_command(world.node, world.ctx()),
        host,
    ):
        assert (command.needs, command.root) == (("podman",), True)
        assert "--volume=/opt/tests:/opt/tests:ro site/tests:1" in command.script
    # The driver is asked on the node itself, beside the container.
    script = perf.load_command(world.node, world.ctx()).script
    assert script.index("nvidia-smi --query-gpu") < script.index("podman run")


@pytest.mark.parametrize(
    "value",
    [
        "docker",
        ["docker"],
        ["docker", "--privileged"],
        ["kubectl", "image"],
        ["docker", ""],
        7,
        [],
        ["docker", 3],
    ],
)
def test_a_fact_that_names_no_container_is_refused(world, value) -> None:  # type: ignore[no-untyped-def]
    world.facts["container.run"] = value
    with pytest.raises(NoLimit, match=r"container\.run"):
        perf.load_command(world.node, world.ctx())


@pytest.mark.parametrize("value", ["", "a b", "x;reboot", "-c", "$(reboot)", 7, None, "a\nb"])
def test_a_fact_that_names_no_program_is_refused(world, value) -> None:  # type: ignore[no-untyped-def]
    world.facts["perf.python"] = value
    with pytest.raises(NoLimit, match=r"perf\.python"):
        perf.load_command(world.node, world.ctx())


@pytest.mark.parametrize("shell", [s for s in ("dash", "bash", "busybox") if shutil.which(s)])
@pytest.mark.parametrize("vendor", ["nvidia", "amd"])
@pytest.mark.parametrize("run", [None, ["docker", "it's an image"], ["apptainer", "a.sif"]])
def test_every_script_is_plain_shell(world, shell, vendor, run) -> None:  # type: ignore[no-untyped-def]
    world.facts |= {"gpu.vendor": vendor, "container.run": run}
    commands = {perf.load_command(world.node, world.ctx()), perf.bandwidth_command(world.node, world.ctx())}
    for file in ("perf/host_memory.py", "perf/nvme.py", "perf/collectives.py"):
        commands |= {step.command for step in world.load(file).plan(world.node, world.ctx()).steps}
    for command in commands:
        call = [shell, "sh", "-n", "-c"] if shell == "busybox" else [shell, "-n", "-c"]
        ended = subprocess.run([*call, command.script], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_amd_nodes_use_amds_tools(world) -> None:  # type: ignore[no-untyped-def]
    world.facts["gpu.vendor"] = "amd"
    assert "TransferBench p2p" in perf.bandwidth_command(world.node, world.ctx()).script
    assert "nvbandwidth" not in perf.load_command(world.node, world.ctx()).script


def test_the_whole_stage_stays_below_a_minute_on_a_node(world) -> None:  # type: ignore[no-untyped-def]
    commands = {perf.load_command(world.node, world.ctx()), perf.bandwidth_command(world.node, world.ctx())}
    for file in ("perf/host_memory.py", "perf/nvme.py"):
        commands |= {step.command for step in world.load(file).plan(world.node, world.ctx()).steps}
    assert all(command.alone for command in commands)
    assert sum(command.estimate_s for command in commands) <= 60
