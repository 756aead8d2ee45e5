"""ethtool, ethtool -m and ethtool -S: every captured answer, other drivers' names, broken text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ethtool, ethtool_module, ethtool_stats
from bringup.parsers.ethtool import Settings
from bringup.parsers.ethtool_module import Module

Read = Callable[[str], str]
Captured = Callable[[str], dict[str, str]]

SETTINGS: dict[str, Settings | None] = {
    "01-azure-endure-54g.txt": Settings("eth1", True, 54000, "Full", "Other", None, False),
    "02-e1000-1g.txt": Settings("enp0s3", True, 1000, "Full", "Twisted Pair", None, True),
    "03-40g-autoneg-off.txt": Settings("enp1s0", True, 40000, "Full", "FIBRE", None, False),
    "04-100m-link-partner.txt": Settings("eth0", True, 100, "Full", "Twisted Pair", None, True),
    "05-virtio-speed-unknown.txt": Settings("eth0", True, None, None, "Other", None, False),
    "07-veth-up.txt": Settings("enp97s0f0np0", True, 10000, "Full", "Twisted Pair", None, False),
    "09-no-such-device-rc75.txt": None,
}

# file -> (identifier, vendor, temperature, bias, tx, rx, raised)
Light = tuple[
    str, str, float | None, tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[str, ...] | None
]
DARK = ("Laser rx power low alarm", "Laser rx power low warning")
MODULES: dict[str, Light | None] = {
    "01-10g-lr-ddm-low-rx.txt": ("SFP", "FS", 38.0, (13.088,), (5.58,), (-23.57,), ()),
    "02-10g-no-fiber.txt": ("SFP", "FS", 36.75, (12.768,), (4.84,), (-40.0,), DARK),
    "03-10g-sr-no-ddm.txt": ("SFP", "Intel Corp", None, (), (), (), None),
    "04-dac-copper.txt": ("SFP", "UbiquitiNetworks", None, (), (), (), None),
    "05-25g-lr-rx-minus40.txt": ("SFP", "EDGE", 34.99, (51.494,), (-0.87,), (-40.0,), DARK),
    "06-25g-aoc.txt": ("SFP", "ZSINE", 38.0, (6.75,), (-3.0,), (-3.1,), None),
    "07-not-supported-virtio-rc1.txt": None,
}

# file -> how many counters, and some of them
STATISTICS: dict[str, tuple[int, dict[str, int]] | None] = {
    "01-ainic-enp132s0.txt": (
        607,
        {"tx_packets": 29, "rx_csum_error": 0, "frames_rx_ok": 69867940032, "rx_15_xdp_redirect": 0},
    ),
    "02-igb-plain.txt": (82, {"rx_crc_errors": 0, "tx_bytes": 190360255, "rx_queue_3_alloc_failed": 0}),
    "03-enic-colon-in-name.txt": (
        4,
        {"rxq0: rx_pkts": 5000000, "rxq0: rx_drops_no_frags": 5000, "rxq1: rx_drops_no_frags": 5000},
    ),
    "04-not-supported.txt": None,
    "05-virtio.txt": (20, {"rx_drops": 0, "tx_tx_timeouts": 0, "rx_kicks": 4227}),
}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured("ethtool")) <= set(SETTINGS)
    assert set(captured("ethtool-m")) <= set(MODULES)
    assert set(captured("ethtool-S")) <= set(STATISTICS)


@pytest.mark.parametrize("name", SETTINGS)
def test_captured_settings(read: Read, name: str) -> None:
    text, expected = read(f"ethtool/{name}"), SETTINGS[name]
    if expected is None:
        with pytest.raises(ParseError):
            ethtool.parse(text)
    else:
        assert ethtool.parse(text) == (expected,)


def test_a_port_without_link_has_no_running_speed() -> None:
    # the first form is a veth's, the reason in brackets is what newer kernels add (invented values)
    text = (
        "Settings for enp225s0f0np0:\n\tSpeed: 10000Mb/s\n\tDuplex: Full\n\tLink detected: no\n"
        "Settings for enp97s0f0np0:\n\tSpeed: 400000Mb/s\n\tLanes: 4\n\tLink detected: no (No cable)\n"
        "Settings for lo:\n\tLink detected: yes\n"
    )
    first, second, third = ethtool.parse(text)
    assert (first.speed_mbps, first.running_mbps, first.why_down) == (10000, None, None)
    assert (second.lanes, second.running_mbps, second.why_down) == (4, None, "No cable")
    assert (third.device, third.link, third.running_mbps) == ("lo", True, None)


@pytest.mark.parametrize("name", MODULES)
def test_captured_modules(read: Read, name: str) -> None:
    text, expected = read(f"ethtool-m/{name}"), MODULES[name]
    if expected is None:
        with pytest.raises(ParseError):
            ethtool_module.parse(text)
        return
    m = ethtool_module.parse(text)
    assert (m.identifier, m.vendor, m.temperature_c, m.bias_ma, m.tx_dbm, m.rx_dbm, m.raised) == expected


def test_a_module_keeps_its_thresholds_and_all_its_types(read: Read) -> None:
    optical = ethtool_module.parse(read("ethtool-m/01-10g-lr-ddm-low-rx.txt"))
    assert optical.thresholds["Laser rx power low alarm"] == -30.0
    assert optical.thresholds["Module temperature high warning"] == 90.0
    assert len(optical.thresholds) == 20
    copper = ethtool_module.parse(read("ethtool-m/04-dac-copper.txt"))
    assert copper.connector == "Copper pigtail"
    assert len(copper.types) == 9
    assert (copper.part, copper.serial) == ("UDC-2", None)


def test_a_module_with_four_lanes() -> None:
    # invented values in the layout of QSFP and CMIS modules
    text = (
        "\tIdentifier                                : 0x18 (QSFP-DD Double Density 8X Pluggable Transceiver)\n"
        "\tVendor name                               : NVIDIA\n"
        "\tTransmit avg optical power (Channel 1)    : 1.5136 mW / 1.80 dBm\n"
        "\tTransmit avg optical power (Channel 2)    : 1.4125 mW / 1.50 dBm\n"
        "\tRcvr signal avg optical power(Channel 1)  : 1.0000 mW / 0.00 dBm\n"
        "\tRcvr signal avg optical power(Channel 2)  : 0.0000 mW / -inf dBm\n"
        "\tLaser tx bias current (Channel 1)         : 60.000 mA\n"
        "\tLaser bias current high alarm   (Chan 1)  : Off\n"
        "\tLaser rx power low alarm   (Channel 2)    : On\n"
    )
    m = ethtool_module.parse(text)
    assert m == Module(
        identifier="QSFP-DD Double Density 8X Pluggable Transceiver",
        connector=None,
        vendor="NVIDIA",
        part=None,
        serial=None,
        types=(),
        temperature_c=None,
        voltage_v=None,
        bias_ma=(60.0,),
        tx_dbm=(1.8, 1.5),
        rx_dbm=(0.0, -40.0),
        raised=("Laser rx power low alarm   (Channel 2)",),
        thresholds={},
    )


@pytest.mark.parametrize("name", STATISTICS)
def test_captured_statistics(read: Read, name: str) -> None:
    text, expected = read(f"ethtool-S/{name}"), STATISTICS[name]
    if expected is None:
        with pytest.raises(ParseError):
            ethtool_stats.parse(text)
        return
    found = ethtool_stats.parse(text)
    by_name = {c.name: c.value for c in found}
    assert (len(found), {key: by_name[key] for key in expected[1]}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Settings for eth0:\n",
        "Settings for eth0:\n\tSpeed: 1000Mb/s\n",
        "Settings for eth0:\n\tSpeed: fast\n\tLink detected: yes\n",
        "Settings for eth0:\n\tLink detected: ye",
        "\tLink detected: yes\n",
        "Identifier : 0x03 (SFP)\n",
        "Identifier : 0x03 (SFP)\nModule temperature : warm\n",
        "Identifier : 0x03 (SFP)\nLaser rx power low alarm : Maybe\n",
        "Cannot get module EEPROM information: Input/output error\n",
        "NIC statistics:\n",
        "NIC statistics:\n     rx_packets: many\n",
        "NIC statistics:\n     rx_packets:\n",
        "no stats available\n",
        "ethtool: bad command line argument(s)\nFor more information run ethtool -h\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    for parse in (ethtool.parse, ethtool_module.parse, ethtool_stats.parse):
        with pytest.raises(ParseError):
            parse(text)


@pytest.mark.parametrize("name", [n for n in SETTINGS if SETTINGS[n]])
def test_settings_cut_off(read: Read, name: str) -> None:
    text = read(f"ethtool/{name}").rstrip()
    for end in range(len(text)):
        with pytest.raises(ParseError):
            ethtool.parse(text[:end])


def test_device_names_are_quoted() -> None:
    for build in (ethtool.settings, ethtool_module.module, ethtool_stats.statistics):
        assert build("eth0; reboot").script.endswith("'eth0; reboot'")


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    heads = ("", "Settings for eth0:\n\t", "NIC statistics:\n ", "Identifier : 0x03 (SFP)\nVendor name : x\n")
    for head in heads:
        for parse in (ethtool.parse, ethtool_module.parse, ethtool_stats.parse):
            try:
                assert parse(head + text)
            except ParseError:
                pass
