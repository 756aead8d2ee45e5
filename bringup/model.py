"""The words that every other module speaks: nodes, commands, outputs, measurements, outcomes, defects.

All types are frozen data without behaviour that touches the world. They are also the JSON of the journal.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Pair:
    """Two nodes tested together. With a rail, only that rail's two ports; `round` counts from 1."""

    a: Node
    b: Node
    rail: int | None = None
    round: int = 1

    @property
    def key(self) -> str:
        rail = "" if self.rail is None else f" rail {self.rail}"
        return f"{self.a.name} ~ {self.b.name}{rail}"

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.a, self.b)


@dataclass(frozen=True, slots=True)
class Group:
    """Any number of nodes judged together; the group named `fleet` is all nodes of the run."""

    name: str
    members: tuple[Node, ...]

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
    """The battery's stages in their order; each has a gate."""

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


STAGES: tuple[Stage, ...] = tuple(Stage)


class Level(StrEnum):
    """How much of the battery to run; each level contains the ones before it."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"
    SOAK = "soak"


LEVELS: tuple[Level, ...] = tuple(Level)

# ---------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Command:
    """What one node is asked to run: POSIX sh text. Two equal commands of a stage run once.

    `$ROOT` in the text is the node's `root` (empty on a plain node). `needs` are programs looked up first: if one is
    missing the command is not run. `root` asks for `sudo -n` where the login is not root. `alone` means that
    nothing else of the stage may run on the node at the same time (it loads the node). `listens` is a TCP port on
    which the command must listen before its partner may start.
    """

    script: str
    timeout_s: float = 20.0
    max_bytes: int = 1 << 20
    needs: tuple[str, ...] = ()
    root: bool = False
    alone: bool = False
    listens: int | None = None
    estimate_s: float = 0.2


class Ended(StrEnum):
    """How a command ended."""

    EXITED = "exited"
    TIMEOUT = "timeout"
    MISSING = "missing"
    LOST = "lost"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Output:
    """What one command answered on one node. `at` is the orchestrator's clock (Unix seconds) at its end.

    `status` is None unless it exited; `detail` names the missing program or the reason of the loss.
    `as_root` tells whether the command ran with root's rights.
    """

    node: str
    command: Command
    ended: Ended
    status: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    seconds: float = 0.0
    at: float = 0.0
    truncated: bool = False
    as_root: bool = False
    detail: str = ""

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "replace")

    @property
    def error_text(self) -> str:
        return self.stderr.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the raw bytes of one command are kept: slices of one file in the run folder."""

    node: str
    file: str
    command: Command
    ended: Ended
    status: int | None
    seconds: float
    at: float
    offset: int
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool = False
    as_root: bool = False
    detail: str = ""


# ---------------------------------------------------------------------------------------------- judging

_OPS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Limit:
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


@dataclass(frozen=True, slots=True)
class Measurement:
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


@dataclass(frozen=True, slots=True)
class Outcome:
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


# ---------------------------------------------------------------------------------------------- defects


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

    `action` and `title` may use {at} (the component's short name), {node}, {place}, {cable}, {leaf}, {leaf_port}.
    `explained_by` are fault codes that, present on the same component path, make this one a consequence.
    """

    code: str
    title: str
    action: str
    who: Who = Who.HANDS_ON
    severity: Severity = Severity.ISOLATE
    explained_by: tuple[str, ...] = ()


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
