"""The simulated network tools, read by the product's own parsers and compared with the simulated parts."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Command
from bringup.parsers import (
    ethtool,
    ethtool_module,
    ethtool_stats,
    ibdev2netdev,
    ip_link,
    iperf3,
    mlnx_qos,
    mlxlink,
    perftest,
    rdma_link,
    show_gids,
)


def test_show_gids_tells_the_addresses_of_roce_ports(shaped, corpus):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100-roce")
    node = lab.served.hardware("n-002")
    gids = show_gids.parse(lab.text("n-002", show_gids.GIDS)).gids
    hca = node.hca("mlx5_3")
    assert hca is not None
    own = [g for g in gids if g.device == "mlx5_3"]
    real = show_gids.parse(corpus("show_gids/03-tabs-original.txt")).gids
    assert [(g.index, g.version, bool(g.ipv4)) for g in own] == [
        (g.index, g.version, bool(g.ipv4)) for g in real
    ]
    assert (own[3].ipv4, own[3].netdev, own[3].gid) == (
        "10.103.0.2", hca.netdev, "0000:0000:0000:0000:0000:ffff:0a67:0002",
    )  # fmt: skip
    attributes = lab.sh(
        "n-002", "cd $BRINGUP_ROOT/sys/class/infiniband/mlx5_3/ports/1/gid_attrs; cat types/3 ndevs/3"
    ).stdout
    assert attributes == f"RoCE v2\n{hca.netdev}\n"
    on_infiniband = show_gids.parse(shaped("hgx-h100").text("n-001", show_gids.GIDS)).gids
    assert {(g.index, g.netdev) for g in on_infiniband if g.device == "mlx5_0"} == {(0, None)}


def test_qos_is_lossless_on_one_priority_and_only_root_sees_it(shaped, corpus):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100-roce")
    hca = lab.served.hardware("n-001").hca("mlx5_0")
    mine = mlnx_qos.parse(lab.text("n-001", mlnx_qos.qos(hca.netdev)))
    real = mlnx_qos.parse(corpus("mlnx_qos/01-dscp-pfc3-firmware-controlled.txt"))
    assert (mine.flow_control, mine.trust, mine.priority_of_dscp) == (
        real.flow_control, real.trust, real.priority_of_dscp,
    )  # fmt: skip
    assert [c.priorities for c in mine.classes] == [(k,) for k in range(8)]
    assert lab.sh("n-001", f"mlnx_qos -i {hca.netdev}").returncode == 1
    assert lab.sh("n-001", f"sudo -n mlnx_qos -i {hca.netdev} --trust pcp").returncode == 1
    infiniband = shaped("hgx-h100").served.hardware("n-001").hca("mlx5_0")
    assert shaped("hgx-h100").sh("n-001", f"sudo -n mlnx_qos -i {infiniband.netdev}").returncode == 1


def test_ethtool_tells_speed_driver_and_fec(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100-roce")
    hca = lab.served.hardware("n-001").hca("mlx5_0")
    (seen,) = ethtool.parse(lab.text("n-001", ethtool.settings(hca.netdev)))
    assert (seen.device, seen.link, seen.running_mbps, seen.lanes, seen.port) == (
        hca.netdev, True, 400_000, 4, "FIBRE",
    )  # fmt: skip
    driver = lab.sh("n-001", f"ethtool -i {hca.netdev}").stdout
    assert f"firmware-version: {hca.firmware} ({hca.kind.board_id})\n" in driver
    assert f"bus-info: {hca.bdf}\n" in driver
    assert "Active FEC encoding: RS\n" in lab.sh("n-001", f"ethtool --show-fec {hca.netdev}").stdout
    down = next(h for h in lab.served.hardware("n-001").hcas if not h.active)
    (dark,) = ethtool.parse(lab.text("n-001", ethtool.settings(down.netdev)))
    assert (dark.link, dark.speed_mbps, dark.running_mbps) == (False, None, None)
    missing = lab.sh("n-001", "ethtool nothing0")
    assert (missing.returncode, missing.stdout) == (75, "No data available\n")


def test_ethtool_counters_are_those_of_the_port(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100-roce")
    hca = lab.served.hardware("n-001").hca("mlx5_2")
    seen = {
        c.name: c.value for c in ethtool_stats.parse(lab.text("n-001", ethtool_stats.statistics(hca.netdev)))
    }
    assert seen["link_down_events_phy"] == hca.counters["link_downed"]
    assert seen["rx_vport_rdma_unicast_bytes"] == hca.counters["port_rcv_data"] * 4
    assert {f"rx_prio{k}_pause" for k in range(8)} <= set(seen)
    plain = ethtool_stats.parse(shaped("cpu-ethernet").text("n-001", ethtool_stats.statistics("ens1f0np0")))
    assert "rx_crc_errors" in {c.name for c in plain}


@pytest.mark.parametrize("shape", ["hgx-h100-roce", "hgx-b300"])
def test_the_module_tells_its_light(shape, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    hca = lab.served.hardware("n-001").hca("mlx5_0")
    seen = ethtool_module.parse(lab.text("n-001", ethtool_module.module(hca.netdev)))
    optic = hca.optic
    assert (seen.vendor, seen.part, seen.serial) == (optic.vendor, optic.part, optic.serial)
    assert seen.rx_dbm == pytest.approx([optic.rx_dbm] * 4, abs=0.01)
    assert seen.temperature_c == pytest.approx(optic.temperature_c, abs=0.01)
    assert seen.raised == ()
    assert lab.sh("n-001", f"ethtool -m {hca.netdev}").returncode == 1  # not without root
    assert lab.sh("n-001", "sudo -n ethtool -m eno8303").returncode == 1


def test_a_copper_plug_has_no_light_and_a_dark_port_no_power(lab):  # type: ignore[no-untyped-def]
    one = lab("port-down", count=1, params={"hca": "mlx5_3"})
    node = one.served.hardware("gpu-001")
    dark = ethtool_module.parse(one.text("gpu-001", ethtool_module.module(node.hca("mlx5_3").netdev)))
    assert dark.rx_dbm == (ethtool_module.DARK_DBM,) * 4 and dark.raised == ("Laser rx power low alarm",)
    link = mlxlink.parse(one.text("gpu-001", mlxlink.port("mlx5_3")))
    assert (link.state, link.opcode, link.speed) == ("Polling", 2, None)
    node.hca("mlx5_4").optic.copper = True
    plug = ethtool_module.parse(one.text("gpu-001", ethtool_module.module(node.hca("mlx5_4").netdev)))
    assert (plug.tx_dbm, plug.rx_dbm, plug.temperature_c, plug.raised) == ((), (), None, None)
    assert mlxlink.parse(one.text("gpu-001", mlxlink.port("mlx5_4"))).module.rx_dbm is None


def test_mlxlink_agrees_with_the_port(shaped, corpus):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100")
    hca = lab.served.hardware("n-001").hca("mlx5_1")
    text = lab.text("n-001", mlxlink.port("mlx5_1"))
    link = mlxlink.parse(text)
    assert (link.state, link.physical_state, link.speed, link.width, link.opcode) == (
        "Active", "LinkUp", "IB-NDR", 4, 0,
    )  # fmt: skip
    assert (link.firmware, link.module.serial) == (hca.firmware, hca.optic.serial)
    assert link.errors.effective_ber == 0 and link.errors.raw_ber == pytest.approx(hca.optic.raw_ber, rel=0.5)
    on_ethernet = mlxlink.parse(shaped("hgx-h100-roce").text("n-001", mlxlink.port("mlx5_1")))
    assert (on_ethernet.speed, on_ethernet.physical_state) == ("400G", "ETH_AN_FSM_ENABLE")
    real = json.loads(corpus("mlxlink/02-json-400g-dr4-mft4341.json"))["result"]["output"]
    mine = json.loads(text)["result"]["output"]
    assert set(mine) == set(real)
    for title in ("Operational Info", "Troubleshooting Info", "Tool Information"):
        assert set(mine[title]) == set(real[title])
    assert set(real["Physical Counters and BER Info"]) <= set(mine["Physical Counters and BER Info"])
    theirs = mlxlink.parse(json.dumps({"result": {"output": real}, "status": {"code": 0}})).module
    fields = mlxlink.Module.__dataclass_fields__
    assert [f for f in fields if getattr(theirs, f) is not None and getattr(link.module, f) is None] == []
    gone = lab.sh("n-001", "sudo -n mlxlink -d mlx5_99 --json")
    assert gone.returncode == 1 and json.loads(gone.stdout)["status"]["code"] == 1


@pytest.mark.parametrize("shape", ["hgx-h100", "hgx-h100-roce", "cpu-ethernet"])
def test_ip_lists_every_interface(shape, shaped):  # type: ignore[no-untyped-def]
    lab = shaped(shape)
    node = lab.served.hardware("n-001")
    links = {i.name: i for i in ip_link.parse(lab.text("n-001", ip_link.LINKS))}
    assert set(links) == {"lo", *(n.kind.name for n in node.nics), *(h.netdev for h in node.hcas)}
    for hca in node.hcas:
        own = links[hca.netdev]
        kind = "infiniband" if hca.layer == "InfiniBand" else "ether"
        assert (own.mtu, own.link_type, own.has_link, own.operstate) == (
            hca.mtu, kind, hca.active, "UP" if hca.active else "DOWN",
        )  # fmt: skip
        address = lab.sh("n-001", f"cat $BRINGUP_ROOT/sys/class/net/{hca.netdev}/address").stdout.strip()
        assert own.mac == address
    with_addresses = {i.name: i.addresses for i in ip_link.parse(lab.text("n-001", ip_link.ADDRESSES))}
    own = next(nic for nic in node.nics if nic.ipv4)
    assert (with_addresses[own.kind.name][0].address, own.ipv4) == ("10.0.0.1", "10.0.0.1")
    if shape == "hgx-h100-roce":
        assert [a.address for a in with_addresses[node.hca("mlx5_5").netdev]] == ["10.105.0.1"]


def test_rdma_and_ibdev2netdev_agree(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100-roce")
    links = {link.device: link.netdev for link in rdma_link.parse_links(lab.text("n-001", rdma_link.LINK))}
    bound = {b.device: b.netdev for b in ibdev2netdev.parse(lab.text("n-001", ibdev2netdev.MAP))}
    assert links == bound == {h.name: h.netdev for h in lab.served.hardware("n-001").hcas}


def test_roce_ports_reach_their_rate(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100-roce")
    server, client = (
        perftest.bandwidth("ib_write_bw", "mlx5_0", 18600, 2),
        perftest.bandwidth("ib_write_bw", "mlx5_0", 18600, 2, "n-002"),
    )
    _, asked = lab.both(("n-002", server), ("n-001", client))
    assert asked.returncode == 0, asked.stderr
    assert perftest.bandwidths(asked.stdout)[-1].average_gbps == pytest.approx(386, abs=2)


def test_pingpong_between_two_nodes(shaped):  # type: ignore[no-untyped-def]
    lab = shaped("hgx-h100")
    done = lab.sh("n-001", "ibv_rc_pingpong -d mlx5_0 -p 19001 n-002")
    assert (done.returncode, done.stderr) == (1, "Couldn't connect to n-002:19001\n")
    script = "ibv_rc_pingpong -d mlx5_0 -p 19002 > served.txt & "
    waited = "while ! grep -q ':4A3A .* 0A ' $BRINGUP_ROOT/proc/net/tcp; do sleep 0.01; done; "
    asked = lab.sh("n-001", f"{script}{waited}ibv_rc_pingpong -d mlx5_1 -p 19002 n-001; wait; cat served.txt")
    lines = [line for line in asked.stdout.splitlines() if line.endswith("usec/iter")]
    assert asked.returncode == 0 and len(lines) == 2 and lines[0] == lines[1]


def test_iperf3_reaches_the_line_or_says_why_not(shaped, corpus):  # type: ignore[no-untyped-def]
    lab = shaped("cpu-ethernet")
    server, client = (
        Command("iperf3 -s -1 -p 5301", listens=5301),
        Command("iperf3 -c n-002 -p 5301 -t 2 -P 8 -J"),
    )
    _, asked = lab.both(("n-002", server), ("n-001", client))
    transfer = iperf3.parse(asked.stdout)
    assert (transfer.error, transfer.protocol, transfer.streams) == (None, "TCP", 8)
    assert transfer.forward is not None and transfer.forward.received_gbps == pytest.approx(94, rel=0.01)
    refused = lab.sh("n-001", "iperf3 -c n-003 -p 5302 -J")
    assert refused.returncode == 0 and "unable to connect" in (iperf3.parse(refused.stdout).error or "")
    real = json.loads(corpus("iperf3/02-json-tcp-1-stream.json"))
    mine = json.loads(asked.stdout)
    assert set(mine) == set(real)
    assert set(mine["start"]["test_start"]) == set(real["start"]["test_start"])
    assert set(mine["end"]["sum_sent"]) == set(real["end"]["sum_sent"])
