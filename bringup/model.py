"""The words that every other module speaks: nodes, targets, stages, limits, measurements, outcomes, runs.

All types are frozen data without behaviour that touches the world. They are also the JSON of the journal. Outcomes,
measurements and limits are `Struct`s and not dataclasses: a node gives most of a thousand, so they are made in a tenth
of the time, and since they can be no part of a cycle the garbage collector need not walk through them again and again.
Changed copies of them are made with `msgspec.structs.replace`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

from bringup.commands import Evidence

# ---------------------------------------------------------------------------------------------- inventory


@dataclass(frozen=True, slots=True)
class Port:
    """One planned fabric port of a node. `rail` counts from 0; empty text means that the plan does not say."""

    rail: int
    hca: str
    leaf: str = ""
    leaf_port: str = ""
    cable: str = ""


@dataclass(frozen=True, slots=True)
class Jump:
    """A host to go through, in order from the orchestrator outwards."""

    host: str
    port: int = 22
    user: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine. `name` is its identity; the address may change between runs.

    `root` is put before /sys, /proc, /dev, /etc and /var/log in what the checks read: empty on a plain node, the
    mount point of the host's file system when the shell is inside a container. `peer_address` is how the other nodes
    reach it (empty: `address`).
    """

    name: str
    address: str = ""
    peer_address: str = ""
    port: int = 22
    user: str = ""
    key_file: str = ""
    certificate: str = ""
    jump: tuple[Jump, ...] = ()
    connection: str = "ssh"
    rack: str = ""
    unit: str = ""
    profile: str = ""
    serial: str = ""
    tags: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    root: str = ""
    path: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        return self.name

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self,)

    @property
    def place(self) -> str:
        """Rack and height unit as a technician reads them, for example `R05 U10`; empty if unknown."""
        return " ".join(part for part in (self.rack, f"U{self.unit}" if self.unit else "") if part)


def port_path(node: str, hca: str, port: int = 1) -> str:
    """The component path of a fabric port."""
    return f"{node}/hca/{hca}/port/{port}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two nodes tested together. With a rail, only that rail's two ports; `round` counts from 1.

    `further` counts the rounds in which suspects are confirmed, from 1: such a test is a result of its own, also where
    the two have met before. A `control` is two known-good ends that meet at the same time.
    """

    a: Node
    b: Node
    rail: int | None = None
    round: int = 1
    further: int = 0
    control: bool = False

    @property
    def key(self) -> str:
        rail = "" if self.rail is None else f" rail {self.rail}"
        again = f" {'control' if self.control else 'confirmation'} {self.further}" if self.further else ""
        return f"{self.a.name} ~ {self.b.name}{rail}{again}"

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.a, self.b)


_PAIR_KEY = re.compile(
    r"(?P<a>\S+) ~ (?P<b>\S+)(?: rail (?P<rail>[0-9]{1,6}))?(?: (?P<what>confirmation|control) (?P<further>[0-9]{1,6}))?",
    re.ASCII,
)


class PairKey(NamedTuple):
    """What the key of a pair says."""

    a: str
    b: str
    rail: int | None
    further: int
    control: bool


def pair_key(target: str) -> PairKey | None:
    """The key of a pair taken apart; None for the key of anything else."""
    found = _PAIR_KEY.fullmatch(target)
    if found is None:
        return None
    rail, further = found["rail"], found["further"]
    return PairKey(
        found["a"],
        found["b"],
        None if rail is None else int(rail),
        int(further or 0),
        found["what"] == "control",
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Any number of nodes judged together; the group named `fleet` is all nodes of the run.

    With `rails` only their ports take part.
    """

    name: str
    members: tuple[Node, ...]
    rails: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        return self.name

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.members


Target = Node | Pair | Group

FLEET = "fleet"
"""The name of the group of all nodes; no node may be called so."""


class Stage(StrEnum):
    """The battery's stages in their order. The last one asks again, after the load, what earlier ones have asked."""

    REACH = "reach"
    HOST = "host"
    PCIE = "pcie"
    GPU = "gpu"
    NVLINK = "nvlink"
    LINK = "link"
    CABLING = "cabling"
    PERF = "perf"
    RDMA = "rdma"
    COLLECTIVE = "collective"
    SOAK = "soak"
    AFTER = "after"


STAGES: tuple[Stage, ...] = tuple(Stage)


