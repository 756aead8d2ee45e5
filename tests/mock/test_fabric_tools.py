"""The simulated fabric adapters, read by the product's own parsers and compared with the simulated parts."""

from __future__ import annotations

import json

from bringup.parsers import ibstat, ibstatus, ibv_devinfo, rdma_link, rdma_sysfs

RAILS = ("mlx5_0", "mlx5_3", "mlx5_4", "mlx5_5", "mlx5_6", "mlx5_9", "mlx5_10", "mlx5_11")


def test_sysfs_shows_every_port_with_identity_state_and_counters(healthy):  # type: ignore[no-untyped-def]
    devices = {d.name: d for d in rdma_sysfs.parse(healthy.text("gpu-001", rdma_sysfs.PORTS))}
    node = healthy.served.hardware("gpu-001")
    assert set(devices) == {f"mlx5_{n}" for n in range(12)}
    for hca in node.hcas:
        device = devices[hca.name]
        assert (device.bdf, device.fw_ver, device.board_id, device.hca_type, device.node_guid) == (
            hca.bdf, "28.41.1000", "MT_0000000838", "MT4129", hca.guid,
        )  # fmt: skip
    for name in RAILS:
        port = devices[name].port()
        assert port is not None
        assert (port.state, port.phys_state, port.link_layer, port.rate) == (
            "ACTIVE", "LinkUp", "InfiniBand", "400 Gb/sec (4X NDR)",
        )  # fmt: skip
        assert port.lid and port.sm_lid == 1
        hca = node.hca(name)
        assert hca is not None
        assert dict(port.counters) == {n: hca.counters[n] for n in rdma_sysfs.COUNTERS}


def test_other_networks_take_the_device_numbers_between_the_rails(healthy):  # type: ignore[no-untyped-def]
    devices = {d.name: d for d in rdma_sysfs.parse(healthy.text("gpu-001", rdma_sysfs.PORTS))}
    others = {n: d.port() for n, d in devices.items() if n not in RAILS}
    assert {n: (p.link_layer, p.state, p.phys_state) for n, p in others.items()} == {
        "mlx5_1": ("Ethernet", "ACTIVE", "LinkUp"),
        "mlx5_2": ("Ethernet", "DOWN", "Disabled"),
        "mlx5_7": ("Ethernet", "ACTIVE", "LinkUp"),
        "mlx5_8": ("Ethernet", "DOWN", "Disabled"),
    }


def test_lids_and_guids_are_unique_in_the_cluster(healthy):  # type: ignore[no-untyped-def]
    hcas = [h for n in ("gpu-001", "gpu-002", "gpu-003") for h in healthy.served.hardware(n).hcas]
    assert len({h.guid for h in hcas}) == len(hcas) == 36
    lids = [h.lid for h in hcas if h.is_fabric]
    assert len(set(lids)) == len(lids) == 24


def test_the_tools_agree_with_sysfs(healthy):  # type: ignore[no-untyped-def]
    adapters = {a.name: a for a in ibstat.parse(healthy.text("gpu-001", ibstat.IBSTAT))}
    assert len(adapters) == 12
    first = adapters["mlx5_0"].ports[0]
    assert (first.state, first.phys_state, first.rate_gbps, first.base_lid) == ("Active", "LinkUp", 400, 16)
    ports = {p.device: p for p in ibstatus.parse(healthy.sh("gpu-001", "ibstatus").stdout)}
    assert len(ports) == 12
    infos = {d.name: d for d in ibv_devinfo.parse(healthy.sh("gpu-001", "ibv_devinfo -v").stdout)}
    assert infos["mlx5_9"].ports[0].state == "ACTIVE" and len(infos) == 12
    links = {link.device: link for link in rdma_link.parse_links(healthy.text("gpu-001", rdma_link.LINK))}
    assert links["mlx5_2"].state == "DOWN" and links["mlx5_0"].state == "ACTIVE"
    as_text = rdma_link.parse_links(healthy.sh("gpu-001", "rdma link").stdout)
    assert {link.device: link.state for link in as_text} == {n: link.state for n, link in links.items()}
    assert json.loads(healthy.sh("gpu-001", "rdma -j link show").stdout)[0]["physical_state"] == "LINK_UP"


def test_one_adapter_can_be_asked_for(healthy):  # type: ignore[no-untyped-def]
    assert [a.name for a in ibstat.parse(healthy.sh("gpu-001", "ibstat mlx5_4").stdout)] == ["mlx5_4"]
    assert healthy.sh("gpu-001", "ibstat mlx5_99").returncode == 255
    assert healthy.sh("gpu-001", "ibv_devinfo -d mlx5_99").returncode == 255


def test_sysfs_behaves_like_sysfs(healthy):  # type: ignore[no-untyped-def]
    script = """cd "$BRINGUP_ROOT"/sys/class/infiniband
readlink mlx5_3/device; cat mlx5_3/device/vendor; ls -d mlx5_3/device/net/*; cat mlx5_3/ports/1/rate
cat ../net/ibp1/operstate; readlink -f mlx5_3 | sed 's|.*/sys/|sys/|'; ls ../../bus/pci/devices | wc -l"""
    assert healthy.sh("gpu-001", script).stdout.split() == [
        "../../../0000:40:00.0", "0x15b3", "mlx5_3/device/net/ibp1", "400", "Gb/sec", "(4X", "NDR)", "up",
        "sys/devices/pci0000:3f/0000:3f:01.0/0000:40:00.0/infiniband/mlx5_3", "46",
    ]  # fmt: skip
