"""lldpcli and lldpctl: the switch ports that a node's Ethernet interfaces are wired to.

InfiniBand has no LLDP. A fabric port hears the leaf where its cable really ends; the ports of other networks hear the
switches of their rack.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from bringup.mock.cluster import Cluster
from bringup.mock.hardware import Hca, SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options
from bringup.mock.tools.interfaces import Interface, interfaces
from bringup.mock.tools.lldp_formats import FORMATS, Neighbour
from bringup.mock.tools.wiring import host_ports

_SOCKET = "/run/lldpd.socket"


def lldpcli(call: Call) -> Reply:
    """`show neighbors [details] [ports NAME,…]`, in -f plain, json, json0, keyvalue or xml."""
    options = Options(call.args, ("-f", "-u", "-c"))
    words = list(options.words)
    if call.tool == "lldpctl":
        words = ["show", "neighbors", *(["ports", ",".join(words)] if words else []), "details"]
    if trouble := _no_daemon(call):
        return Reply(1, stderr=f"{time.strftime('%Y-%m-%dT%H:%M:%S')} [WARN/control] {trouble}\n")
    if not words:
        return Reply()  # it would ask for commands, and there is nobody
    unknown = _unknown(words)
    if unknown:
        return Reply(1, stderr=f"{time.strftime('%Y-%m-%dT%H:%M:%S')} [WARN/lldpctl] {unknown}\n")
    ports = words[words.index("ports") + 1].split(",") if "ports" in words[:-1] else []
    found = [n for n in neighbours(call.cluster, call.node) if not ports or n.interface in ports]
    form = options.get("-f", default="plain")
    if form not in FORMATS:
        return Reply(
            1, stderr=f'{time.strftime("%Y-%m-%dT%H:%M:%S")} [WARN/lldpctl] unknown output format "{form}"\n'
        )
    return Reply(stdout=FORMATS[form](found))


def _no_daemon(call: Call) -> str:
    state = call.node.services.get("lldpd.service", "active")
    if state != "active":
        return f"unable to connect to socket {_SOCKET}: No such file or directory"
    return "" if call.as_root else f"unable to connect to socket {_SOCKET}: Permission denied"


def _unknown(words: Sequence[str]) -> str:
    """What the program says about a command that it does not know; words may be cut short."""
    known = ("show", "neighbors")
    for place, (word, whole) in enumerate(zip(words, known, strict=False), start=1):
        if not whole.startswith(word):
            return f"unknown command from argument {place}: `{word}`"
    if len(words) < len(known):
        return "incomplete command"
    rest = [word for word in words[2:] if word not in ("details", "summary", "hidden")]
    if rest and not (rest[0] == "ports" and len(rest) == 2):
        return f"unknown command from argument {words.index(rest[0]) + 1}: `{rest[0]}`"
    return ""


# ---------------------------------------------------------------------------------------------- who is heard


def neighbours(cluster: Cluster, node: SimNode) -> list[Neighbour]:
    """What the node hears now."""
    if node.name in cluster.fabric.unheard:
        return []
    chassis: dict[str, int] = {}
    found: list[Neighbour] = []
    for interface in interfaces(node):
        if not interface.link or interface.infiniband:
            continue
        system, port = _far_end(cluster, node, interface)
        found.append(
            Neighbour(
                interface=interface.name,
                number=chassis.setdefault(system, len(chassis) + 1),
                age=_age(time.time() - node.boot_time),
                chassis=_mac(cluster, system),
                system=system,
                address=_address(cluster, system),
                port=port,
            )
        )
    return found


def _far_end(cluster: Cluster, node: SimNode, interface: Interface) -> tuple[str, str]:
    hca = interface.hca
    if hca is not None and hca.leaf:
        return hca.leaf, hca.leaf_port or _numbered(cluster, node, hca)
    rack = node.plan.rack or "R01"
    place = [plan.name for plan in cluster.plans if plan.rack == node.plan.rack].index(node.plan.name)
    if not interface.bdf:
        return f"oob-{rack}", f"swp{place + 1}"
    others = [
        other.name for other in interfaces(node) if other.bdf and not (other.hca and other.hca.is_fabric)
    ]
    number = others.index(interface.name) + 1 if interface.name in others else 0
    return f"tor-{rack}", f"swp{place * (len(others) + 1) + number + 1}"


def _numbered(cluster: Cluster, node: SimNode, hca: Hca) -> str:
    """The port of a leaf whose ports the plan does not name."""
    hosts = host_ports(cluster)[hca.leaf]
    return next(f"swp{n}" for n, plug in hosts.items() if plug.node is node and plug.hca is hca)


def _mac(cluster: Cluster, system: str) -> str:
    rng = cluster.random("chassis", system)
    return ":".join(["9c", "05", "91", *(f"{rng.randrange(256):02x}" for _ in range(3))])


def _address(cluster: Cluster, system: str) -> str:
    rng = cluster.random("management", system)
    return f"10.0.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}"


def _age(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} day{'s' if days > 1 else ''}, {hour:02}:{minute:02}:{second:02}"
