"""Every shape: its tools, read by the product's own parsers, give the simulated parts back."""

from __future__ import annotations

import pytest

from bringup.mock import SHAPES
from bringup.mock.programs import PROGRAMS, absent
from bringup.parsers import (
    host,
    lspci,
    nvidia_imex,
    nvidia_smi_nvlink,
    nvidia_smi_q,
    nvidia_smi_table,
    nvidia_smi_topo,
    nvidia_smi_xml,
    pci_sysfs,
    rdma_sysfs,
    systemd,
)

NVIDIA = sorted(name for name, shape in SHAPES.items() if shape.gpu_vendor == "nvidia")
FABRIC = sorted(name for name, shape in SHAPES.items() if shape.hca_bdfs)
# GPUs, links of each, what a link carries, ports and their rate, fabric manager, IMEX: from public data sheets.
EXPECTED = {
    "hgx-a100": (8, 12, 25.0, 8, 200, True, False),
    "hgx-h100": (8, 18, 26.562, 8, 400, True, False),
    "hgx-h200": (8, 18, 26.562, 8, 400, True, False),
    "hgx-b200": (8, 18, 53.125, 8, 400, True, False),
    "hgx-b300": (8, 18, 53.125, 8, 800, True, False),
    "hgx-h100-roce": (8, 18, 26.562, 8, 400, True, False),
    "gb200-nvl72": (4, 18, 53.125, 4, 400, False, True),
    "gb300-nvl72": (4, 18, 53.125, 4, 400, False, True),
    "h100-nvl": (2, 12, 26.562, 0, 400, False, False),
    "gh200": (1, 0, 0.0, 0, 400, False, False),
    "mi300x": (8, 7, 64.0, 8, 400, False, False),
    "mi325x": (8, 7, 64.0, 8, 400, False, False),
    "mi355x": (8, 7, 76.5, 8, 400, False, False),
    "cpu-ethernet": (0, 0, 0.0, 0, 400, False, False),
}


