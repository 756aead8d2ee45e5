"""`ethtool -m`: what a pluggable module says of itself, in the words for CMIS modules (OSFP, QSFP-DD)."""

from __future__ import annotations

from bringup.mock.hardware import Optic

_LIMITS = (
    ("Laser bias current", 15.0, 2.0, "mA"),
    ("Laser tx power", 5.0, -6.6, "dBm"),
    ("Laser rx power", 5.0, -8.9, "dBm"),
    ("Module temperature", 80.0, -10.0, "C"),
    ("Module voltage", 3.63, 2.97, "V"),
)
DARK_DBM = -40.0


def module(optic: Optic, lanes: int, *, lit: bool) -> str:
    """The whole answer. A copper plug has neither light nor diagnostics."""
    rows = [
        ("Identifier", "0x19 (OSFP 8X Pluggable Transceiver with CMIS)"),
        ("Power class", "1" if optic.copper else "6"),
        ("Max power", "0.25W" if optic.copper else "9.50W"),
        ("Connector", "0x23 (No separable connector)" if optic.copper else "0x28 (MPO 1x12)"),
        ("Cable assembly length", f"{optic.length_m}m" if optic.copper else "0.00m"),
        ("Tx CDR bypass control", "No"),
        ("Rx CDR bypass control", "No"),
        (
            "Transmitter technology",
            "0x0a (Copper cable, unequalized)" if optic.copper else "0x00 (850 nm VCSEL)",
        ),
        ("Laser wavelength", "0.000nm" if optic.copper else "850.000nm"),
        ("Vendor name", optic.vendor),
        ("Vendor OUI", "48:b0:2d"),
        ("Vendor PN", optic.part),
        ("Vendor rev", "A3"),
        ("Vendor SN", optic.serial),
        ("Date code", "240311"),
        ("Revision compliance", "Rev. 5.0"),
    ]
    if not optic.copper:
        rows += _diagnostics(optic, lanes, lit=lit)
    return "".join(f"\t{name:<41} : {value}\n" for name, value in rows)


def _diagnostics(optic: Optic, lanes: int, *, lit: bool) -> list[tuple[str, str]]:
    rx = optic.rx_dbm if lit else DARK_DBM
    values = {
        "Laser bias current": optic.bias_ma,
        "Laser tx power": optic.tx_dbm,
        "Laser rx power": rx,
        "Module temperature": optic.temperature_c,
        "Module voltage": optic.voltage_mv / 1000,
    }
    rows = [
        ("Module temperature", _amount(optic.temperature_c, "C")),
        ("Module voltage", _amount(optic.voltage_mv / 1000, "V")),
        ("Alarm/warning flags implemented", "Yes"),
    ]
    for lane in range(1, lanes + 1):
        rows += [
            (f"Laser tx bias current (Channel {lane})", _amount(optic.bias_ma, "mA")),
            (f"Transmit avg optical power (Channel {lane})", _amount(optic.tx_dbm, "dBm")),
            (f"Rcvr signal avg optical power (Channel {lane})", _amount(rx, "dBm")),
        ]
    for name, high, low, unit in _LIMITS:
        value = values[name]
        rows += [
            (f"{name} high alarm", "On" if value > high else "Off"),
            (f"{name} low alarm", "On" if value < low else "Off"),
            (f"{name} high alarm threshold", _amount(high, unit)),
            (f"{name} low alarm threshold", _amount(low, unit)),
        ]
    return rows


def _amount(value: float, unit: str) -> str:
    if unit == "dBm":
        return f"{10 ** (value / 10):.4f} mW / {value:.2f} dBm"
    if unit == "C":
        return f"{value:.2f} degrees C / {value * 1.8 + 32:.2f} degrees F"
    return f"{value:.4f} V" if unit == "V" else f"{value:.3f} mA"
