"""The registry of fault kinds: what every kind is, what a run must report for it, and how random ones are drawn.

A fault is a small change to the parts of one node, of the fabric, or of what a stranger meets at a node's SSH port;
everything that the tools print and the tests measure follows from there. The modules beside this one register theirs.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bringup.inventory.types import FaultSpec, Params
from bringup.mock.build import build
from bringup.mock.fabric import Fabric
from bringup.mock.faults.expected import Expected, Scope
from bringup.mock.faults.params import Given, Param, Scalar
from bringup.mock.hardware import Door, Gpu, Hca, SimNode
from bringup.mock.shapes import SHAPES
from bringup.mock.tools import nvidia_layout
from bringup.model import Node
from bringup.topology import matchings, place

Change = Callable[[SimNode, Given], None]
DoorChange = Callable[[Door, Given], None]
FabricChange = Callable[[Fabric, Given], None]
Where = tuple[tuple[str, ...], dict[str, Scalar]]
Place = Callable[[random.Random, Sequence[Node]], Where | None]

DEFAULT_SHAPE = "hgx-h100"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. At least one of the three changes is set.

    `expected` are the defects that are right, the best one first: any one of them will do, once for each place that
    `scope` names. `follows` are codes that a run may list as explained by it. `closes` names the later work where no
    check can see it yet; then a run may miss it. An `oddity` is healthy: nothing may be reported. `needs` are words
    about the node without which the kind makes no sense (see `_HAS`). `place` chooses nodes, and parameters that
    belong to them, where `scope` alone cannot. `profile` is the one that the nodes must have, where the fault is
    against what a site has approved and no stock profile says that.
    """

    id: str
    does: str
    params: tuple[Param, ...] = ()
    expected: tuple[Expected, ...] = ()
    follows: tuple[str, ...] = ()
    scope: Scope = Scope.NODE
    closes: str = ""
    oddity: bool = False
    needs: tuple[str, ...] = ()
    place: Place | None = None
    group: str = ""
    profile: str = ""
    change: Change | None = None
    door: DoorChange | None = None
    fabric: FabricChange | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code that has to do with it, the cause first."""
        return tuple(dict.fromkeys((*(e.code for e in self.expected), *self.follows)))

    def fits(self, node: Node, shape: str = "") -> bool:
        """Whether a node of this plan and shape has the parts that the kind is about."""
        part = healthy(node, shape)
        return all(
            _HAS[word](part) for word in {*self.needs, *(_NEEDED.get(p.kind, "any") for p in self.params)}
        )

    def lacks(self, node: Node, shape: str = "") -> list[str]:
        """The needs that a node of this plan and shape does not meet."""
        part = healthy(node, shape)
        return [word for word in self.needs if not _HAS[word](part)]

    def draw(self, rng: random.Random, nodes: Sequence[Node], shape: str = "") -> tuple[FaultSpec, ...]:
        """A random instance on these nodes; the same `rng` gives the same one. Empty if it fits none of them."""
        fitting = [n for n in nodes if self.fits(n, shape)]
        where = self._where(rng, fitting) if fitting else None
        if where is None:
            return ()
        names, given = where
        part = healthy(next(n for n in nodes if n.name == names[0]), shape)
        params = dict(given)
        for param in self.params:
            if param.name not in params and (param.default is None or param.examples):
                params[param.name] = param.draw(rng, part)
        return (FaultSpec(self.id, names, Params(params)),)

    def _where(self, rng: random.Random, nodes: Sequence[Node]) -> Where | None:
        if self.place is not None:
            return self.place(rng, nodes)
        if self.scope is Scope.FLEET:
            return tuple(n.name for n in nodes), {}
        if self.scope is Scope.LEAF:
            return a_leaf(rng, nodes)
        if self.scope is Scope.PAIR:
            return first_pair(rng, nodes)
        return (rng.choice(nodes).name,), {}


KINDS: dict[str, Kind] = {}


def in_node(kind: Kind) -> Callable[[Change], Change]:
    """Register a change to a node's parts."""

    def register(change: Change) -> Change:
        _add(replace(kind, change=change), change)
        return change

    return register


def at_door(kind: Kind) -> Callable[[DoorChange], DoorChange]:
    """Register a change to what a stranger meets at a node's SSH port."""

    def register(change: DoorChange) -> DoorChange:
        _add(replace(kind, door=change), change)
        return change

    return register


def in_fabric(kind: Kind) -> Callable[[FabricChange], FabricChange]:
    """Register a change to the switches and what is between them."""

    def register(change: FabricChange) -> FabricChange:
        _add(replace(kind, fabric=change), change)
        return change

    return register


def _add(kind: Kind, change: Callable[..., None]) -> None:
    if kind.id in KINDS:
        raise ValueError(f"there are two kinds of fault {kind.id}")
    KINDS[kind.id] = replace(kind, group=change.__module__.rpartition(".")[2])


@functools.lru_cache(maxsize=256)
def healthy(node: Node, shape: str = "") -> SimNode:
    """The node as it is without faults, not to be changed; without a shape its profile tells which, if one is called so."""
    name = shape or (node.profile if node.profile in SHAPES else DEFAULT_SHAPE)
    return build(0, node, SHAPES[name], 0, 0.0)


