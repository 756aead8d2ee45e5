"""Programs that show network interfaces: `ip -j link`, `ip -j addr` and `ethtool`, over every kind of adapter."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bringup.mock.hardware import Hca, Physical, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.ethtool_module import module
from bringup.mock.tools.interfaces import Interface, interfaces

# ------------------------------------------------------------------------------------------------ ip


def ip(call: Call) -> Reply:
    """Only `ip -j link [show [dev] NAME]` and `ip -j addr …`, and both as short text lines."""
    options = Options(call.args, ("-f", "-family"))
    words = [word for word in options.words if word not in ("show", "dev", "list")]
    if not words or words[0] not in ("link", "l", "addr", "a", "address"):
        return Reply(255, stderr=f'Object "{words[0] if words else ""}" is unknown, try "ip help".\n')
    found = [i for i in interfaces(call.node) if len(words) < 2 or i.name == words[1]]
    if not found:
        return Reply(1, stderr=f'Device "{words[1]}" does not exist.\n')
    addresses = words[0].startswith("a")
    rows = [*([] if len(words) > 1 else [_loopback(addresses)]), *(_ip_row(i, addresses) for i in found)]
    if options.has("-j", "-json", "--json"):
        return Reply(stdout=json.dumps(rows, separators=(",", ":")) + "\n")
    return Reply(
        stdout="".join(
            f"{row['ifindex']}: {row['ifname']}: <{','.join(_words(row['flags']))}> mtu {row['mtu']} state"
            f" {row['operstate']} \n    link/{row['link_type']} {row['address']} brd {row['broadcast']}\n"
            for row in rows
        )
    )


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []


def _loopback(addresses: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "ifindex": 1,
        "ifname": "lo",
        "flags": ["LOOPBACK", "UP", "LOWER_UP"],
        "mtu": 65536,
        "qdisc": "noqueue",
        "operstate": "UNKNOWN",
        "linkmode": "DEFAULT",
        "group": "default",
        "txqlen": 1000,
        "link_type": "loopback",
        "address": "00:00:00:00:00:00",
        "broadcast": "00:00:00:00:00:00",
    }
    return row | ({"addr_info": [_address("127.0.0.1", 8, "host", "lo")]} if addresses else {})


def _ip_row(interface: Interface, addresses: bool) -> dict[str, object]:
    flags = ["BROADCAST", "MULTICAST"]
    if interface.switched_on:
        flags += ["UP", "LOWER_UP"] if interface.link else ["UP"]
        flags = flags if interface.link else ["NO-CARRIER", *flags]
    row: dict[str, object] = {
        "ifindex": interface.index,
        "ifname": interface.name,
        "flags": flags,
        "mtu": interface.mtu,
        "qdisc": "mq",
        "operstate": "UP" if interface.link else "DOWN",
        "linkmode": "DEFAULT",
        "group": "default",
        "txqlen": 256 if interface.infiniband else 1000,
        "link_type": "infiniband" if interface.infiniband else "ether",
        "address": interface.mac,
        "broadcast": "00:ff:ff:ff:ff:12:40:1b:ff:ff:00:00:00:00:00:00:ff:ff:ff:ff"
        if interface.infiniband
        else "ff:ff:ff:ff:ff:ff",
    }
    if addresses:
        own = [_address(interface.ipv4, 16, "global", interface.name)] if interface.ipv4 else []
        row["addr_info"] = own
    return row


def _address(local: str, prefix: int, scope: str, label: str) -> dict[str, object]:
    return {
        "family": "inet",
        "local": local,
        "prefixlen": prefix,
        "scope": scope,
        "label": label,
        "valid_life_time": 4294967295,
        "preferred_life_time": 4294967295,
    }


# ------------------------------------------------------------------------------------------------ ethtool


def ethtool(call: Call) -> Reply:
    """Plain, -m, -S, -i and --show-fec, for one interface."""
    options = Options(call.args, ())
    name = options.words[-1] if options.words else ""
    interface = next((i for i in interfaces(call.node) if i.name == name), None)
    if not name:
        return Reply(1, stderr="ethtool: bad command line argument(s)\nFor more information run ethtool -h\n")
    if interface is None:
        return Reply(75, stdout="No data available\n", stderr="netlink error: No such device\n" * 5)
    if options.has("-m", "--module-info"):
        return _module(call, interface)
    if options.has("-S", "--statistics"):
        return Reply(stdout=_statistics(interface))
    if options.has("-i", "--driver"):
        return Reply(stdout=_driver(call.node, interface))
    if options.has("--show-fec"):
        return _fec(interface)
    return Reply(stdout=_settings(interface))


def _settings(interface: Interface) -> str:
    speed = f"{interface.speed_mbps}Mb/s" if interface.link else "Unknown!"
    modes = _modes(interface)
    more = "\n\t                        "
    rows = [
        f"Settings for {interface.name}:",
        "\tSupported ports: [ FIBRE ]" if interface.bdf else "\tSupported ports: [ TP ]",
        f"\tSupported link modes:   {more.join(modes)}",
        "\tSupported pause frame use: Symmetric",
        "\tSupports auto-negotiation: Yes",
        "\tSupported FEC modes: RS" if interface.bdf else "\tSupported FEC modes: Not reported",
        f"\tAdvertised link modes:  {more.join(modes)}",
        "\tAdvertised pause frame use: Symmetric",
        "\tAdvertised auto-negotiation: Yes",
        "\tAdvertised FEC modes: RS" if interface.bdf else "\tAdvertised FEC modes: Not reported",
        f"\tSpeed: {speed}",
        *([f"\tLanes: {interface.lanes}"] if interface.lanes and interface.link else []),
        "\tDuplex: Full" if interface.link else "\tDuplex: Unknown! (255)",
        "\tAuto-negotiation: on",
        "\tPort: FIBRE" if interface.bdf else "\tPort: Twisted Pair",
        "\tPHYAD: 0",
        "\tTransceiver: internal",
        "\tSupports Wake-on: d",
        "\tWake-on: d",
        "\tCurrent message level: 0x00000004 (4)\n\t\t\t       link",
        f"\tLink detected: {'yes' if interface.link else 'no' + _why(interface)}",
    ]
    return "\n".join(rows) + "\n"


def _why(interface: Interface) -> str:
    hca = interface.hca
    if hca is None or not interface.switched_on:
        return ""
    return " (No cable)" if hca.physical is Physical.POLLING else " (No partner detected)"


def _modes(interface: Interface) -> Sequence[str]:
    lanes = max(interface.lanes, 1)
    full = f"{interface.speed_mbps}base{'CR' if interface.bdf else 'T'}{lanes if lanes > 1 else ''}/Full"
    return (full, full.replace("CR", "SR")) if interface.bdf else (full,)


def _driver(node: SimNode, interface: Interface) -> str:
    version = node.shape.mlx5 if interface.driver.startswith("mlx5") else node.shape.kernel
    rows = {
        "driver": interface.driver,
        "version": version,
        "firmware-version": interface.firmware,
        "expansion-rom-version": "",
        "bus-info": interface.bdf,
        "supports-statistics": "yes",
        "supports-test": "yes",
        "supports-eeprom-access": "no",
        "supports-register-dump": "no",
        "supports-priv-flags": "yes",
    }
    return "".join(f"{name}: {value}\n" for name, value in rows.items())


def _fec(interface: Interface) -> Reply:
    if not interface.bdf or interface.infiniband:
        return Reply(1, stderr="netlink error: Operation not supported\n")
    active = "RS" if interface.link else "None"
    return Reply(
        stdout=f"FEC parameters for {interface.name}:\nSupported/Configured FEC encodings: Auto\n"
        f"Active FEC encoding: {active}\n"
    )


def _statistics(interface: Interface) -> str:
    counters: dict[str, int] = {
        "rx_packets": 91203,
        "rx_bytes": 12390411,
        "tx_packets": 80011,
        "tx_bytes": 9901233,
    }
    hca = interface.hca
    if hca is None:
        counters |= {"rx_dropped": interface.drops, "tx_errors": 0, "rx_crc_errors": 0, "link_down_events": 0}
    else:
        counters |= _mlx5_counters(hca)
    return "NIC statistics:\n" + "".join(f"     {name}: {value}\n" for name, value in counters.items())


def _mlx5_counters(hca: Hca) -> dict[str, int]:
    """The names of mlx5; on RoCE each priority has its own."""
    own = hca.counters
    counters = {
        "rx_out_of_buffer": hca.hw_counters.get("out_of_buffer", 0),
        "rx_vport_rdma_unicast_packets": own["unicast_rcv_packets"],
        "rx_vport_rdma_unicast_bytes": own["port_rcv_data"] * 4,
        "tx_vport_rdma_unicast_packets": own["unicast_xmit_packets"],
        "tx_vport_rdma_unicast_bytes": own["port_xmit_data"] * 4,
        "rx_symbol_err_phy": own["symbol_error"],
        "rx_crc_errors_phy": own["port_rcv_errors"],
        "rx_discards_phy": 0,
        "tx_discards_phy": own["port_xmit_discards"],
        "tx_errors_phy": 0,
        "link_down_events_phy": own["link_downed"],
        "rx_pcs_symbol_err_phy": own["symbol_error"],
        "rx_corrected_bits_phy": int(hca.optic.raw_ber * 1e15),
    }
    if hca.layer == "Ethernet":
        for priority in range(8):
            used = int(priority in hca.pfc)
            counters |= {
                f"rx_prio{priority}_pause": own["port_xmit_wait"] // 997 * used,
                f"tx_prio{priority}_pause": own["port_xmit_wait"] // 1009 * used,
                f"rx_prio{priority}_discards": 0,
            }
    return counters


def _module(call: Call, interface: Interface) -> Reply:
    if interface.optic is None or not interface.bdf:
        return Reply(1, stderr="netlink error: Operation not supported\n")
    if not call.as_root:
        return Reply(1, stderr="Cannot get Module EEPROM data: Operation not permitted\n")
    if interface.hca is not None and interface.hca.physical is Physical.DISABLED and not interface.link:
        return Reply(1, stderr="netlink error: Input/output error\n")
    return Reply(stdout=module(interface.optic, interface.lanes or 4, lit=interface.link))
