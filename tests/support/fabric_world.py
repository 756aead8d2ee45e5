"""Simulated clusters without servers, whose programs are called in the simulator itself: no SSH, no shell."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bringup.mock.cluster import Cluster
from bringup.mock.switchboard import Reply
from bringup.mock.tools import tools
from bringup.mock.tools.call import Call
from bringup.model import Node, Port
from bringup.parsers import iblinkinfo
from bringup.parsers.ib_names import host_and_device, switch_name

RAILS = 8
PER_LEAF = 4

Ends = dict[str, tuple[str, int]]
Uplinks = Counter[tuple[str, str]]


def planned(count: int, per_leaf: int = PER_LEAF, numbered: bool = True) -> tuple[Node, ...]:
    """Nodes with a leaf to each rail and so many nodes; node k of a leaf is at port k."""
    return tuple(
        Node(
            f"gpu-{n:03}",
            ports=tuple(
                Port(
                    rail,
                    f"mlx5_{rail}",
                    leaf=f"leaf-{(n - 1) // per_leaf * RAILS + rail + 1:02}",
                    leaf_port=str((n - 1) % per_leaf + 1) if numbered else "",
                )
                for rail in range(RAILS)
            ),
        )
        for n in range(1, count + 1)
    )


@dataclass(frozen=True)
class World:
    """A cluster and what its programs say."""

    cluster: Cluster

    def ask(self, text: str, *, index: int = 0, root: bool = True) -> Reply:
        """What a program answers on a node."""
        tool, *args = text.split()
        call = Call(self.cluster, self.cluster.node(index), tool, tuple(args), as_root=root)
        reply = tools()[tool](call)
        assert not inspect.isawaitable(reply)
        return reply

    def text(self, text: str, index: int = 0) -> str:
        """What a program prints that must end well."""
        reply = self.ask(text, index=index)
        assert (reply.status, reply.stderr) == (0, ""), reply
        return reply.stdout

    def ports(self, index: int = 0) -> tuple[iblinkinfo.Port, ...]:
        """All ports of the subnet."""
        return iblinkinfo.parse(self.text("iblinkinfo -l", index))

    def ends(self) -> Ends:
        """Where every host's adapter is plugged in, as leaf and port."""
        hosts = [(p.name, p.peer) for p in self.ports() if host_and_device(p.name)]
        return {name: (switch_name(peer.name), peer.port) for name, peer in hosts if peer}

    def moved(self) -> dict[str, tuple[str, int] | None]:
        """The hosts' adapters that are not plugged in where the plan says."""
        plan: Ends = {
            f"{node.name} {port.hca}": (port.leaf, int(port.leaf_port))
            for node in self.cluster.plans
            for port in node.ports
        }
        ends = self.ends()
        return {
            name: ends.get(name) for name in plan.keys() | ends.keys() if plan.get(name) != ends.get(name)
        }

    def uplinks(self) -> Uplinks:
        """How many cables there are from each leaf to each spine."""
        pairs = [(switch_name(p.name), switch_name(p.peer.name)) for p in self.ports() if p.peer]
        return Counter(pair for pair in pairs if pair[0].startswith("leaf") and pair[1].startswith("spine"))


MakeWorld = Callable[..., World]