_MOST_LANES_LEFT = 8
"""What `pcie-width` leaves of a GPU's lanes at most."""
_HAS: dict[str, Callable[[SimNode], bool]] = {
    "any": lambda node: True,
    "recovery-told": lambda node: nvidia_layout.tells(node.driver, "gpu_recovery_action"),
    "sockets": lambda node: node.sockets > 1,
    "pcie-lanes": lambda node: any(gpu.pcie_width > _MOST_LANES_LEFT for gpu in node.gpus),
    "x86": lambda node: node.shape.machine == "x86_64",
    "hgx-h100": lambda node: node.shape.name == "hgx-h100",
    "hgx-h100-roce": lambda node: node.shape.name == "hgx-h100-roce",
    "dpu": lambda node: any(nic.kind.is_dpu for nic in node.nics),
    "gpu": lambda node: bool(node.gpus),
    "nvidia": lambda node: node.shape.gpu_vendor == "nvidia",
    "amd": lambda node: node.shape.gpu_vendor == "amd",
    "fabric-reported": lambda node: node.shape.gpu.fabric_reported,
    "nvlink": lambda node: node.shape.gpu_vendor == "nvidia" and node.shape.gpu.nvlinks > 0,
    "nvswitch": lambda node: bool(node.shape.switch_bdfs),
    "fabric-manager": lambda node: node.fabric_manager != "absent",
    "imex": lambda node: node.shape.has_imex,
    "hca": lambda node: bool(node.fabric_hcas),
    "infiniband": lambda node: any(h.layer == "InfiniBand" for h in node.fabric_hcas),
    "roce": lambda node: any(h.layer == "Ethernet" for h in node.fabric_hcas),
    "leaf": lambda node: any(h.leaf for h in node.fabric_hcas),
    "serial": lambda node: bool(node.plan.serial),
    "aux": lambda node: any(not h.is_fabric for h in node.hcas),
}
_NEEDED = {"gpu": "gpu", "link": "nvlink", "hca": "hca", "leaf": "leaf", "rate": "hca"}


# ------------------------------------------------------------------------------------------- parameters, parts

GPU = Param("gpu", "gpu")
HCA = Param("hca", "hca")
LINK = Param("link", "link")
LEAF = Param("leaf", "leaf")
AGE = Param("age_s", "seconds", default=0)
COUNT = Param("count", "count", examples=(1, 3, 12))
TOOL = Param("tool", "tool")
FRACTION = Param("fraction", "fraction", examples=(0.35, 0.45, 0.6, 0.75))


def gpu_of(node: SimNode, given: Given) -> Gpu:
    """The GPU that the fault names."""
    return node.gpus[given.whole("gpu")]


def hca_of(node: SimNode, given: Given) -> Hca:
    """The adapter that the fault names."""
    return next(h for h in node.hcas if h.name == given.text("hca"))


# --------------------------------------------------------------------------------------------------- placing


def a_leaf(rng: random.Random, nodes: Sequence[Node]) -> Where | None:
    """A leaf of the plan, and all nodes that are wired to it."""
    leaves = sorted({p.leaf for n in nodes for p in n.ports if p.leaf})
    if not leaves:
        return None
    leaf = rng.choice(leaves)
    return tuple(n.name for n in nodes if any(p.leaf == leaf for p in n.ports)), {"leaf": leaf}


def first_pair(rng: random.Random, nodes: Sequence[Node]) -> Where | None:
    """Two nodes that the first round of pair tests puts together."""
    rounds = matchings(nodes, 3, place)
    if not rounds or not rounds[0]:
        return None
    a, b = rng.choice(rounds[0])
    return (a.name, b.name), {}


def half(rng: random.Random, nodes: Sequence[Node]) -> Where | None:
    """Half of the nodes, drawn at random."""
    chosen = set(rng.sample([n.name for n in nodes], len(nodes) // 2))
    return tuple(n.name for n in nodes if n.name in chosen), {}


def two_ports_of_one(rng: random.Random, nodes: Sequence[Node]) -> Where | None:
    """One node and two of its planned ports on different leaves."""
    node = rng.choice(nodes)
    if len({p.leaf for p in node.ports}) < 2:
        return None
    a = rng.choice(node.ports)
    b = rng.choice([p for p in node.ports if p.leaf != a.leaf])
    return (node.name,), {"hca": a.hca, "other": b.hca}


def same_rail(rng: random.Random, nodes: Sequence[Node]) -> Where | None:
    """Two nodes and the name of an adapter that both have in their plan."""
    if len(nodes) < 2:
        return None
    a, b = rng.sample(list(nodes), 2)
    both = [p.hca for p in a.ports if p.hca in {q.hca for q in b.ports}]
    return ((a.name, b.name), {"hca": rng.choice(both)}) if both else None


def another_leaf(rng: random.Random, nodes: Sequence[Node]) -> Where | None:
    """A node, one of its ports, and a leaf of the plan to which that port does not belong."""
    node = rng.choice(nodes)
    if not node.ports:
        return None
    port = rng.choice(node.ports)
    leaves = sorted({p.leaf for n in nodes for p in n.ports if p.leaf} - {port.leaf})
    return ((node.name,), {"hca": port.hca, "to": rng.choice(leaves)}) if leaves else None
