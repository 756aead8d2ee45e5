"""The simulated operating system, read by the product's own parsers and compared with the simulated parts."""

from __future__ import annotations

import time

from bringup.parsers import chrony, host, kernel_log, lspci, pci_sysfs, systemd


def test_a_node_says_who_it_is(healthy):  # type: ignore[no-untyped-def]
    who = host.parse_identity(healthy.text("gpu-002", host.IDENTITY))
    node = healthy.served.hardware("gpu-002")
    assert who == host.Identity("gpu-002", node.boot_id, "SIM00002", "PowerEdge XE9680", "Dell Inc.")


def test_processors_memory_and_limits_are_those_of_the_shape(healthy):  # type: ignore[no-untyped-def]
    assert host.parse_cpu(healthy.text("gpu-001", host.CPU)) == host.Cpu(
        224, 2, "Intel(R) Xeon(R) Platinum 8480C"
    )
    assert 2000 < host.parse_memory_kib(healthy.text("gpu-001", host.MEMORY)) / 2**20 < 2048
    limits = host.parse_limits(healthy.text("gpu-001", host.LIMITS))
    assert host.limit_of(limits, "locked memory").unlimited


def test_versions_are_found_without_a_tool(healthy):  # type: ignore[no-untyped-def]
    found = host.parse_versions(healthy.text("gpu-001", host.VERSIONS))
    assert found == host.Versions(
        "5.15.0-112-generic", "Ubuntu 22.04.5 LTS", "580.95.05", "24.10-1.1.4", "OFED-internal-24.10-1.1.4",
        bios="2.3.5", microcode="0x2b000603", nccl="2.21.5",
    )  # fmt: skip


def test_the_simulated_tools_are_in_the_path_and_nothing_else_of_this_machine(healthy):  # type: ignore[no-untyped-def]
    found = host.parse_tools(
        healthy.text("gpu-001", host.tools(("nvidia-smi", "ib_write_bw", "sed", "python3", "git", "perl")))
    )
    folder = healthy.served.folder
    assert {name: path and path.startswith(str(folder)) for name, path in found.items()} == {
        "nvidia-smi": True, "ib_write_bw": True, "sed": True, "python3": True, "git": None, "perl": None,
    }  # fmt: skip


def test_the_clock_follows_its_source(healthy):  # type: ignore[no-untyped-def]
    tracking = chrony.parse(healthy.text("gpu-001", chrony.TRACKING))
    assert tracking.synchronised and abs(tracking.offset_s) < 1e-4
    as_text = chrony.parse(healthy.sh("gpu-001", "chronyc tracking").stdout)
    assert abs(as_text.offset_s - tracking.offset_s) < 1e-8 and as_text.leap == "Normal"
    assert chrony.parse_kernel_clock(healthy.text("gpu-001", chrony.KERNEL_CLOCK)) is True


def test_the_kernel_log_of_a_healthy_node_has_noise_but_no_fault(healthy):  # type: ignore[no-untyped-def]
    log = kernel_log.parse(healthy.text("gpu-001", kernel_log.LOG))
    assert not [
        e for e in log.events if isinstance(e, kernel_log.Xid | kernel_log.FellOff | kernel_log.SlowPath)
    ]
    text = healthy.sh("gpu-001", "sudo -n dmesg").stdout
    assert "Firmware Bug" in text and "taints kernel" in text
    stamps = [float(line[1:].split("]")[0]) for line in text.splitlines()]
    assert stamps == sorted(stamps)


