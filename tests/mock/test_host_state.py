"""The simulated host: settings, drives, counters, boots and the PCI tree, read by the product's own parsers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bringup.mock.faults import KINDS
from bringup.parsers import (
    blocked,
    boots,
    host_errors,
    host_settings,
    identities,
    ipmi,
    nvidia_smi_topo,
    pci_capabilities,
    pci_sysfs,
    pci_tree,
    storage,
)


def scratch(command):  # type: ignore[no-untyped-def]
    """The command with a scratch folder, as the engine gives it one."""
    return replace(command, script=f"TMP=$(mktemp -d)\n{command.script}")


def test_a_healthy_host(healthy):  # type: ignore[no-untyped-def]
    node = healthy.served.hardware("gpu-001")
    settings = host_settings.parse(healthy.text("gpu-001", host_settings.SETTINGS))
    assert (settings.iommu_mode, settings.numa_balancing, settings.swaps) == ("passthrough", 0, ())
    assert set(settings.governors) == {"performance"}
    counts = host_errors.parse(healthy.text("gpu-001", host_errors.COUNTS))
    assert (counts.controllers, counts.interrupts["MCE"]) == ((host_errors.Controller("mc0", 0, 0),), 0)
    mounts, sizes = storage.parse_filesystems(healthy.text("gpu-001", scratch(storage.FILESYSTEMS)))
    assert {m.at for m in mounts} == {s.at for s in sizes} and not any(m.read_only for m in mounts)
    assert next(s.total_kib for s in sizes if s.at == "/dev/shm") == node.memory_gib << 19
    assert len(storage.parse_nvme(healthy.text("gpu-001", storage.NVME))) == node.shape.nvmes + 1
    assert blocked.parse(healthy.text("gpu-001", scratch(blocked.BLOCKED))) == ()


def test_a_healthy_bus_and_bmc(healthy):  # type: ignore[no-untyped-def]
    devices = {d.address: d for d in pci_sysfs.parse(healthy.text("gpu-001", pci_sysfs.DEVICES))}
    above = pci_tree.parse(healthy.text("gpu-001", pci_tree.TREE))
    gpu = next(d for d in devices.values() if d.is_gpu)
    assert [hop.gts for hop in pci_tree.hops(gpu, above[gpu.address], devices)] == [512.0]
    shown = pci_capabilities.parse(healthy.text("gpu-001", pci_capabilities.CAPABILITIES))
    assert {c.acs for c in shown if c.acs is not None} == {frozenset()}
    assert not any(c.hidden for c in shown)
    assert all(s.state == "ok" for s in ipmi.parse_sensors(healthy.text("gpu-001", ipmi.SENSORS)))
    assert len(ipmi.parse_events(healthy.text("gpu-001", ipmi.EVENTS))) == 1


def test_identities_are_its_own(healthy):  # type: ignore[no-untyped-def]
    a, b = (identities.parse(healthy.text(n, identities.IDENTITIES)) for n in ("gpu-001", "gpu-002"))
    for mine, theirs in ((a.guids, b.guids), (a.macs, b.macs)):
        assert mine and not {value for _, value in mine} & {value for _, value in theirs}


def test_boots(healthy, lab):  # type: ignore[no-untyped-def]
    seen = boots.parse(healthy.text("gpu-001", boots.BOOTS))
    assert seen.boots is not None and seen.uptime_s > 86400
    looping = boots.parse(lab("boot-loop", params={"boots": 9}).text("gpu-001", boots.BOOTS))
    assert looping.boots is not None
    assert sum(boot > looping.now - 86400 for boot in looping.boots) == 9


def governors(lab):  # type: ignore[no-untyped-def]
    return set(host_settings.parse(lab.text("gpu-001", host_settings.SETTINGS)).governors)


def redirected(lab):  # type: ignore[no-untyped-def]
    shown = pci_capabilities.parse(lab.text("gpu-001", pci_capabilities.CAPABILITIES))
    return {"ReqRedir" in c.acs for c in shown if c.acs is not None}


def request_sizes(lab):  # type: ignore[no-untyped-def]
    shown = pci_capabilities.parse(lab.text("gpu-001", pci_capabilities.CAPABILITIES))
    return {c.read_request for c in shown}


def drive_states(lab):  # type: ignore[no-untyped-def]
    return [d.state for d in storage.parse_nvme(lab.text("gpu-001", storage.NVME))][:2]


def drives(lab):  # type: ignore[no-untyped-def]
    return len(storage.parse_nvme(lab.text("gpu-001", storage.NVME)))


def fullest(lab):  # type: ignore[no-untyped-def]
    _, sizes = storage.parse_filesystems(lab.text("gpu-001", scratch(storage.FILESYSTEMS)))
    return max(s.used_percent for s in sizes)


def corrected(lab):  # type: ignore[no-untyped-def]
    return host_errors.parse(lab.text("gpu-001", host_errors.COUNTS)).controllers[0].corrected


def far_adapters(lab):  # type: ignore[no-untyped-def]
    topology = nvidia_smi_topo.parse(lab.text("gpu-001", nvidia_smi_topo.TOPOLOGY))
    near = {nic for gpu in topology.gpus for nic in topology.nearest_nics(gpu.name, "PIX")}
    return "mlx5_5" not in near


@pytest.mark.parametrize(
    ("kind", "params", "read", "value"),
    [
        ("governor-powersave", {}, governors, {"powersave"}),
        ("acs-on", {}, redirected, {True}),
        ("read-request-small", {"hca": "mlx5_4", "bytes": 256}, request_sizes, {256, 4096}),
        ("nvme-dead", {"drive": 1}, drive_states, ["live", "dead"]),
        ("nvme-missing", {"drive": 1}, drives, 8),
        ("disk-full", {}, fullest, 97),
        ("no-scratch-space", {}, fullest, 100),
        ("memory-corrected", {"count": 250}, corrected, 250),
        ("nic-far-socket", {"hca": "mlx5_5"}, far_adapters, True),
    ],
)
def test_a_fault_shows_where_the_checks_look(lab, kind, params, read, value):  # type: ignore[no-untyped-def]
    assert kind in KINDS
    assert read(lab(kind, params=params)) == value
