"""The vendor's smaller tools for network cards: quality of service, firmware, device files, names, addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ibdev2netdev, mlnx_qos, mlxconfig, mlxfwmanager, mst, show_gids
from bringup.parsers.ibdev2netdev import Binding
from bringup.parsers.mlnx_qos import Qos, TrafficClass
from bringup.parsers.mlxconfig import Setting
from bringup.parsers.mlxfwmanager import Device
from bringup.parsers.mst import Start, Status
from bringup.parsers.show_gids import Gid, Table

Read = Callable[[str], str]


def only(priority: int) -> tuple[bool, ...]:
    return tuple(n == priority for n in range(8))


QOS: dict[str, Qos] = {
    "01-dscp-pfc3-firmware-controlled.txt": Qos(
        flow_control=only(3),
        trust="dscp",
        dcbx="Firmware controlled",
        priority_of_dscp={code: code // 8 for code in range(64)},
        classes=(TrafficClass(0, "ets", 50.0, (0, 1, 2, 4)),),
    ),
    "03-wrapped-by-script-pfc5.txt": Qos(only(5), "dscp", None, {}, ()),
}


def cx4(name: str, default: str, current: str, next_boot: str) -> Setting:
    return Setting(name, next_boot, current, default, "ConnectX4")


CONFIG: dict[str, tuple[Setting, ...]] = {
    "01-q-cx4-three-columns.txt": (
        cx4("KEEP_IB_LINK_UP_P2", "False(0)", "True(1)", "True(1)"),
        cx4("KEEP_LINK_UP_ON_BOOT_P2", "False(0)", "False(0)", "False(0)"),
        cx4("ESWITCH_HAIRPIN_DESCRIPTORS", "Array[0..7]", "Array[0..7]", "Array[0..7]"),
        cx4("MEMIC_SIZE_LIMIT", "_256KB(1)", "_256KB(1)", "DISABLED(0)"),
    ),
    "02-q-array-expansion.txt": tuple(
        Setting(f"ESWITCH_HAIRPIN_DESCRIPTORS[{n}]", "128", "128", "128") for n in range(8)
    ),
    "03-q-wide-columns.txt": (
        Setting("PCI_DOWNSTREAM_PORT_OWNER", "Array[0..15]", "Array[0..15]", "Array[0..15]", "ConnectX9"),
    ),
    "04-grep-vpi-link-types.txt": (
        Setting("NUM_OF_VFS", "16"),
        Setting("SRIOV_EN", "True(1)"),
        Setting("KEEP_ETH_LINK_UP_P1", "True(1)"),
        Setting("KEEP_IB_LINK_UP_P1", "False(0)"),
        Setting("KEEP_ETH_LINK_UP_P2", "True(1)"),
        Setting("KEEP_IB_LINK_UP_P2", "False(0)"),
        Setting("LINK_TYPE_P1", "IB(1)"),
        Setting("LINK_TYPE_P2", "IB(1)"),
    ),
}


def silent(address: str) -> Device:
    return Device(address, "BlueField3", None, None, None, {}, None, "Failed to open device", None)


def b3140l(address: str, mac: str) -> Device:
    return Device(
        address=address,
        type="BlueField3",
        psid="MT_0000001010",
        part="900-9D3B4-00EN-E_Ax",
        firmware="32.42.1000",
        versions={
            "FW": "32.42.1000",
            "PXE": "3.7.0500",
            "UEFI": "14.35.0015",
            "UEFI_Virtio_blk": "22.4.0013",
            "UEFI_Virtio_net": "21.4.0013",
        },
        mac=mac,
        status="No matching image found",
        description="NVIDIA BlueField-3 B3140L E-Series FHHL SuperNIC; 400GbE / NDR IB (default mode); Single-port "
        "QSFP112; PCIe Gen5.0 x16; 8 Arm cores; 16GB on-board DDR; integrated BMC; Crypto Enabled",
    )


FIRMWARE: dict[str, tuple[Device, ...]] = {
    "01-query-xml-1.xml": (silent("00000000:b4:00.0"),),
    "02-query-xml-multi.xml": (
        b3140l("00000000:dc:00.0", "c470bd31eb46"),
        silent("00000000:9d:00.0"),
        b3140l("00000000:9c:00.0", "c470bd31ea12"),
    ),
}
MST: dict[str, Status | Start] = {
    "01-status-v-bluefield3.txt": Status(
        {"MST PCI module": False, "MST PCI configuration module": True},
        (
            mst.Device(
                "/dev/mst/mt41692_pciconf0.1",
                "00000000:03:00.1",
                "BlueField3(rev:1)",
                "mlx5_1",
                ("p1", "pf1hpf", "en3f1pf1sf0"),
            ),
            mst.Device(
                "/dev/mst/mt41692_pciconf0",
                "00000000:03:00.0",
                "BlueField3(rev:1)",
                "mlx5_0",
                ("pf0hpf", "en3f0pf0sf0", "p0"),
            ),
        ),
    ),
    "02-status-cx3-two-devices.txt": Status(
        {"MST PCI module": True, "MST PCI configuration module": True},
        (
            mst.Device("/dev/mst/mt4099_pciconf0", "00000000:41:00.0"),
            mst.Device("/dev/mst/mt4099_pci_cr0", "00000000:41:00.0"),
        ),
    ),
    "04-start-warn-already-loaded.txt": Start(
        {"Loading MST PCI module": True, "Unloading MST PCI module (unused)": True},
        ("mst_pciconf is already loaded, skipping",),
    ),
}
BINDINGS: dict[str, tuple[Binding, ...]] = {
    "01-bf3-two-down.txt": (
        Binding("mlx5_0", 1, "ens7f0np0", "Down"),
        Binding("mlx5_1", 1, "ens7f1np1", "Up"),
        Binding("mlx5_2", 1, "ens10f0np0", "Down"),
        Binding("mlx5_3", 1, "ens10f1np1", "Up"),
    ),
    "02-one-up.txt": (Binding("mlx5_0", 1, "ens64np1", "Up"),),
    "03-azure-accelnet-an0.txt": (Binding("mlx5_an0", 1, "enP45424s1", "Up"),),
}


def four(device: str, local: str, mapped: str, ipv4: str, netdev: str) -> Table:
    rows = tuple(
        Gid(device, 1, n, gid, address, f"v{1 + n % 2}", netdev)
        for n, (gid, address) in enumerate([(local, None), (local, None), (mapped, ipv4), (mapped, ipv4)])
    )
    return Table(rows, whole=True)


GIDS: dict[str, Table] = {
    "01-roce-4-gids-spaces.txt": four(
        "mlx5_0",
        "fe80:0000:0000:0000:a288:c2ff:fe03:f1a2",
        "0000:0000:0000:0000:0000:ffff:0a1f:0402",
        "10.31.4.2",
        "ibp13s0f0",
    ),
    "03-tabs-original.txt": four(
        "mlx5_3",
        "fe80:0000:0000:0000:0cb0:10ff:fe34:0aad",
        "0000:0000:0000:0000:0000:ffff:c0a8:0a02",
        "192.168.10.2",
        "net1",
    ),
}
CASES: list[tuple[str, str, Callable[[str], object], object]] = [
    (tool, name, parse, expected)
    for tool, parse, files in (
        ("mlnx_qos", mlnx_qos.parse, QOS),
        ("mlxconfig", mlxconfig.parse, CONFIG),
        ("mlxfwmanager", mlxfwmanager.parse, FIRMWARE),
        ("ibdev2netdev", ibdev2netdev.parse, BINDINGS),
        ("show_gids", show_gids.parse, GIDS),
    )
    for name, expected in files.items()
] + [
    ("mst", name, mst.parse_start if isinstance(expected, Start) else mst.parse, expected)
    for name, expected in MST.items()
]


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    for tool in {tool for tool, *_ in CASES}:
        assert set(captured(tool)) <= {name for own, name, *_ in CASES if own == tool}


@pytest.mark.parametrize(("tool", "name", "parse", "expected"), CASES)
def test_captured(read: Read, tool: str, name: str, parse: Callable[[str], object], expected: object) -> None:
    assert parse(read(f"{tool}/{name}")) == expected


def test_what_waits_for_a_reset(read: Read) -> None:
    settings = mlxconfig.parse(read("mlxconfig/01-q-cx4-three-columns.txt"))
    assert [s.name for s in settings if s.waits_for_reset] == ["MEMIC_SIZE_LIMIT"]
    plain = mlxconfig.parse(read("mlxconfig/04-grep-vpi-link-types.txt"))
    assert {s.waits_for_reset for s in plain} == {None}
    assert [mlxconfig.code(s.next_boot) for s in (*settings, plain[0])] == [1, 0, None, 0, 16]


def test_a_card_that_cannot_be_opened(read: Read) -> None:
    cards = mlxfwmanager.parse(read("mlxfwmanager/02-query-xml-multi.xml"))
    assert [card.answers for card in cards] == [True, False, True]


def test_one_card_with_two_device_files(read: Read) -> None:
    status = mst.parse(read("mst/02-status-cx3-two-devices.txt"))
    assert (len(status.devices), status.addresses) == (2, ("00000000:41:00.0",))


def test_other_forms() -> None:
    # invented values: the verbose forms, empty cells, no device at all
    verbose = (
        "0000:0b:00.0 mlx5_0 (MT4123 - MCX653106A-HDAT) ConnectX-6 VPI adapter card fw 20.31.1014 port 1 (ACTIVE)"
        " ==> ib0 (Up)\nmlx5_1 port 1 ==>  (Down)\n"
    )
    assert ibdev2netdev.parse(verbose) == (
        Binding("mlx5_0", 1, "ib0", "Up", "00000000:0b:00.0"),
        Binding("mlx5_1", 1, None, "Down"),
    )
    gids = "mlx5_0\t1\t0\tfe80:0000:0000:0000:0c42:a103:0010:0001\t\t\t\nn_gids_found=1\n"
    assert [(g.ipv4, g.version, g.netdev) for g in show_gids.parse(gids).gids] == [(None, None, None)]
    assert show_gids.parse("n_gids_found=0\n") == Table((), whole=True)
    assert not show_gids.parse(gids.replace("n_gids_found=1", "")).whole
    none = "MST modules:\n------------\n    MST PCI module is not loaded\n    MST PCI configuration module is not loaded\n"
    assert mst.parse(f"{none}\nPCI Devices:\n------------\n\n\tNo devices were found.\n") == Status(
        {"MST PCI module": False, "MST PCI configuration module": False}, ()
    )
    assert mst.parse(f"{none}\nPCI Devices:\n------------\n\n04:00.0\n").devices == (
        mst.Device(None, "00000000:04:00.0"),
    )
    row = "ConnectX7(rev:0)  NA  81:00.0  mlx5_0  net-ens1f0  1\n"
    (device,) = mst.parse(none + row).devices
    assert (device.path, device.rdma, device.netdevs, device.numa) == (None, "mlx5_0", ("ens1f0",), 1)


PARSERS: tuple[Callable[[str], object], ...] = (
    mlnx_qos.parse,
    mlxconfig.parse,
    mlxfwmanager.parse,
    ibdev2netdev.parse,
    show_gids.parse,
    mst.parse,
    mst.parse_start,
)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "Segmentation fault\n",
        "-E- Failed to open device: 81:00.0\n",
        "    enabled     0   0   0   1\n",
        "    enabled     0   0   0   7   0   0   0   0\n",
        "prio:0 dscp:99,\n    enabled     0   0   0   1   0   0   0   0\n",
        "Configurations:    Default    Current    Next Boot\n    SRIOV_EN    True(1)    Tru",
        "Configurations:    Default    Current\n    SRIOV_EN    True(1)    True(1)\n",
        "Configurations:    Something\n    SRIOV_EN    True(1)\n",
        "<Devices></Devices>",
        "<Devices><Device></Devices>",
        "<Devices><Device pciName='nowhere'><Status>ok</Status></Device></Devices>",
        "<Devices><Device pciName='0000:9d:00.0'></Device></Devices>",
        '<!DOCTYPE x [<!ENTITY a "b">]><Devices><Device/></Devices>',
        "mlx5_0 port 1 ==> ens7f0np0 (Do",
        "mlx5_0  1  0  fe80:0000:0000:0000:a288:c2ff:",
        "n_gids_found=2\n",
        "/dev/mst/mt4099_pciconf0         - PCI configuration cycles access.\n",
        "Starting MST (Mellanox Software Tools) driver set\n",
    ],
)
def test_cut_or_unknown(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    heads = (
        "",
        "    enabled     0   0   0   1   0   0   0   0\nprio:0 dscp:",
        "Configurations:    Default    Current    Next Boot\n",
        "<Devices><Device pciName='0000:9d:00.0'><Status>",
        "mlx5_0 port 1 ==> ",
        "n_gids_found=1\nmlx5_0  1  0  ",
        "    MST PCI module is not loaded\n",
        "Starting MST\n",
    )
    for head in heads:
        for parse in PARSERS:
            try:
                assert parse(head + text) is not None
            except ParseError:
                pass