def test_only_root_reads_the_kernel_log(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh("gpu-001", "dmesg")
    assert (done.returncode, done.stderr) == (
        1,
        "dmesg: read kernel buffer failed: Operation not permitted\n",
    )
    assert healthy.sh("gpu-001", "journalctl -k").returncode == 1
    assert "kernel: " in healthy.sh("gpu-001", "sudo -n journalctl -k").stdout


def test_uptime_goes_on(healthy, monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr("bringup.mock.cluster._TICK_S", 0.0)

    def uptime() -> float:
        return float(healthy.sh("gpu-001", "cat $BRINGUP_ROOT/proc/uptime").stdout.split()[0])

    began = time.monotonic()
    before = uptime()
    time.sleep(0.1)
    healthy.sh("gpu-001", "hostname")
    assert 0.08 < uptime() - before < time.monotonic() - began + 0.05


def test_services_answer_in_both_forms(healthy):  # type: ignore[no-untyped-def]
    unit = systemd.parse(healthy.text("gpu-001", systemd.unit("nvidia-fabricmanager")))
    assert unit == systemd.Unit("nvidia-fabricmanager.service", "loaded", "active", "running", "success")
    status = healthy.sh("gpu-001", "systemctl status nvidia-fabricmanager")
    assert systemd.parse_status(status.stdout).active == "active"
    assert healthy.sh("gpu-001", "systemctl is-active no-such-thing").returncode == 3
    assert systemd.parse(healthy.text("gpu-001", systemd.unit("no-such-thing"))).load == "not-found"


def test_pci_devices_are_in_sysfs_with_their_links(healthy):  # type: ignore[no-untyped-def]
    devices = {d.address: d for d in pci_sysfs.parse(healthy.text("gpu-001", pci_sysfs.DEVICES))}
    node = healthy.served.hardware("gpu-001")
    gpus = [devices[f"0000{g.bdf}"] for g in node.gpus]
    assert {(d.vendor, d.device, d.device_class) for d in gpus} == {(0x10DE, 0x2330, 0x030200)}
    assert {(d.speed_gts, d.width, d.max_speed_gts, d.max_width) for d in gpus} == {(2.5, 16, 32.0, 16)}
    assert {(d.aer_fatal, d.aer_nonfatal, d.aer_correctable) for d in gpus} == {(0, 0, 0)}
    hcas = {h.name: devices[f"0000{h.bdf}"] for h in node.hcas}
    assert {name: d.rdma for name, d in hcas.items()} == {name: name for name in hcas}
    assert {(d.speed_gts, d.width) for d in hcas.values()} == {(32.0, 16)}
    assert len([d for d in devices.values() if d.device == 0x22A3 and d.width == 2]) == 4
    listed = pci_sysfs.parse_driver_gpus(healthy.text("gpu-001", pci_sysfs.DRIVER_GPUS))
    assert listed == tuple(f"0000{g.bdf}" for g in node.gpus)


def test_lspci_lists_and_describes(healthy):  # type: ignore[no-untyped-def]
    listed = lspci.parse(healthy.sh("gpu-001", "lspci -Dnn").stdout)
    assert len([d for d in listed if d.ids == (0x10DE, 0x2330)]) == 8
    described = {d.address: d for d in lspci.parse(healthy.sh("gpu-001", "sudo -n lspci -D -vv").stdout)}
    node = healthy.served.hardware("gpu-001")
    assert described[f"0000{node.hcas[0].bdf}"].capability == lspci.Link(32.0, 16)
    hidden = lspci.parse(healthy.sh("gpu-001", "lspci -vv").stdout)
    assert all(d.hidden for d in hidden)


def test_the_login_is_no_root_but_may_become_it(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh("gpu-001", "id -u; sudo -n id -u; sudo -n env FOO=1 sh -c 'echo $FOO'; id -un; id")
    assert done.stdout == "1000\n0\n1\nsim\nuid=1000(sim) gid=1000(sim) groups=1000(sim)\n"


def test_small_programs_answer(healthy):  # type: ignore[no-untyped-def]
    done = healthy.sh(
        "gpu-001", "hostname; hostname -s; uname -sr; sudo -n dmidecode -s system-serial-number; ofed_info -s"
    )
    assert done.stdout.splitlines() == [
        "gpu-001", "gpu-001", "Linux 5.15.0-112-generic", "SIM00001", "OFED-internal-24.10-1.1.4:",
    ]  # fmt: skip
    assert healthy.sh("gpu-001", "dmidecode -s system-serial-number").returncode == 1
    lscpu = healthy.sh("gpu-001", "lscpu").stdout
    assert (
        "Socket(s):                       2\n" in lscpu and "CPU(s):                          224\n" in lscpu
    )
    assert "nvidia_peermem" in healthy.sh("gpu-001", "lsmod").stdout
