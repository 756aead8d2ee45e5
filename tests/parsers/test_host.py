"""What a node says about itself: texts of real machines, the commands on a tree in every shell, hostile text."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import host
from bringup.parsers.host import Bound, Cpu, Identity, Versions

SHELLS = [s for s in ("dash", "bash", "busybox") if shutil.which(s)]


def run(shell: str, command: Command, root: Path, path: str = "/usr/sbin:/usr/bin:/sbin:/bin") -> str:
    argv = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]
    done = subprocess.run(
        [*argv, "-u"],
        input=command.script,
        capture_output=True,
        text=True,
        timeout=20,
        env={"ROOT": str(root), "LC_ALL": "C", "PATH": path},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


# ---------------------------------------------------------------------------------------------- identity


@pytest.mark.parametrize("shell", SHELLS)
def test_identity(shell: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/sys/kernel/hostname": "gpu-001\n",
            "proc/sys/kernel/random/boot_id": "0d2c7e4e-8f5b-4f3c-9d83-7d0f4f2b6f11\n",
            "sys/class/dmi/id/product_serial": "1660224000123\n",
            "sys/class/dmi/id/product_name": "DGXH100\n",
            "sys/class/dmi/id/sys_vendor": "NVIDIA\n",
        },
    )
    assert host.parse_identity(run(shell, host.IDENTITY, tmp_path)) == Identity(
        "gpu-001", "0d2c7e4e-8f5b-4f3c-9d83-7d0f4f2b6f11", "1660224000123", "DGXH100", "NVIDIA", True
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_identity_without_anything_but_a_name(shell: str, tmp_path: Path) -> None:
    identity = host.parse_identity(run(shell, host.IDENTITY, tmp_path))
    assert identity == Identity(identity.hostname)
    assert identity.hostname


def test_a_serial_that_only_root_may_read() -> None:
    identity = host.parse_identity("hostname=gpu-001\nserial=!unreadable\nend=identity\n")
    assert identity == Identity("gpu-001", serial_readable=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000000000",
        "To Be Filled By O.E.M.",
        "Default string",
        "Not Specified",
        "System Serial Number",
        "N/A",
    ],
)
def test_a_placeholder_is_no_serial(text: str) -> None:
    assert host.parse_identity(f"hostname=a\nserial={text}\nend=identity\n").serial is None


@pytest.mark.parametrize("text", ["", "hostname=a\n", "hostname=\nend=identity\n", "sh: cat: not found\n"])
def test_identity_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        host.parse_identity(text)


# ------------------------------------------------------------------------------------- processors, memory

CPUINFO = "processor\t: {n}\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R) Platinum 8480+\nphysical id\t: {p}\n\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_cpu(shell: str, tmp_path: Path) -> None:
    write(tmp_path, {"proc/cpuinfo": "".join(CPUINFO.format(n=n, p=n % 2) for n in range(8))})
    assert host.parse_cpu(run(shell, host.CPU, tmp_path)) == Cpu(8, 2, "Intel(R) Xeon(R) Platinum 8480+")


@pytest.mark.parametrize("shell", SHELLS)
def test_arm_tells_its_sockets_in_the_topology_only(shell: str, tmp_path: Path) -> None:
    write(tmp_path, {"proc/cpuinfo": "".join(f"processor\t: {n}\nBogoMIPS\t: 2000.00\n\n" for n in range(4))})
    topology = {
        f"sys/devices/system/cpu/cpu{n}/topology/physical_package_id": f"{n // 2}\n" for n in range(4)
    }
    write(tmp_path, topology)
    assert host.parse_cpu(run(shell, host.CPU, tmp_path)) == Cpu(4, 2, None)


def test_a_machine_that_does_not_tell_its_sockets() -> None:
    assert host.parse_cpu(
        "processor\t: 0\n/sys/devices/system/cpu/cpu0/topology/physical_package_id:-1\n"
    ) == Cpu(1, None, None)


def test_cpu_of_this_machine() -> None:
    text = run("bash", host.CPU, Path("/"))
    assert host.parse_cpu(text).threads >= 1


@pytest.mark.parametrize("text", ["", "model name\t: x\n", "processor\t: many\n", "processor\n"])
def test_cpu_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        host.parse_cpu(text)


@pytest.mark.parametrize("shell", SHELLS)
def test_memory(shell: str, tmp_path: Path) -> None:
    write(tmp_path, {"proc/meminfo": "MemTotal:       2113405220 kB\nMemFree:        2000000000 kB\n"})
    assert host.parse_memory_kib(run(shell, host.MEMORY, tmp_path)) == 2113405220


@pytest.mark.parametrize("shell", SHELLS)
def test_memory_of_gpus_is_not_that_of_processors(shell: str, tmp_path: Path) -> None:
    """Grace (invented numbers): a NUMA node for its memory, one without processors for that of its GPU."""
    node = "sys/devices/system/node"
    write(
        tmp_path,
        {
            "proc/meminfo": "MemTotal:       602000000 kB\nMemFree:        500000000 kB\n",
            f"{node}/node0/cpulist": "0-71\n",
            f"{node}/node0/meminfo": "Node 0 MemTotal:       502000000 kB\nNode 0 MemFree:  1 kB\n",
            f"{node}/node1/cpulist": "\n",
            f"{node}/node1/meminfo": "Node 1 MemTotal:       100000000 kB\nNode 1 MemFree:  1 kB\n",
        },
    )
    assert host.parse_memory_kib(run(shell, host.MEMORY, tmp_path)) == 502000000


@pytest.mark.parametrize(
    "text", ["", "MemFree: 1 kB\n", "MemTotal: x kB\n", "MemTotal: 12\n", "MemTotal: 5 MB\n"]
)
def test_memory_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        host.parse_memory_kib(text)


# -------------------------------------------------------------------------------------- limits of this shell

LIMITS = """Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 1048576              files     
Max locked memory         8388608              8388608              bytes     
Max nice priority         0                    0                    
Max realtime timeout      unlimited            unlimited            us        
"""


def test_limits() -> None:
    bounds = host.parse_limits(LIMITS)
    assert bounds == (
        Bound("cpu time", None, "seconds"),
        Bound("open files", 1024, "files"),
        Bound("locked memory", 8388608, "bytes"),
        Bound("nice priority", 0, ""),
        Bound("realtime timeout", None, "us"),
    )
    assert [b.unlimited for b in bounds] == [True, False, False, False, True]
    assert host.limit_of(bounds, "locked memory").soft == 8388608
    with pytest.raises(ParseError):
        host.limit_of(bounds, "stack size")


def test_limits_of_this_machine() -> None:
    done = subprocess.run(
        ["sh"],
        input=f"ulimit -l 64\n{host.LIMITS.script}",
        capture_output=True,
        text=True,
        env={"ROOT": ""},
        timeout=20,
    )
    assert host.limit_of(host.parse_limits(done.stdout), "locked memory") == Bound(
        "locked memory", 65536, "bytes"
    )


@pytest.mark.parametrize("end", range(0, LIMITS.index("Max realtime"), 7))
def test_limits_cut_off(end: int) -> None:
    with pytest.raises(ParseError):
        host.parse_limits(LIMITS[:end])


# ------------------------------------------------------------------------------------- tools and versions


@pytest.mark.parametrize("shell", SHELLS)
def test_tools(shell: str, tmp_path: Path) -> None:
    (tmp_path / "ib_write_bw").write_text("#!/bin/sh\n")
    (tmp_path / "ib_write_bw").chmod(0o755)
    command = host.tools(("ib_write_bw", "no-such-tool", "$(touch hit)"))
    assert host.parse_tools(run(shell, command, tmp_path, path=f"{tmp_path}:/usr/bin:/bin")) == {
        "ib_write_bw": f"{tmp_path}/ib_write_bw",
        "no-such-tool": None,
        "$(touch hit)": None,
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_versions(shell: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "proc/sys/kernel/osrelease": "5.15.0-122-generic\n",
            "sys/module/nvidia/version": "570.86.15\n",
            "sys/module/mlx5_core/version": "24.10-1.1.4\n",
            "etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\n',
        },
    )
    bin_folder = tmp_path / "bin"
    write(bin_folder, {"ofed_info": "#!/bin/sh\necho MLNX_OFED_LINUX-24.10-1.1.4.0:\n"})
    (bin_folder / "ofed_info").chmod(0o755)
    text = run(shell, host.VERSIONS, tmp_path, path=f"{bin_folder}:/usr/bin:/bin")
    assert host.parse_versions(text) == Versions(
        "5.15.0-122-generic",
        "Ubuntu 22.04.5 LTS",
        "570.86.15",
        "24.10-1.1.4",
        "MLNX_OFED_LINUX-24.10-1.1.4.0",
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_versions_of_a_plain_kernel(shell: str, tmp_path: Path) -> None:
    (tmp_path / "sys/module/mlx5_core").mkdir(parents=True)
    write(
        tmp_path,
        {
            "proc/sys/kernel/osrelease": "6.1.0-30-amd64\n",
            "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  "
            "Release Build  (dvs-builder)\nGCC version:  gcc version 12.2.0\n",
        },
    )
    assert host.parse_versions(run(shell, host.VERSIONS, tmp_path)) == Versions(
        "6.1.0-30-amd64", None, "580.95.05", "inbox", "none"
    )


@pytest.mark.parametrize("text", ["", "kernel=6.1\n", "end=versions\n", "kernel\n"])
def test_versions_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        host.parse_versions(text)


# --------------------------------------------------------------------------------------------- hostile text

PARSERS: tuple[Callable[[str], object], ...] = (
    host.parse_identity,
    host.parse_cpu,
    host.parse_memory_kib,
    host.parse_limits,
    host.parse_tools,
    host.parse_versions,
)


@given(st.text(), st.sampled_from(PARSERS))
def test_any_text_gives_rows_or_a_parse_error(text: str, parse: Callable[[str], object]) -> None:
    try:
        assert parse(text) is not None
    except ParseError:
        return


def test_arm_names_its_processors_by_numbers() -> None:
    text = "".join(f"processor\t: {n}\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n" for n in range(2))
    text += "/sys/devices/system/cpu/cpu0/topology/physical_package_id:0\n"
    assert host.parse_cpu(text) == host.Cpu(2, 1, "Arm, implementer 0x41, part 0xd4f")
