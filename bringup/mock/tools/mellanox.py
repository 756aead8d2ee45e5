"""Programs of the adapter vendor's package: show_gids, mlnx_qos and mlxlink (its JSON)."""

from __future__ import annotations

import json

from bringup.mock import roce
from bringup.mock.hardware import Hca, Logical, Physical
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_SPEEDS = {100: "EDR", 200: "HDR", 400: "NDR", 800: "XDR"}


def show_gids(call: Call) -> Reply:
    """The addresses of all ports, or of one device. Empty columns are runs of tabs."""
    options = Options(call.args, ())
    rows = [
        "DEV\tPORT\tINDEX\tGID\t\t\t\t\tIPv4  \t\tVER\tDEV",
        "---\t----\t-----\t---\t\t\t\t\t------------  \t---\t---",
    ]
    count = 0
    for hca in call.node.hcas:
        if not hca.present or (options.words and hca.name != options.words[0]):
            continue
        for own in roce.gids(hca):
            version = "v2" if own.kind == "RoCE v2" else "v1"
            netdev = hca.netdev if hca.layer == "Ethernet" else ""
            address = f"{own.ipv4}  \t" if own.ipv4 else "\t\t"
            rows.append(f"{hca.name}\t1\t{own.number}\t{own.gid}\t{address}{version}\t{netdev}".rstrip())
            count += 1
    return Reply(stdout="\n".join([*rows, f"n_gids_found={count}", ""]))


def mlnx_qos(call: Call) -> Reply:
    """`-i INTERFACE`, to look at. Setting anything is refused."""
    options = Options(call.args, ("-i", "--interface"))
    name = options.get("-i", "--interface")
    hca = next((h for h in call.node.hcas if h.netdev == name and h.present and h.layer == "Ethernet"), None)
    if hca is None:
        return Reply(1, stdout=f"Netdev {name} doesn't exist or is not a mlx5 Ethernet device\n")
    if not call.as_root:
        return Reply(1, stderr="Permission denied\n")
    if set(call.args) - {"-i", "--interface", name}:
        return Reply(1, stderr="This node is simulated: its settings cannot be changed\n")
    return Reply(stdout=_qos(hca))


def _qos(hca: Hca) -> str:
    lossless = [int(priority in hca.pfc) for priority in range(8)]
    rows = ["DCBX mode: OS controlled", f"Priority trust state: {hca.trust}"]
    if hca.trust == "dscp":
        rows.append("dscp2prio mapping:")
        for priority in range(8):
            cells = ",".join(f"{dscp:02d}" for dscp in range(priority * 8 + 7, priority * 8 - 1, -1))
            rows.append(f"\tprio:{priority} dscp:{cells},")
    rows += [
        "default priority:",
        "Receive buffer size (bytes): 20016,156096,0,0,0,0,0,0,max_buffer_size=1027728",
        "Cable len: 7",
        "PFC configuration:",
        "\tpriority    " + "   ".join(str(priority) for priority in range(8)),
        "\tenabled     " + "   ".join(str(own) for own in lossless) + "   ",
        "\tbuffer      " + "   ".join(str(own) for own in lossless) + "   ",
    ]
    for number in range(8):
        rows += [f"tc: {number} ratelimit: unlimited, tsa: vendor", f"\t priority:  {number}"]
    return "\n".join(rows) + "\n"


def mlxlink(call: Call) -> Reply:
    """`-d DEVICE [-m] [-c] --json`: state, module and counters of one port."""
    options = Options(call.args, ("-d", "--device", "-p", "--port"))
    device = options.get("-d", "--device")
    hca = next((h for h in call.node.hcas if h.present and device in (h.name, h.bdf)), None)
    if not call.as_root:
        return Reply(1, stdout=_result({}, 1, "Failed to open device: Permission denied"))
    if hca is None:
        return Reply(
            1, stdout=_result({}, 1, f'Failed to open device: "{device}", No such file or directory')
        )
    sections: dict[str, object] = {
        "Operational Info": _operational(hca),
        "Supported Info": {
            "Enabled Link Speed (Ext.)": {"mask": "0x00010000", "values": [_speed(hca)]},
            "Supported Cable Speed (Ext.)": {"mask": "0x00010000", "values": [_speed(hca)]},
        },
        "Troubleshooting Info": _trouble(hca),
        "Tool Information": {
            "Firmware Version": hca.firmware,
            "amBER Version": "4.15",
            "MFT Version": "mft 4.30.1-8",
        },
    }
    if options.has("-m", "--show_module"):
        sections["Module Info"] = _module(hca)
    if options.has("-c", "--show_counters"):
        sections["Physical Counters and BER Info"] = _counters(hca)
    return Reply(stdout=_result(sections, 0, "success"))


