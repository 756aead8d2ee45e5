"""`nvidia-imex-ctl`: the NVLink domain of several trays, as the IMEX service of one of them sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from bringup.mock.cluster import Cluster
from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply
from bringup.mock.tools.call import Call, Options

_LEGEND = """Connectivity Table Legend:
I - Invalid - Node wasn't reachable, no connection status available
N - Never Connected
R - Recovering - Connection was lost, but clean up has not yet been triggered.
D - Disconnected - Connection was lost, and clean up has been triggreed.
A - Authenticating - If GSSAPI enabled, client has initiated mutual authentication.
!V! - Version mismatch, communication disabled.
!M! - Node map mismatch, communication disabled.
C - Connected - Ready for operation
"""
_WORDS = {"C": "CONNECTED", "N": "NEVER_CONNECTED", "I": "INVALID", "!V!": "VERSION_MISMATCH"}


def imex_ctl(call: Call) -> Reply:
    """-q asks the node's own service, -N the whole domain, -j for JSON, -H for host names."""
    node, cluster = call.node, call.cluster
    options = Options(call.args, ("-c", "--config"))
    flags = "".join(arg.lstrip("-") for arg in call.args if arg.startswith("-") and not arg.startswith("--"))
    if node.imex != "active":
        return Reply(1, stdout="UNAVAILABLE\n" if "q" in flags else "", stderr=_NO_SERVICE)
    if "q" in flags or options.has("--query"):
        return Reply(stdout="READY\n")
    members = cluster.domain(node)
    if "j" in flags or options.has("--json"):
        return Reply(stdout=_json(node, members, cluster))
    return Reply(stdout=_text(node, members, cluster, names="H" in flags or options.has("--hostnames")))


_NO_SERVICE = "Failed to connect to the IMEX service: connection refused. Is nvidia-imex running?\n"


def address(node: SimNode) -> str:
    """The node's address in the domain's configuration: that on the front-end network."""
    return next(nic.ipv4 for nic in node.nics if nic.ipv4)


def up(node: SimNode, cluster: Cluster) -> bool:
    """Whether a member's service answers."""
    return node.imex == "active" and cluster.reachable(node)


def cell(a: SimNode, b: SimNode, cluster: Cluster) -> str:
    """The state of the connection from a to b, by the letter of the legend."""
    if not up(a, cluster):
        return "I"
    if not up(b, cluster):
        return "N"
    return "C" if a.driver == b.driver else "!V!"


def _state(members: Sequence[SimNode], cluster: Cluster) -> str:
    """UP only if everybody is connected with everybody."""
    cells = {cell(a, b, cluster) for a in members for b in members}
    return "UP" if cells == {"C"} else "DEGRADED" if "C" in cells else "DOWN"


def _stamp() -> str:
    now = time.localtime()
    return f"{now.tm_mon}/{now.tm_mday}/{now.tm_year} {time.strftime('%H:%M:%S', now)}.000"


def _text(node: SimNode, members: Sequence[SimNode], cluster: Cluster, *, names: bool) -> str:
    rows = [_LEGEND, _stamp(), "Nodes:"]
    for number, member in enumerate(members):
        who = member.hostname if names else address(member)
        state = "READY" if up(member, cluster) else "UNAVAILABLE"
        version = f"Version: {member.driver}" if up(member, cluster) else "Version: N/A"
        rows.append(f"Node #{number:<3}- {who:<16}- {state:<21}- {version}")
    rows += ["", " Nodes From\\To  " + "  ".join(str(k) for k in range(len(members)))]
    for number, a in enumerate(members):
        cells = [f"{cell(a, b, cluster):<{len(str(k)) + 2}}" for k, b in enumerate(members)]
        rows.append(f"       {number:<9}{''.join(cells)}".rstrip())
    return "\n".join([*rows, f"Domain State: {_state(members, cluster)}", ""])


def _json(node: SimNode, members: Sequence[SimNode], cluster: Cluster) -> str:
    document = {
        "nodes": {
            str(number): {
                "status": "READY" if up(a, cluster) else "UNAVAILABLE",
                "host": address(a),
                "hostName": a.hostname,
                "connections": {
                    str(k): {"host": address(b), "status": _WORDS[cell(a, b, cluster)], "changed": True}
                    for k, b in enumerate(members)
                },
                "changed": True,
                "version": a.driver if up(a, cluster) else "",
            }
            for number, a in enumerate(members)
        },
        "timestamp": _stamp(),
        "status": _state(members, cluster),
    }
    return json.dumps(document, indent=2) + "\n"
