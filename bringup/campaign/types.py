"""The words of the campaign: scenarios, what they plant, what a run reported, how that scored. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bringup.defects import Defect

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A defect that a run should report. `code` and `component` are patterns in the style of file names."""

    code: str
    component: str
    who: str


@dataclass(frozen=True, slots=True)
class Place:
    """One place where something is wrong: these nodes, and the defects of which any one is right."""

    nodes: tuple[str, ...]
    anyone_of: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Planted:
    """One seeded fault. Without places it is an oddity: nothing may be reported about its nodes.

    `closes` names the later work where no check can see it yet; then, and only then, a run may miss it.
    """

    kind: str
    nodes: tuple[str, ...]
    places: tuple[Place, ...]
    params: dict[str, Scalar] = field(default_factory=dict)
    closes: str = ""

    @property
    def oddity(self) -> bool:
        return not self.places

    @property
    def title(self) -> str:
        """The fault as the inventory gives it, for people."""
        said = "".join(f" {name}={value}" for name, value in self.params.items())
        return f"{self.kind} at {','.join(self.nodes[:3])}{',…' if len(self.nodes) > 3 else ''}{said}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One simulated cluster with its faults. `text` is its whole inventory, so that it can be replayed anywhere.

    `family` is single, combined, clean, oddity or case. `also` names a further question about the run, `probe` a
    procedure of its own instead of a plain run (see cases). `closes` names the later work that it waits for;
    with `blocked` it is not even run, for the reason given there.
    """

    id: str
    family: str
    shape: str
    seed: int
    nodes: int
    text: str = ""
    title: str = ""
    planted: tuple[Planted, ...] = ()
    also: str = ""
    probe: str = ""
    closes: str = ""
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a scenario. `error` is set where it crashed or hung; `broken` are failed further questions."""

    scenario: str
    seconds: float
    verdict: str = ""
    missing: int = 0
    defects: tuple[Defect, ...] = ()
    broken: tuple[str, ...] = ()
    error: str = ""


class Hit(StrEnum):
    """How well one place of a fault was reported, from best to worst."""

    RIGHT = "right"
    WRONG_CLASS = "wrong class"
    MISPLACED = "misplaced"
    MISSED = "missed"


HITS: tuple[Hit, ...] = tuple(Hit)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One place of a defect that no seeded fault accounts for. `kind` is the fault at its node; empty: a clean node."""

    code: str
    component: str
    who: str
    measured: str
    nodes: tuple[str, ...]
    kind: str = ""
    later: str = ""


@dataclass(frozen=True, slots=True)
class FaultScore:
    """How one seeded fault came out: the worst of its places."""

    planted: Planted
    hit: Hit
    reported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """How a scenario came out. `problems` are what is wrong with the run as such."""

    scenario: Scenario
    faults: tuple[FaultScore, ...]
    alarms: tuple[Alarm, ...]
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def due(self) -> tuple[FaultScore, ...]:
        """Faults that should have been reported today."""
        return tuple(f for f in self.faults if not f.planted.closes and not f.planted.oddity)

    @property
    def collateral(self) -> tuple[Alarm, ...]:
        """Alarms that nothing excuses."""
        return tuple(a for a in self.alarms if not a.later)

    @property
    def failed(self) -> bool:
        """Whether something that must be right today was not."""
        if self.scenario.closes:
            return False
        return bool(self.problems or self.collateral or any(f.hit is not Hit.RIGHT for f in self.due))
