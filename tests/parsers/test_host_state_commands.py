"""The commands that read a host's state, run for real by a POSIX shell below a small root of files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bringup.commands import Command
from bringup.parsers import (
    blocked,
    boots,
    host_errors,
    host_settings,
    identities,
    ipmi,
    pci_tree,
    storage,
)

SHELLS = [s for s in (["dash"], ["bash"], ["busybox", "ash"], ["sh"]) if shutil.which(s[0])]


@pytest.fixture(params=SHELLS, ids=lambda s: s[0])
def shell(request):
    return request.param


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An invented machine: two governors, swap, one bad module, a full disk, a bond, a container bridge."""
    files = {
        "proc/cmdline": "root=/dev/sda1 iommu=pt\n",
        "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu vme\n",
        "proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-1  partition\t8388604\t0\t-2\n",
        "proc/sys/kernel/numa_balancing": "1\n",
        "proc/uptime": "1800.25 3000.00\n",
        "proc/mounts": "/dev/sda1 / ext4 ro,relatime 0 0\nproc /proc proc rw 0 0\nsrv:/home /home nfs4 rw 0 0\n",
        "proc/interrupts": "            CPU0       CPU1\n THR:   2   3   Threshold APIC interrupts\n"
        " MCE:   0   1   Machine check exceptions\n",
        "proc/1/status": "Name:\tinit\nState:\tS (sleeping)\nPid:\t1\nVmSize:\t 1 kB\nvoluntary_ctxt_switches:\t5\n",
        "proc/7/status": "Name:\tcat\nState:\tD (disk sleep)\nPid:\t7\nVmSize:\t 1 kB\nvoluntary_ctxt_switches:\t5\n",
        "proc/8/status": "Name:\tkworker/0:1\nState:\tD (disk sleep)\nPid:\t8\nvoluntary_ctxt_switches:\t5\n",
        "proc/net/route": "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\ndocker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n",
        "proc/net/fib_trie": "Main:\n  |-- 10.0.0.7\n     /32 host LOCAL\n  |-- 172.17.0.1\n     /32 host LOCAL\n",
        "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "performance\n",
        "sys/devices/system/cpu/cpufreq/policy1/scaling_governor": "powersave\n",
        "sys/kernel/iommu_groups/0/type": "identity\n",
        "sys/kernel/iommu_groups/1/type": "identity\n",
        "sys/devices/system/edac/mc/mc0/mc_name": "IMC\n",
        "sys/devices/system/edac/mc/mc0/ce_count": "4\n",
        "sys/devices/system/edac/mc/mc0/ue_count": "1\n",
        "sys/devices/system/edac/mc/mc0/dimm2/dimm_label": "A3\n",
        "sys/devices/system/edac/mc/mc0/dimm2/dimm_ue_count": "1\n",
        "sys/class/nvme/nvme0/state": "live\n",
        "sys/class/nvme/nvme0/transport": "pcie\n",
        "sys/class/infiniband/mlx5_0/node_guid": "b8ce:f603:0000:0001\n",
        "sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/vendor": "0x15b3\n",
        "sys/devices/pci0000:16/0000:16:01.0/0000:17:00.0/class": "0x020000\n",
        "sys/class/net/eth0/address": "b8:ce:f6:00:00:02\n",
        "sys/class/net/docker0/address": "02:42:00:00:00:01\n",
        "sys/class/net/bond0/bonding/mode": "802.3ad 4\n",
        "dev/ipmi0": "",
    }
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    base = tmp_path / "root"
    (base / "sys/class/net/eth0/device").symlink_to("../../../devices/pci0000:16/0000:16:01.0/0000:17:00.0")
    (base / "sys/bus/pci/devices").mkdir(parents=True)
    for bdf, path in (("0000:16:01.0", "0000:16:01.0"), ("0000:17:00.0", "0000:16:01.0/0000:17:00.0")):
        (base / "sys/bus/pci/devices" / bdf).symlink_to(f"../../../devices/pci0000:16/{path}")
    return base