def test_the_shapes_are_the_documented_ones():  # type: ignore[no-untyped-def]
    found = {
        name: (
            len(s.gpu_bdfs), s.gpu.nvlinks, s.gpu.nvlink_gbs, len(s.hca_bdfs), s.hca.rate_gbps, s.fabric_manager,
            s.has_imex,
        )
        for name, s in SHAPES.items()
    }  # fmt: skip
    assert found == EXPECTED


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_no_address_is_used_twice(shape):  # type: ignore[no-untyped-def]
    s = SHAPES[shape]
    bdfs = [*s.gpu_bdfs, *s.switch_bdfs, *s.hca_bdfs, *s.aux_bdfs, *(nic.bdf for nic in s.nics if nic.bdf)]
    assert len(set(bdfs)) == len(bdfs)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_machine_is_that_of_the_shape(shape, shaped):  # type: ignore[no-untyped-def]
    lab, s = shaped(shape), SHAPES[shape]
    cpu = host.parse_cpu(lab.text("n-001", host.CPU))
    assert (cpu.threads, cpu.sockets) == (s.sockets * s.cores_per_socket * s.threads_per_core, s.sockets)
    assert host.parse_memory_kib(lab.text("n-001", host.MEMORY)) == pytest.approx(
        s.memory_gib * 2**20 * 0.984, rel=1e-3
    )
    versions = host.parse_versions(lab.text("n-001", host.VERSIONS))
    assert (versions.kernel, versions.os, versions.mlx5) == (s.kernel, s.os_name, s.mlx5 or None)
    assert versions.nvidia == (s.driver if s.gpu_vendor == "nvidia" else None)
    assert lab.sh("n-001", "uname -m").stdout.strip() == s.machine
    assert lab.sh("n-001", "lscpu").stdout.split()[1] == s.machine


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_node_has_the_programs_of_its_hardware_and_no_others(shape, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    found = host.parse_tools(lab.text("n-001", host.tools(PROGRAMS)))
    assert {name for name, path in found.items() if not path} == set(absent(SHAPES[shape]))


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_bus_shows_every_gpu_and_adapter(shape, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    node = lab.served.hardware("n-001")
    devices = {d.address[-10:]: d for d in pci_sysfs.parse(lab.text("n-001", pci_sysfs.DEVICES))}
    for gpu in node.gpus:
        device = devices[gpu.bdf[-10:]]
        assert (device.vendor, device.width, device.max_generation, device.is_nvidia_gpu) == (
            int(gpu.kind.pci_vendor, 16), gpu.kind.pcie_width, gpu.kind.pcie_gen, gpu.kind.vendor == "nvidia",
        )  # fmt: skip
    assert {d.rdma for d in devices.values() if d.rdma} == {h.name for h in node.hcas}
    text = lab.sh("n-001", "sudo -n lspci -vvD").stdout
    seen = {d.address for d in lspci.parse(text)}
    assert {f"0000{bdf}" for bdf in (g.bdf for g in node.gpus)} <= seen
    assert {f"0000{h.bdf}" for h in node.hcas} <= seen


@pytest.mark.parametrize("shape", NVIDIA)
def test_the_xml_report_gives_the_model_back(shape, shaped):  # type: ignore[no-untyped-def]
    lab, kind = shaped(shape), SHAPES[shape].gpu
    node = lab.served.hardware("n-002")
    smi = nvidia_smi_xml.read(lab.output("n-002", nvidia_smi_xml.QUERY))
    assert (smi.driver, smi.attached, smi.complaints, smi.lost) == (node.driver, len(node.gpus), (), {})
    for seen, gpu in zip(smi.gpus, node.gpus, strict=True):
        assert (seen.address, seen.uuid, seen.serial, seen.name, seen.memory_mib, seen.vbios) == (
            f"0000{gpu.bdf}", gpu.uuid, gpu.serial, kind.name, kind.memory_mib, kind.vbios,
        )  # fmt: skip
        assert (seen.pcie.gen_max, seen.pcie.width, seen.power_limit_w) == (
            kind.pcie_gen,
            kind.pcie_width,
            kind.power_limit_w,
        )
        assert (seen.persistence, seen.mig, seen.ecc_mode) == ("Enabled", "Disabled", "Enabled")
        assert (seen.ecc.volatile_uncorrected, seen.remap.pending, seen.remap.uncorrectable) == (0, False, 0)
        assert seen.fabric.complaints == ()
        assert seen.temperature_c == gpu.temperature_c
        if kind.fabric_reported:
            assert (seen.fabric.state, seen.fabric.status, seen.fabric.clique, seen.fabric.cluster) == (
                "Completed", "Success", gpu.clique, gpu.cluster_uuid,
            )  # fmt: skip
        else:
            assert (seen.fabric.state, seen.fabric.status) == (None, None)


@pytest.mark.parametrize("shape", NVIDIA)
def test_the_text_report_and_the_table_agree_with_the_xml(shape, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    in_xml = nvidia_smi_xml.read(lab.output("n-001", nvidia_smi_xml.QUERY))
    in_text = nvidia_smi_q.parse(lab.sh("n-001", "nvidia-smi -q").stdout)
    same = (
        "address",
        "uuid",
        "serial",
        "name",
        "memory_mib",
        "ecc_mode",
        "remap",
        "fabric",
        "pcie",
        "power_w",
    )
    assert [[getattr(g, f) for f in same] for g in in_text.gpus] == [
        [getattr(g, f) for f in same] for g in in_xml.gpus
    ]
    table = nvidia_smi_table.parse(lab.sh("n-001", "nvidia-smi").stdout)
    assert len(table.gpus) == len(in_xml.gpus)


@pytest.mark.parametrize("shape", NVIDIA)
def test_every_nvlink_runs_at_the_speed_of_its_generation(shape, shaped):  # type: ignore[no-untyped-def]
    lab, kind = shaped(shape), SHAPES[shape].gpu
    gpus = nvidia_smi_nvlink.parse_status(lab.text("n-001", nvidia_smi_nvlink.STATUS))
    assert [len(gpu.active) for gpu in gpus] == [kind.nvlinks] * len(SHAPES[shape].gpu_bdfs)
    speeds = {speed for gpu in gpus for speed in gpu.speeds.values()}
    assert speeds == ({kind.nvlink_gbs} if kind.nvlinks else set()) | ({None} if kind.unwired else set())
    assert all(set(gpu.inactive) == set(kind.unwired) for gpu in gpus)


def test_cards_with_a_bridge_reach_each_other_and_a_gpu_alone_nobody(shaped):  # type: ignore[no-untyped-def]
    """As public captures of such nodes show them: links that are inactive by design, N/A for the fabric."""
    cards, alone = shaped("h100-nvl"), shaped("gh200")
    topology = nvidia_smi_topo.parse(cards.text("n-001", nvidia_smi_topo.TOPOLOGY))
    assert [row.paths[:2] for row in topology.gpus] == [("X", "NV12"), ("NV12", "X")]
    far = nvidia_smi_nvlink.parse_far_ends(cards.sh("n-001", "nvidia-smi nvlink -R").stdout)
    addresses = [f"0000{gpu.bdf}" for gpu in cards.served.hardware("n-001").gpus]
    assert [{address for address, _ in gpu.links.values()} for gpu in far] == [
        {addresses[1]},
        {addresses[0]},
    ]
    (links,) = nvidia_smi_nvlink.parse_status(alone.text("n-001", nvidia_smi_nvlink.STATUS))
    assert (links.all_inactive, links.speeds) == (True, {})
    report = alone.sh("n-001", "nvidia-smi -q").stdout
    for row in ("State", "Status", "CliqueId", "ClusterUUID"):
        assert f"        {row:<47}: N/A\n" in report
    (gpu,) = nvidia_smi_q.parse(report).gpus
    assert (gpu.pcie.width, gpu.pcie.gen_max, gpu.fabric.state) == (1, 4, None)


@pytest.mark.parametrize("shape", FABRIC)
def test_every_port_is_up_at_its_rate(shape, shaped):  # type: ignore[no-untyped-def]
    lab, s = shaped(shape), SHAPES[shape]
    devices = rdma_sysfs.parse(lab.text("n-001", rdma_sysfs.PORTS))
    ports = [rdma_sysfs.find_port(devices, f"mlx5_{rail}") for rail in range(len(s.hca_bdfs))]
    assert {(p.state, p.phys_state, p.link_layer, p.rate_gbps, p.lanes) for p in ports if p} == {
        ("ACTIVE", "LinkUp", s.layer, s.hca.rate_gbps, 4)
    }
    assert all(ports)


@pytest.mark.parametrize("shape", NVIDIA)
def test_the_services_are_those_of_the_machine(shape, shaped):  # type: ignore[no-untyped-def]
    lab, s = shaped(shape), SHAPES[shape]
    manager = systemd.parse(lab.text("n-001", systemd.unit("nvidia-fabricmanager")))
    assert (manager.load, manager.active) == (
        ("loaded", "active") if s.fabric_manager else ("not-found", "inactive")
    )
    imex = systemd.parse(lab.text("n-001", systemd.unit("nvidia-imex")))
    assert imex.load == ("loaded" if s.has_imex else "not-found")
    log = lab.sh("n-001", "sudo -n dmesg").stdout
    assert ("fabric manager" in log) == s.fabric_manager


@pytest.mark.parametrize("shape", ["gb200-nvl72", "gb300-nvl72"])
def test_the_trays_of_a_rack_are_one_imex_domain(shape, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    domain = nvidia_imex.parse(lab.text("n-002", nvidia_imex.NODES))
    driver = SHAPES[shape].driver
    assert (domain.state, domain.broken) == ("UP", ())
    assert [(n.index, n.state, n.version) for n in domain.nodes] == [(k, "READY", driver) for k in range(3)]
    assert lab.sh("n-002", "nvidia-imex-ctl -q").stdout == "READY\n"
    clusters = {g.cluster_uuid for n in ("n-001", "n-002", "n-003") for g in lab.served.hardware(n).gpus}
    assert len(clusters) == 1 and clusters != {"00000000-0000-0000-0000-000000000000"}


def test_racks_are_different_nvlink_domains():  # type: ignore[no-untyped-def]
    from bringup.mock.build import build
    from bringup.model import Node

    shape = SHAPES["gb200-nvl72"]
    trays = [build(i, Node(f"t-{i}", rack=f"R{i // 18}"), shape, 7, 0.0) for i in range(36)]
    uuids = [{g.cluster_uuid for g in tray.gpus} for tray in trays]
    assert all(len(own) == 1 for own in uuids)
    assert len(set.union(*uuids[:18])) == len(set.union(*uuids[18:])) == 1
    assert uuids[0] != uuids[18]
    assert [tray.tray for tray in trays[17:19]] == [17, 0]