class Level(StrEnum):
    """How much of the battery to run; each level contains the ones before it."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"
    SOAK = "soak"


LEVELS: tuple[Level, ...] = tuple(Level)

# ---------------------------------------------------------------------------------------------- judging

_OPS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


class Limit(msgspec.Struct, frozen=True, gc=False):
    """A limit of a profile. `source` is `file:line`, `why` tells where the number comes from."""

    name: str
    op: str
    value: float | str | bool
    unit: str = ""
    why: str = ""
    source: str = ""

    def holds(self, value: float | str) -> bool:
        """Whether `value` keeps the limit. NaN never does; text can only be compared with == and !=.

        Raises ValueError for an operator that does not fit the types.
        """
        if self.op == "==":
            return value == self.value
        if self.op == "!=":
            return value != self.value and not (isinstance(value, float) and math.isnan(value))
        if isinstance(value, str) or isinstance(self.value, str):
            raise ValueError(f"limit {self.name}: {self.op} needs numbers, got {value!r} and {self.value!r}")
        return _OPS[self.op](value, self.value)

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"
        words = {
            ">=": "at least ",
            "<=": "at most ",
            "==": "",
            "!=": "anything but ",
            ">": "over ",
            "<": "under ",
        }
        return f"{words[self.op]}{value}" + (f" {self.unit}" if self.unit else "")


class Measurement(msgspec.Struct, frozen=True, gc=False):
    """A number (or word) read at a component. Without a limit it is only informative.

    `at` is a component path such as `gpu-001/hca/mlx5_0/port/1`. `code` is the fault code if the limit is broken;
    empty means the only one that the check declares.
    """

    name: str
    value: float | str
    unit: str
    at: str
    limit: Limit | None = None
    code: str = ""

    @property
    def ok(self) -> bool:
        return self.limit is None or self.limit.holds(self.value)


class Weight(StrEnum):
    """What a finding does to the verdict."""

    FAIL = "fail"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact that is not a number. A note is reported and changes no verdict."""

    code: str
    message: str
    at: str
    weight: Weight = Weight.FAIL


class Verdict(StrEnum):
    """pass, fail, error (could not judge), not-run (with the reason). Missing data is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    ERROR = "error"
    NOT_RUN = "not-run"


class Why(StrEnum):
    """The kind of a NOT_RUN: only `not-applicable` leaves a run READY."""

    NONE = ""
    NOT_APPLICABLE = "not-applicable"
    QUARANTINED = "quarantined"
    ABORTED = "aborted"
    NO_PARTNER = "no-partner"


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What one check said about one target. Immutable; a later attempt is a new outcome.

    `target` is the target's key, `nodes` the names of the nodes that took part, `at` the component that the target
    stands for (a node, or both ports of a pair). `code` is set for an ERROR that somebody can act on, and `error_at`
    for one that a part of the target is to blame for.
    """

    check: str
    stage: Stage
    target: str
    nodes: tuple[str, ...]
    verdict: Verdict
    at: tuple[str, ...] = ()
    attempt: int = 1
    reason: str = ""
    code: str = ""
    why: Why = Why.NONE
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    seconds: float = 0.0
    ended: float = 0.0
    error_at: str = ""


# ---------------------------------------------------------------------------------------------- runs


class RunVerdict(StrEnum):
    """READY, NOT READY (proven defects) or INCOMPLETE (something was not judged)."""

    READY = "READY"
    NOT_READY = "NOT READY"
    INCOMPLETE = "INCOMPLETE"


class Exit:
    """Exit codes of the command. When several apply: INTERNAL, INTERRUPTED, NOT_READY, INCOMPLETE."""

    READY = 0
    NOT_READY = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERNAL = 4
    NOTHING_SELECTED = 5
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """What a cluster asks for before a run of it is READY, besides that nothing is wrong or open. It is never less.

    `level` is the least level, `stages` those in which something must have passed, `whole`: a run of a selection is
    never READY, `exceptions`: recorded exceptions count, `signed`: only those with a signature do.
    """

    level: Level = Level.QUICK
    stages: tuple[Stage, ...] = ()
    whole: bool = False
    exceptions: bool = True
    signed: bool = False


@dataclass(frozen=True, slots=True)
class RunInfo:
    """How a run was started; frozen at its beginning. `selection` says what was chosen if it was not all of it."""

    id: str
    name: str
    level: Level = Level.STANDARD
    version: str = ""
    started: float = 0.0
    stages: tuple[Stage, ...] = STAGES
    checks: tuple[str, ...] = ()
    nodes: int = 0
    estimate_s: float = 0.0
    selection: str = ""
    ready: ReadyRule = ReadyRule()
