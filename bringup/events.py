"""What happens in a run, as data. The journal is a file of these; everything that anybody shows is a fold of them."""

from __future__ import annotations

import msgspec

from bringup.defects import Defect
from bringup.model import Node, Outcome, RunInfo, RunVerdict, Stage


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of all events. `seq` counts from 1 within a journal, `at` is Unix seconds."""

    seq: int = 0
    at: float = 0.0


class RunStarted(Event, frozen=True, tag="run-started"):
    """A run began; the first event of a journal."""

    info: RunInfo


class NodeListed(Event, frozen=True, tag="node"):
    """One node of the run, after selection."""

    node: Node


class Planned(Event, frozen=True, tag="planned"):
    """These targets of a check will be judged. Written before anything of the stage starts."""

    stage: Stage
    check: str
    targets: list[str]


class StageStarted(Event, frozen=True, tag="stage-started"):
    """A stage began. `rounds` is 1 except where pairs take turns; `estimate_s` is the plan's guess."""

    stage: Stage
    estimate_s: float = 0.0
    rounds: int = 1


class RoundStarted(Event, frozen=True, tag="round-started"):
    """A round of disjoint pairs began; rounds count from 1."""

    stage: Stage
    round: int
    rounds: int


class Working(Event, frozen=True, tag="working"):
    """These nodes are busy with the stage from now on (until an `Idle`)."""

    stage: Stage
    nodes: list[str]


class Idle(Event, frozen=True, tag="idle"):
    """These nodes have nothing more to do in the stage (or round)."""

    stage: Stage
    nodes: list[str]


class Judged(Event, frozen=True, tag="outcome"):
    """A check said something about a target."""

    outcome: Outcome


class Quarantined(Event, frozen=True, tag="quarantined"):
    """From now on nothing that needs this component (a node or a port) is run."""

    component: str
    stage: Stage
    check: str
    reason: str


class StageEnded(Event, frozen=True, tag="stage-ended"):
    """A stage is complete."""

    stage: Stage


class DefectsFound(Event, frozen=True, tag="defects"):
    """The list of defects as it stands now; replaces any earlier list."""

    defects: list[Defect]


class Note(Event, frozen=True, tag="note"):
    """Something that a reader of the run should know."""

    text: str


class Resumed(Event, frozen=True, tag="resumed"):
    """A later process took the run up again."""

    text: str = ""


class RunEnded(Event, frozen=True, tag="run-ended"):
    """The run is over. `aborted` says why it ended early, if it did."""

    verdict: RunVerdict
    aborted: str = ""


AnyEvent = (
    RunStarted
    | NodeListed
    | Planned
    | StageStarted
    | RoundStarted
    | Working
    | Idle
    | Judged
    | Quarantined
    | StageEnded
    | DefectsFound
    | Note
    | Resumed
    | RunEnded
)
