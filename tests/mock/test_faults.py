"""What faults show through the tools of their node, read with the battery's parsers, against the healthy node beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from bringup.mock import KINDS
from bringup.parsers import (
    chrony,
    host,
    kernel_log,
    nvidia_smi_csv,
    nvidia_smi_nvlink,
    nvidia_smi_xml,
    pci_sysfs,
    rdma_sysfs,
)

Scalar = str | int | float | bool
HCA = "mlx5_4"
PROBES: list[Probe] = []


@dataclass(frozen=True)
class Probe:
    """A fault, what to look at, and what must be seen on the faulty and on the healthy node."""

    kind: str
    params: Mapping[str, Scalar]
    look: Callable[..., object]
    faulty: object
    healthy: object


def probe(
    kind: str, params: Mapping[str, Scalar], look: Callable[..., object], faulty: object, healthy: object
) -> None:
    PROBES.append(Probe(kind, params, look, faulty, healthy))


def gpu(index: int, what: Callable[..., object]) -> Callable[..., object]:
    return lambda lab, node: what(nvidia_smi_xml.read(lab.output(node, nvidia_smi_xml.QUERY)).gpus[index])


def port(what: Callable[..., object]) -> Callable[..., object]:
    def look(lab, node):  # type: ignore[no-untyped-def]
        devices = rdma_sysfs.parse(lab.text(node, rdma_sysfs.PORTS))
        found = rdma_sysfs.find_port(devices, HCA)
        return what(found) if found else None

    return look


def pci(what: Callable[..., object], of: str) -> Callable[..., object]:
    def look(lab, node):  # type: ignore[no-untyped-def]
        model = lab.served.hardware(node)
        bdf = model.gpus[4].bdf if of == "gpu" else next(h.bdf for h in model.hcas if h.name == HCA)
        devices = pci_sysfs.parse(lab.text(node, pci_sysfs.DEVICES))
        return next((what(d) for d in devices if d.address == f"0000{bdf}"), "absent")

    return look


def sh(script: str) -> Callable[..., object]:
    def look(lab, node):  # type: ignore[no-untyped-def]
        done = lab.sh(node, script)
        return (done.returncode, done.stdout.strip())

    return look


def xids(lab, node):  # type: ignore[no-untyped-def]
    log = kernel_log.parse(lab.text(node, kernel_log.LOG))
    return [
        (e.code, e.address[-7:], round(e.age_s / 100)) for e in log.events if isinstance(e, kernel_log.Xid)
    ]


def lost(lab, node):  # type: ignore[no-untyped-def]
    return dict(nvidia_smi_xml.read(lab.output(node, nvidia_smi_xml.QUERY)).lost)


def slow_paths(lab, node):  # type: ignore[no-untyped-def]
    log = kernel_log.parse(lab.text(node, kernel_log.LOG))
    return [(e.speed_gts, e.width) for e in log.events if isinstance(e, kernel_log.SlowPath)]


def aer_events(lab, node):  # type: ignore[no-untyped-def]
    text = lab.sh(node, "sudo -n dmesg").stdout
    return re.findall(r"PCIe Bus Error: severity=([^,]+)", text)


def links(lab, node):  # type: ignore[no-untyped-def]
    return [g.inactive for g in nvidia_smi_nvlink.parse_status(lab.text(node, nvidia_smi_nvlink.STATUS))][2]


GPU = {"gpu": 4}
ON_HCA = {"hca": HCA}
AUX_OK = sh("true")

# the node as a whole
probe("no-sudo", {}, sh("sudo -n id -u 2>&1"), (1, "sudo: a password is required"), (0, "0"))
probe("hanging-tool", {"tool": "ibstat"}, sh("timeout 0.5 ibstat >/dev/null; echo $?"), (0, "124"), (0, "0"))
probe(
    "garbage-output",
    {"tool": "ibstat"},
    sh("ibstat | head -1"),
    (0, "Segmentation fault (core dumped)"),
    (0, "CA 'mlx5_0'"),
)
probe("missing-tool", {"tool": "ibstat"}, sh("command -v ibstat >/dev/null; echo $?"), (0, "127"), (0, "0"))
probe("missing-tool", {"tool": "tac"}, sh("command -v tac >/dev/null; echo $?"), (0, "127"), (0, "0"))
probe(
    "wrong-hostname",
    {"name": "gpu-099"},
    sh("hostname; cat $BRINGUP_ROOT/etc/hostname"),
    (0, "gpu-099\ngpu-099"),
    (0, "gpu-002\ngpu-002"),
)
probe(
    "wrong-serial",
    {"serial": "OTHER1"},
    sh("cat $BRINGUP_ROOT/sys/class/dmi/id/product_serial"),
    (0, "OTHER1"),
    (0, "SIM00002"),
)
probe(
    "cpu-missing",
    {},
    sh("grep -c ^processor $BRINGUP_ROOT/proc/cpuinfo"),
    (0, "112"),
    (0, "224"),
)
probe(
    "memory-missing", {"gib": 256},
    lambda lab, node: round(host.parse_memory_kib(lab.text(node, host.MEMORY)) / 2**20), 1763, 2015,
)  # fmt: skip
probe(
    "memlock-low", {"kib": 64},
    lambda lab, node: host.limit_of(host.parse_limits(lab.text(node, host.LIMITS)), "locked memory").soft, 65536, None,
)  # fmt: skip
probe(
    "clock-offset",
    {"ms": -80},
    lambda lab, node: round(chrony.parse(lab.text(node, chrony.TRACKING)).offset_s, 3),
    0.08,
    0.0,
)
probe(
    "clock-unsynced",
    {},
    lambda lab, node: chrony.parse(lab.text(node, chrony.TRACKING)).synchronised,
    False,
    True,
)
probe(
    "busy", {"pid": 4711, "name": "python3", "gpu": 2, "memory_mib": 1000},
    lambda lab, node: [(a.pid, a.name, a.memory_mib) for a in nvidia_smi_csv.apps(lab.text(node, nvidia_smi_csv.COMPUTE_APPS))],
    [(4711, "python3", 1000)], [],
)  # fmt: skip
# GPUs
probe("gpu-lost", GPU, lost, {"00000000:9d:00.0": "Unknown Error"}, {})
probe("gpu-lost", GPU, xids, [(79, "9d:00.0", 0), (154, "9d:00.0", 0)], [])
probe("gpu-lost", {**GPU, "age_s": 7200}, xids, [(79, "9d:00.0", 72), (154, "9d:00.0", 72)], [])
probe("gpu-lost", GPU, pci(lambda d: (d.speed_gts, d.width), "gpu"), (None, None), (2.5, 16))
probe("gpu-lost", GPU, sh("lspci -D -s 9d:00.0 | sed 's/.*(/(/'"), (0, "(rev ff)"), (0, "(rev a1)"))
probe(
    "gpu-lost",
    {**GPU, "nvidia_smi": "fails"},
    sh("nvidia-smi -L | head -1 | cut -c1-22"),
    (0, "Unable to determine th"),
    (0, "GPU 0: NVIDIA H100 80GB"[:22]),
)
probe("gpu-missing", GPU, pci(lambda d: d.width, "gpu"), "absent", 16)
probe("gpu-missing", GPU, sh("nvidia-smi -L | wc -l; sudo -n dmesg | grep -c Xid"), (1, "7\n0"), (1, "8\n0"))
probe(
    "driver-down",
    {},
    sh("nvidia-smi | cut -c1-31; lsmod | grep -c nvidia"),
    (1, "NVIDIA-SMI has failed because i\n\n0"),
    None,
)
probe(
    "driver-version",
    {"version": "570.86.15"},
    lambda lab, node: host.parse_versions(lab.text(node, host.VERSIONS)).nvidia,
    "570.86.15",
    "580.95.05",
)
probe(
    "driver-version",
    {"version": "570.86.15"},
    lambda lab, node: nvidia_smi_xml.read(lab.output(node, nvidia_smi_xml.QUERY)).driver,
    "570.86.15",
    "580.95.05",
)
probe(
    "ecc",
    {**GPU, "count": 3},
    gpu(4, lambda g: (g.ecc.volatile_uncorrected, g.ecc.aggregate_uncorrected)),
    (3, 3),
    (0, 0),
)
probe(
    "remap-pending",
    GPU,
    gpu(4, lambda g: (g.remap.pending, g.remap.failed, g.remap.uncorrectable)),
    (True, False, 1),
    (False, False, 0),
)
probe(
    "remap-failed",
    GPU,
    gpu(4, lambda g: (g.remap.pending, g.remap.failed, g.remap.uncorrectable)),
    (False, True, 8),
    (False, False, 0),
)
probe("xid", {**GPU, "code": 95, "age_s": 1000}, xids, [(95, "9d:00.0", 10)], [])
probe(
    "gpu-slowdown",
    {**GPU, "reason": "power-brake"},
    gpu(4, lambda g: g.slowdowns),
    ("hw_slowdown", "hw_power_brake_slowdown"),
    ("gpu_idle",),
)
probe(
    "gpu-slowdown",
    GPU,
    gpu(4, lambda g: (g.slowdowns, g.temperature_c)),
    (("hw_slowdown", "hw_thermal_slowdown"), 91.0),
    None,
)
probe("gpu-mode", {**GPU, "mode": "persistence"}, gpu(4, lambda g: g.persistence), "Disabled", "Enabled")
probe("gpu-mode", {**GPU, "mode": "mig"}, gpu(4, lambda g: g.mig), "Enabled", "Disabled")
probe(
    "gpu-mode",
    {**GPU, "mode": "ecc"},
    gpu(4, lambda g: (g.ecc_mode, g.ecc.volatile_uncorrected)),
    ("Disabled", None),
    ("Enabled", 0),
)
probe(
    "gpu-model",
    {**GPU, "name": "NVIDIA H800"},
    gpu(4, lambda g: g.name),
    "NVIDIA H800",
    "NVIDIA H100 80GB HBM3",
)
probe(
    "inforom-corrupt",
    GPU,
    sh("nvidia-smi -L | tail -1; nvidia-smi -L >/dev/null; echo $?"),
    (0, "WARNING: infoROM is corrupted at gpu 0000:9d:00.0\n14"),
    None,
)
probe("recovery-action", {**GPU, "action": "Reset"}, gpu(4, lambda g: g.recovery_action), "Reset", "None")
probe("remap-exhausted", {**GPU, "rows": 513}, gpu(4, lambda g: g.remap.uncorrectable), 513, 0)
probe(
    "kernel-version",
    {"version": "6.8.0-35-generic"},
    sh("uname -r"),
    (0, "6.8.0-35-generic"),
    (0, "5.15.0-112-generic"),
)
probe("no-scratch-space", {}, sh("mktemp -d >/dev/null 2>&1; echo $?"), (0, "1"), (0, "0"))
probe(
    "wrong-architecture",
    {"tool": "ibstat"},
    sh("ibstat 2>&1 >/dev/null; echo $?"),
    (0, "/bin/sh: 1: ibstat: Exec format error\n126"),
    (0, "0"),
)
probe(
    "tool-fails-sometimes",
    {"tool": "ibstat"},
    sh("for i in 1 2 3 4 5 6; do ibstat >/dev/null 2>&1; printf $?; done"),
    (0, "001001"),
    (0, "000000"),
)
probe("gpu-memory-module-missing", {}, sh("lsmod | grep -c ^nvidia_peermem"), (1, "0"), (0, "1"))
probe("gpu-memory", {**GPU, "mib": 65000}, gpu(4, lambda g: g.memory_mib), 65000, 81559)
probe("pcie-width", {**GPU, "width": 8}, pci(lambda d: (d.width, d.max_width), "gpu"), (8, 16), (16, 16))
probe("pcie-width", {**GPU, "width": 8}, gpu(4, lambda g: g.pcie.width), 8, 16)
probe("pcie-width", {**GPU, "width": 8}, slow_paths, [(32.0, 8)], [])
probe("pcie-gen", {**GPU, "gen": 4}, gpu(4, lambda g: g.pcie.gen_max), 4, 5)
probe("pcie-gen", {**GPU, "gen": 4}, slow_paths, [(16.0, 16)], [])
probe(
    "pcie-errors",
    {**GPU, "severity": "fatal", "count": 3},
    pci(lambda d: (d.aer_fatal, d.aer_nonfatal), "gpu"),
    (3, 0),
    (0, 0),
)
probe("pcie-errors", {**GPU, "count": 3}, aer_events, ["Uncorrected (Non-Fatal)"], [])
# NVLink and collectives
probe("nvlink-down", {"gpu": 2, "link": 7}, links, (7,), ())
probe(
    "nvlink-slow",
    {"gpu": 2, "link": 7, "gbs": 13.281},
    sh("nvidia-smi nvlink -s -i 2 | grep 'Link 7'"),
    (0, "Link 7: 13.281 GB/s"),
    (0, "Link 7: 26.562 GB/s"),
)
probe(
    "nvlink-errors",
    {"gpu": 2, "link": 7, "count": 9},
    sh("nvidia-smi nvlink -e -i 2 | grep 'Link 7: Replay'"),
    (0, "Link 7: Replay Errors: 9"),
    (0, "Link 7: Replay Errors: 0"),
)
probe(
    "nvlink-recoveries",
    {"gpu": 2, "link": 7, "count": 4},
    sh("nvidia-smi nvlink -e -i 2 | grep 'Link 7: Recovery'"),
    (0, "Link 7: Recovery Errors: 4"),
    (0, "Link 7: Recovery Errors: 0"),
)
probe("nvlink-all-down", {"gpu": 2}, sh("nvidia-smi nvlink -s -i 2 | grep -c inActive"), (0, "1"), (1, "0"))
probe("fabric-manager-down", {}, sh("systemctl is-active nvidia-fabricmanager"), (3, "failed"), (0, "active"))
probe(
    "fabric-manager-down",
    {},
    gpu(4, lambda g: (g.fabric.state, g.fabric.status, g.fabric.clique)),
    ("In Progress", None, None),
    ("Completed", "Success", 0),
)
probe(
    "fabric-manager-down",
    {"since": "later"},
    gpu(4, lambda g: (g.fabric.state, g.fabric.status)),
    ("Completed", "Success"),
    ("Completed", "Success"),
)
probe(
    "fabric-state",
    {**GPU, "state": "Not Started"},
    gpu(4, lambda g: g.fabric.state),
    "Not Started",
    "Completed",
)
probe(
    "nvls-off",
    {},
    sh("all_reduce_perf -b 8G -e 8G -g 8 | awk '/^ / {print int($8/100)}'"),
    (0, "3"),
    (0, "4"),
)
probe(
    "wrong-results",
    {**GPU, "count": 5},
    sh("all_reduce_perf -g 8 | grep -o 'Out of.*'"),
    (0, "Out of bounds values : 10 FAILED"),
    (0, "Out of bounds values : 0 OK"),
)
# adapters, ports and cables
probe("hca-missing", ON_HCA, port(lambda p: p.state), None, "ACTIVE")
probe("hca-missing", ON_HCA, pci(lambda d: d.width, "hca"), "absent", 16)
probe(
    "firmware-version",
    {**ON_HCA, "version": "28.36.1010"},
    sh(f"ibstat {HCA} | grep Firmware"),
    (0, "Firmware version: 28.36.1010"),
    (0, "Firmware version: 28.41.1000"),
)
probe(
    "nic-pcie-width", {**ON_HCA, "width": 4}, pci(lambda d: (d.width, d.max_width), "hca"), (4, 16), (16, 16)
)
probe(
    "nic-pcie-speed",
    {**ON_HCA, "gts": 16.0},
    pci(lambda d: (d.speed_gts, d.max_speed_gts), "hca"),
    (16.0, 32.0),
    (32.0, 32.0),
)
probe(
    "nic-pcie-errors",
    {**ON_HCA, "severity": "correctable", "count": 70},
    pci(lambda d: d.aer_correctable, "hca"),
    70,
    0,
)
probe(
    "port-down",
    ON_HCA,
    port(lambda p: (p.state, p.phys_state, p.rate_gbps, p.lid)),
    ("DOWN", "Polling", 10, 0),
    None,
)
probe(
    "port-disabled",
    ON_HCA,
    port(lambda p: (p.state, p.phys_state)),
    ("DOWN", "Disabled"),
    ("ACTIVE", "LinkUp"),
)
probe(
    "port-init",
    ON_HCA,
    port(lambda p: (p.state, p.phys_state, p.rate_gbps, p.sm_lid)),
    ("INIT", "LinkUp", 400, 0),
    ("ACTIVE", "LinkUp", 400, 1),
)
probe(
    "port-rate", {**ON_HCA, "rate": 200}, port(lambda p: p.rate), "200 Gb/sec (4X HDR)", "400 Gb/sec (4X NDR)"
)
probe(
    "port-lanes", {**ON_HCA, "lanes": 2}, port(lambda p: p.rate), "200 Gb/sec (2X NDR)", "400 Gb/sec (4X NDR)"
)
probe(
    "link-layer",
    ON_HCA,
    port(lambda p: (p.link_layer, p.state)),
    ("Ethernet", "ACTIVE"),
    ("InfiniBand", "ACTIVE"),
)
probe("symbol-errors", {**ON_HCA, "count": 5000}, port(lambda p: p.counters["symbol_error"]), 5000, 0)
probe("link-flaps", {**ON_HCA, "count": 3}, port(lambda p: p.counters["link_error_recovery"]), 3, 0)
probe(
    "link-flaps", {**ON_HCA, "count": 3}, sh("sudo -n dmesg | grep -c 'ibp2: Link down'"), (0, "3"), (1, "0")
)
probe("slow-latency", {**ON_HCA, "us": 9}, sh("true"), (0, ""), (0, ""))


@pytest.mark.parametrize("case", PROBES, ids=lambda p: f"{p.kind}-{PROBES.index(p)}")
def test_a_fault_shows_at_its_part_and_nowhere_else(lab, case):  # type: ignore[no-untyped-def]
    here = lab(case.kind, params=case.params)
    assert case.look(here, "gpu-001") == case.faulty
    if case.healthy is not None:
        assert case.look(here, "gpu-002") == case.healthy


def test_the_probed_kinds_exist():  # type: ignore[no-untyped-def]
    """That every kind shows somewhere is tested in test_fault_effects."""
    assert {p.kind for p in PROBES} <= set(KINDS)


def test_a_busy_node_shows_its_program_everywhere(lab):  # type: ignore[no-untyped-def]
    here = lab("busy", params={"pid": 4711, "name": "python3", "memory_mib": 2000})
    assert re.search(
        r"\|\s+0\s+N/A\s+N/A\s+4711\s+C\s+python3\s+2000MiB \|", here.sh("gpu-001", "nvidia-smi").stdout
    )
    assert "<pid>4711</pid>" in here.sh("gpu-001", "nvidia-smi -q -x").stdout
    assert "Process ID" in here.sh("gpu-001", "nvidia-smi -q").stdout


def test_latency_and_leaf_faults_change_what_is_measured(lab):  # type: ignore[no-untyped-def]
    from bringup.inventory.types import FaultSpec, Params
    from bringup.parsers import perftest

    late = lab("slow-latency", params={"hca": HCA, "us": 9})
    _, asked = late.both(
        ("gpu-001", perftest.latency("ib_write_lat", HCA, 18800)),
        ("gpu-002", perftest.latency("ib_write_lat", HCA, 18800, "gpu-001")),
    )
    assert 10.9 < perftest.latencies(asked.stdout)[-1].middle_us < 11.2
    both = FaultSpec("slow-leaf", ("gpu-001", "gpu-002"), Params({"leaf": "leaf-03", "fraction": 0.5}))
    leaf = lab(faults=[both], count=3)
    speeds = {}
    for hca in (HCA, "mlx5_0"):
        _, asked = leaf.both(
            ("gpu-001", perftest.bandwidth("ib_write_bw", hca, 18801, 1)),
            ("gpu-003", perftest.bandwidth("ib_write_bw", hca, 18801, 1, "gpu-001")),
        )
        speeds[hca] = round(perftest.bandwidths(asked.stdout)[-1].average_gbps / 10)
    assert speeds == {HCA: 19, "mlx5_0": 39}


def test_the_same_seed_gives_the_same_cluster(lab):  # type: ignore[no-untyped-def]
    def serials(one) -> list[str]:  # type: ignore[no-untyped-def]
        return [g.serial for g in one.served.hardware("gpu-002").gpus]

    assert serials(lab()) == serials(lab(count=3))