def _result(sections: dict[str, object], code: int, message: str) -> str:
    document = {"result": {"output": sections}, "status": {"code": code, "message": message}}
    return json.dumps(document, indent="\t", separators=(",", " : ")) + "\n"


def _speed(hca: Hca) -> str:
    """`400G` on Ethernet; on InfiniBand the generation of its lanes, whatever their number."""
    full = hca.rate_gbps * 4 // hca.lanes
    return f"{hca.rate_gbps}G" if hca.layer == "Ethernet" else f"IB-{_SPEEDS.get(full, 'NDR')}"


def _operational(hca: Hca) -> dict[str, str]:
    up = hca.logical is not Logical.DOWN
    physical = {Physical.POLLING: "Polling", Physical.DISABLED: "Disabled", Physical.LINK_UP: "LinkUp"}[
        hca.physical
    ]
    if hca.layer == "Ethernet":
        physical = "ETH_AN_FSM_ENABLE" if up else "PHY_MANAGER_DISABLED"
    return {
        "State": "Active" if up else "Disable" if hca.physical is Physical.DISABLED else "Polling",
        "Physical state": physical,
        "Speed": _speed(hca) if up else "N/A",
        "Width": f"{hca.lanes}x" if up else "N/A",
        "FEC": "Standard_RS-FEC - (544,514)" if up else "N/A",
        "Loopback Mode": "No Loopback",
        "Auto Negotiation": "ON",
    }


def _trouble(hca: Hca) -> dict[str, str]:
    code, text = "0", "No issue was observed"
    if hca.physical is Physical.DISABLED:
        code, text = "1", "The port is closed by command. Please check that the interface is enabled"
    elif hca.physical is Physical.POLLING:
        code, text = "2", "Negotiation failure, please check the link partner"
    return {"Status Opcode": code, "Group Opcode": "N/A", "Recommendation": text}


def _lanes(hca: Hca, value: str, low: float, high: float) -> str:
    return f"{','.join([value] * 4)} [{low:g}..{high:g}]"


def _module(hca: Hca) -> dict[str, str]:
    optic = hca.optic
    rx = optic.rx_dbm if hca.logical is not Logical.DOWN else -40.0
    light = {
        "Temperature [C]": f"{optic.temperature_c:.0f} [-10..80]",
        "Voltage [mV]": f"{optic.voltage_mv:.1f} [2970..3630]",
        "Bias Current [mA]": _lanes(hca, f"{optic.bias_ma:.3f}", 2, 15),
        "Rx Power Current [dBm]": _lanes(hca, f"{rx:.3f}", -8.9, 5),
        "Tx Power Current [dBm]": _lanes(hca, f"{optic.tx_dbm:.3f}", -6.6, 5),
    }
    if optic.copper:
        light = dict.fromkeys(light, "N/A")
    return {
        **light,
        "Identifier": "OSFP",
        "Compliance": "IB NDR,400GBASE-SR4" if not optic.copper else "IB NDR,400GBASE-CR4",
        "Cable Technology": "Copper cable, passive, unequalized" if optic.copper else "850 nm VCSEL",
        "Cable Type": "Passive copper cable" if optic.copper else "Optical Module (separated)",
        "OUI": "Nvidia",
        "Vendor Name": optic.vendor,
        "Vendor Part Number": optic.part,
        "Vendor Serial Number": optic.serial,
        "Rev": "A3",
        "Transfer Distance [m]": f"{optic.length_m}",
        "Digital Diagnostic Monitoring": "No" if optic.copper else "Yes",
        "Power Class": "N/A" if optic.copper else "6 (9.5 W max)",
        "IB Cable Width": "1x,2x,4x",
    }


def _counters(hca: Hca) -> dict[str, object]:
    optic = hca.optic
    effective = "15E-255" if not optic.effective_errors else f"{max(1, min(9, optic.effective_errors))}E-11"
    symbols = hca.counters["symbol_error"]
    return {
        "Time Since Last Clear [Min]": "4210.5",
        "Effective Physical Errors": str(optic.effective_errors),
        "Effective Physical BER": effective,
        "Symbol Errors": str(symbols),
        "Symbol BER": "15E-255" if not symbols else "1E-13",
        "Raw Physical Errors Per Lane": {"values": [str(int(optic.raw_ber * 1e15))] * 4},
        "Raw Physical BER Per Lane": {"values": [_ber(optic.raw_ber)] * 4},
        "Raw Physical BER": _ber(optic.raw_ber),
        "Link Down Counter": str(hca.counters["link_downed"]),
        "Link Error Recovery Counter": str(hca.counters["link_error_recovery"]),
    }


def _ber(value: float) -> str:
    """Whole coefficient and power of ten, as the tool writes it."""
    coefficient, _, power = f"{value:.0e}".partition("e")
    return f"{coefficient}E{int(power)}"