@pytest.fixture
def run(shell, tmp_path):
    def text(command: Command, root: Path | str) -> str:
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        env = {"ROOT": str(root), "TMP": str(scratch), "PATH": "/usr/bin:/bin", "LC_ALL": "C", "TERM": "dumb"}
        done = subprocess.run(
            [*shell, "-c", command.script], env=env, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.stderr == ""
        return done.stdout

    return text


def test_settings(run, root) -> None:
    seen = host_settings.parse(run(host_settings.SETTINGS, root))
    assert seen == host_settings.Settings(
        cmdline=("root=/dev/sda1", "iommu=pt"),
        virtual=False,
        iommu={"identity": 2},
        iommu_groups=2,
        numa_balancing=1,
        governors={"performance": 1, "powersave": 1},
        swaps=(host_settings.Swap("/dev/dm-1", 8388604),),
    )
    assert (seen.iommu_mode, seen.common_cmdline) == ("passthrough", "iommu=pt")


def test_error_counts(run, root) -> None:
    counts = host_errors.parse(run(host_errors.COUNTS, root))
    assert counts.controllers == (host_errors.Controller("mc0", 4, 1),)
    assert counts.dimms == (host_errors.Dimm("mc0/dimm2", "A3", None, 1),)
    assert counts.interrupts == {"THR": 5, "MCE": 1}


def test_file_systems_and_drives(run, root) -> None:
    mounts, sizes = storage.parse_filesystems(run(storage.FILESYSTEMS, root))
    assert [(m.at, m.kind, m.read_only) for m in mounts] == [("/", "ext4", True)]
    # The size is that of the file system below the test's own folder: df names its mount point.
    assert len(sizes) == 1 and sizes[0].total_kib > 0
    assert storage.parse_nvme(run(storage.NVME, root)) == (
        storage.Nvme("nvme0", "pcie", "live", None, None, None),
    )


def test_temporary_files_in_memory_are_a_file_system_of_their_own(run, root) -> None:
    (root / "proc/mounts").write_text(
        "/dev/sda1 / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\ntmpfs /tmp tmpfs rw,size=8g 0 0\n"
        "tmpfs /run tmpfs rw 0 0\n"
    )
    for name in ("dev/shm", "tmp"):
        (root / name).mkdir(parents=True)
    mounts, sizes = storage.parse_filesystems(run(storage.FILESYSTEMS, root))
    assert [m.at for m in mounts] == ["/", "/dev/shm", "/tmp"]
    assert len(sizes) == 3  # each by the mount point that the test's own folder lies on


def test_blocked_processes_are_looked_at_twice(run, root) -> None:
    assert blocked.parse(run(blocked.BLOCKED, root)) == (
        blocked.Process(7, "cat", kernel=False),
        blocked.Process(8, "kworker/0:1", kernel=True),
    )


def test_identities(run, root) -> None:
    assert identities.parse(run(identities.IDENTITIES, root)) == identities.Identities(
        guids=(("mlx5_0", "b8ce:f603:0000:0001"),),
        macs=(("eth0", "b8:ce:f6:00:00:02"),),
        ips=(("eth0", "10.0.0.7"),),
        rdma={},
    )


def test_bus_boots_and_bmc(run, root) -> None:
    assert pci_tree.parse(run(pci_tree.TREE, root)) == {
        "00000000:16:01.0": (),
        "00000000:17:00.0": ("00000000:16:01.0",),
    }
    seen = boots.parse(run(boots.BOOTS, root))
    assert (seen.uptime_s, seen.boots) == (1800.25, None)
    assert ipmi.parse_present(run(ipmi.PRESENT, root)) == (False, True)


def test_this_machine_is_understood(run) -> None:
    """Whatever it is: what it has is read, what it has not is none."""
    assert host_settings.parse(run(host_settings.SETTINGS, "")).cmdline is not None
    host_errors.parse(run(host_errors.COUNTS, ""))
    assert storage.parse_filesystems(run(storage.FILESYSTEMS, ""))[1]
    storage.parse_nvme(run(storage.NVME, ""))
    identities.parse(run(identities.IDENTITIES, ""))
    assert boots.parse(run(boots.BOOTS, "")).uptime_s > 0
    blocked.parse(run(blocked.BLOCKED, ""))
