"""Kinds of defects and the defects of a run: one thing that one person must do, at one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bringup.model import Stage


class Who(StrEnum):
    """The class of a defect: who must act. COULD_NOT_JUDGE is missing knowledge, not a proven fault."""

    HANDS_ON = "hands-on"
    CONFIGURATION = "configuration"
    SOFTWARE = "software"
    PLAN = "plan"
    COULD_NOT_JUDGE = "could-not-judge"


WHO: tuple[Who, ...] = tuple(Who)


class Severity(StrEnum):
    """What the part needs before tenants may use it."""

    MONITOR = "monitor"
    RESET = "reset"
    REBOOT = "reboot"
    ISOLATE = "isolate"


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of defect that a check can report: its stable code, who acts and what they do.

    `action` and `title` may use {at} (the component's short name), {node}, {place}, {cable}, {leaf}, {leaf_port},
    and {todo}: what a finding's message says after its first line.
    `explained_by` are fault codes that, present on the same component path, make this one a consequence.
    A node with a fault that `expels` leaves the run at once, whatever the check's gate: what it says is worth nothing.
    """

    code: str
    title: str
    action: str
    who: Who = Who.HANDS_ON
    severity: Severity = Severity.ISOLATE
    explained_by: tuple[str, ...] = ()
    expels: bool = False


@dataclass(frozen=True, slots=True)
class Symptom:
    """One failed or unjudged result, as it appears below the defect that explains it."""

    check: str
    target: str
    code: str
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that one person must do, at one place, with everything that it explains.

    `id` is stable over runs (a hash of code and component). `components` lists all component paths when a fleet-wide
    finding was folded into one defect; `nodes` are the affected nodes. `expected` and `measured` are ready to read.
    """

    id: str
    code: str
    who: Who
    severity: Severity
    component: str
    nodes: tuple[str, ...]
    title: str
    action: str
    place: str = ""
    far_end: str = ""
    cable: str = ""
    expected: str = ""
    measured: str = ""
    stage: Stage = Stage.REACH
    explains: tuple[Symptom, ...] = ()
    components: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """A recorded exception: accepted by its owner, for a reason, until the end of a day.

    `what` is the id of a defect or the name of a node that is left out as a whole. `day` is as it was written, `until`
    the same as Unix seconds. `signed` is the name that was put to it at a hand-over.
    """

    what: str
    reason: str
    owner: str
    day: str
    until: float
    by: str = ""
    at: float = 0.0
    signed: str = ""

    def signed_by(self, name: str) -> Waiver:
        """The same with a signature."""
        return replace(self, signed=name)

    def moved_to(self, what: str) -> Waiver:
        """The same for a defect that goes on under another id."""
        return replace(self, what=what)
