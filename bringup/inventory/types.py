"""What an inventory is, once it has been read and found free of mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bringup.model import Node, ReadyRule

Scalar = str | int | float | bool


class Params(Mapping[str, Scalar]):
    """A mapping that never changes and can be hashed, so that a fault can be a key or go to another process."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Mapping[str, Scalar] | Iterable[tuple[str, Scalar]] = ()) -> None:
        self._pairs = tuple(dict(pairs).items())

    def __getitem__(self, key: str) -> Scalar:
        return dict(self._pairs)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(key for key, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self._pairs))

    def __repr__(self) -> str:
        return f"Params({dict(self._pairs)!r})"


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One fault to seed into the simulated cluster. Only its shape is checked here, its kind by the simulator."""

    kind: str
    nodes: tuple[str, ...]
    params: Mapping[str, Scalar] = Params()
    line: int = 0


@dataclass(frozen=True, slots=True)
class ShapeSpec:
    """Nodes of the simulated cluster that are of another shape than the rest."""

    shape: str
    nodes: tuple[str, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Simulate:
    """The nodes are simulated: which shape, from which seed, how many times faster than real.

    `shapes` are the nodes that are not of `shape`.
    """

    shape: str = "hgx-h100"
    seed: int = 1
    speed: float = 20.0
    faults: tuple[FaultSpec, ...] = ()
    line: int = 0
    shapes: tuple[ShapeSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Cable:
    """One planned cable: from a node's port to a switch's port (or another node's). `part` is its part number."""

    a_node: str
    a_port: str
    b_node: str
    b_port: str
    label: str = ""
    length_m: float | None = None
    line: int = 0
    part: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The plan of a cluster. `text` is the file as it was read, to be kept with the run."""

    name: str
    nodes: tuple[Node, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cables: tuple[Cable, ...] = ()
    known_hosts: Path | None = None
    profile_dirs: tuple[Path, ...] = ()
    simulate: Simulate | None = None
    path: Path = Path()
    text: str = ""
    ready: ReadyRule = field(default_factory=ReadyRule)
