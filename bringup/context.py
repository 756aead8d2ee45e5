"""What a check may know besides the outputs of its own commands: profiles, plan, readings of other checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bringup.errors import NoLimit, NotApplicable
from bringup.model import Limit, Measurement, Node, Port


class Rules(Protocol):
    """The profile as a check sees it (see bringup.profile)."""

    @property
    def name(self) -> str: ...
    def limit(self, name: str) -> Limit: ...
    def fact(self, name: str) -> object: ...


@dataclass(frozen=True)
class Context:
    """What a check may know besides the outputs: the profiles, the plan, and readings of earlier checks.

    `listen_port` is a TCP port that no other test of the node uses; `readings` maps (check id, measurement name) to
    the measurements of all nodes, for checks of the fleet. `started` is Unix seconds. `rails` are those whose ports take
    part, none: all.
    """

    rules: Mapping[str, Rules]
    readings: Mapping[tuple[str, str], tuple[Measurement, ...]] = field(default_factory=dict)
    listen_port: int = 18515
    started: float = 0.0
    rails: frozenset[int] = frozenset()

    def on_rails(self, rails: Iterable[int]) -> Context:
        """The same, for a test over these rails only; over all if there are none."""
        return Context(self.rules, self.readings, self.listen_port, self.started, frozenset(rails))

    def limit(self, node: Node, name: str) -> Limit:
        """The limit `name` of the node's profile. Raises NoLimit."""
        return self._of(node).limit(name)

    def fact(self, node: Node, name: str) -> object:
        """The fact `name` of the node's profile. Raises NoLimit."""
        return self._of(node).fact(name)

    def fact_if_any(self, node: Node, name: str) -> object | None:
        """The fact, or None where the profile does not say. Raises NoLimit for a node without a profile."""
        rules = self._of(node)
        try:
            return rules.fact(name)
        except NoLimit:
            return None

    def number(self, node: Node, name: str) -> int:
        """A fact that is a whole number. Raises NoLimit if it is missing or something else."""
        value = self.fact(node, name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise NoLimit(f"profile {node.profile}: fact {name} is {value!r}, needed a whole number")
        return value

    def training_ports(self, node: Node) -> tuple[Port, ...]:
        """The planned fabric ports: the inventory's, else the profile's `fabric.hcas` in rail order."""
        ports = self._planned_ports(node)
        return tuple(port for port in ports if port.rail in self.rails) if self.rails else ports

    def _planned_ports(self, node: Node) -> tuple[Port, ...]:
        if node.ports:
            return node.ports
        value = self.fact(node, "fabric.hcas")
        if not isinstance(value, list):
            raise NoLimit(
                f"profile {node.profile}: fact fabric.hcas is {value!r}, needed a list of device names"
            )
        return tuple(Port(rail, str(hca)) for rail, hca in enumerate(value))

    def need_gpus(self, node: Node, vendor: str = "") -> int:
        """How many GPUs the profile asks for. Raises NotApplicable where it has none, or none of this vendor."""
        count = self.number(node, "gpu.count")
        if count == 0:
            raise NotApplicable(f"profile {node.profile} has no GPUs")
        if vendor and (other := self.fact(node, "gpu.vendor")) != vendor:
            raise NotApplicable(f"the GPUs of profile {node.profile} are made by {other}, not {vendor}")
        return count

    def limit_or_none(self, node: Node, name: str) -> Limit | None:
        """The limit, None where the profile has none: for checks that then judge by the siblings or the fleet."""
        try:
            return self.limit(node, name)
        except NoLimit:
            if node.profile not in self.rules:
                raise
            return None

    def requires(self, node: Node, program: str) -> bool:
        """Whether the profile's tools.required names a program. A tool that it does not name is optional."""
        value = self.fact(node, "tools.required")
        return isinstance(value, list | tuple) and program in value

    def _of(self, node: Node) -> Rules:
        try:
            return self.rules[node.profile]
        except KeyError:
            raise NoLimit(
                f"{node.name} has no profile; give it one in the inventory", code="NO-PROFILE", at=node.name
            ) from None
