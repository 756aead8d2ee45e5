"""Parameters of simulated faults: what they may be, how they are checked and drawn, and typed access to them."""

from __future__ import annotations

import difflib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.mock.hardware import SimNode
from bringup.mock.programs import PROGRAMS, UTILITIES
from bringup.mock.shapes import LINK_GENERATIONS
from bringup.model import Node

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `kind` names what it is (see `problem`); without a default it must be given.

    `examples` are values to draw from, where not all that are allowed make the fault that the kind is about.
    """

    name: str
    kind: str
    default: Scalar | None = None
    choices: tuple[Scalar, ...] = ()
    examples: tuple[Scalar, ...] = ()

    @property
    def shown(self) -> str:
        """As the documentation writes it: name, choices, default."""
        text = f"{self.name}: {'|'.join(map(str, self.choices))}" if self.choices else self.name
        return text if self.default is None else f"{text} (default {self.default})"

    def draw(self, rng: random.Random, node: SimNode) -> Scalar:
        """A value for this healthy node."""
        return rng.choice(self.examples or self.choices or _parts(node)[self.kind])

    def problem(self, value: Scalar, node: SimNode) -> str:
        """What is wrong with a value on this node; empty if nothing is."""
        if self.choices:
            return (
                ""
                if value in self.choices
                else f"needs one of {', '.join(map(str, self.choices))}, got {value!r}"
            )
        if self.kind == "word":
            return "" if isinstance(value, str) and value.strip() else f"needs a text, got {value!r}"
        if self.kind in ("tool", "program"):
            return _tool_problem(value, PROGRAMS if self.kind == "tool" else (*PROGRAMS, *UTILITIES))
        if self.kind == "hca":
            names = [h.name for h in node.hcas]
            return (
                "" if value in names else f"{value!r} is no HCA of {node.name}, which has {', '.join(names)}"
            )
        if self.kind == "leaf":
            leaves = {h.leaf for h in node.hcas if h.leaf}
            return "" if value in leaves else f"{value!r} is no leaf of {node.name} in the inventory"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"needs a number, got {value!r}"
        if self.kind == "fraction":
            return "" if 0 < value < 1 else f"needs a number between 0 and 1, got {value!r}"
        if self.kind == "number":
            return ""
        if self.kind == "seconds":
            return "" if value >= 0 else f"needs seconds from 0 up, got {value!r}"
        return self._whole_problem(value, node)

    def _whole_problem(self, value: int | float, node: SimNode) -> str:
        low, high = {
            "gpu": (0, len(node.gpus) - 1),
            "link": (0, max(node.shape.gpu.links, default=-1)),
            "count": (1, 1_000_000_000),
            "rate": (min(LINK_GENERATIONS), max(LINK_GENERATIONS)),
        }[self.kind]
        if not isinstance(value, int) or not low <= value <= high:
            return f"needs a whole number {low} to {high}, got {value!r}"
        if self.kind == "link" and value in node.shape.gpu.unwired:
            return f"needs one of {', '.join(map(str, node.shape.gpu.links))}, got {value!r}"
        if self.kind == "rate" and value not in LINK_GENERATIONS:
            return f"needs one of {', '.join(map(str, LINK_GENERATIONS))} Gb/s, got {value!r}"
        return ""


def _parts(node: SimNode) -> dict[str, Sequence[Scalar]]:
    """What a parameter of each kind can name on this node; a rate is one that is worth reporting."""
    full = node.shape.hca.rate_gbps
    return {
        "gpu": range(len(node.gpus)),
        "link": node.shape.gpu.links,
        "hca": [h.name for h in node.fabric_hcas],
        "leaf": sorted({h.leaf for h in node.fabric_hcas if h.leaf}),
        "rate": [rate for rate in LINK_GENERATIONS if full / 4 <= rate < full],
    }


def _tool_problem(value: Scalar, names: tuple[str, ...]) -> str:
    if value in names:
        return ""
    near = difflib.get_close_matches(str(value), names, n=1)
    return f"{value!r} is not simulated" + (f"; did you mean {near[0]}?" if near else "")


class Given:
    """The values of one fault, defaults filled in, and the plans of the nodes that it names.

    Used only after the values were checked.
    """

    def __init__(
        self, params: tuple[Param, ...], values: Mapping[str, Scalar], named: Sequence[Node] = ()
    ) -> None:
        defaults = {p.name: p.default for p in params if p.default is not None}
        self._values: dict[str, Scalar] = {**defaults, **values}
        self.named = tuple(named)

    def whole(self, name: str) -> int:
        return int(self._values[name])

    def number(self, name: str) -> float:
        return float(self._values[name])

    def text(self, name: str) -> str:
        return str(self._values[name])

    def other(self, node: SimNode) -> Node:
        """The first of the named nodes that is not this one; itself where it is alone."""
        return next((n for n in self.named if n.name != node.name), node.plan)
