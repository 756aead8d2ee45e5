"""What a check is: two pure functions, `plan` (commands as data) and `judge` (outputs to measurements and findings).

A check does no I/O, holds no threshold, never sleeps and never retries. `judged()` wraps every call so that nothing
a check does can end in a false pass:

1. a failure already proven stays a FAIL, even if a later line cannot be read;
2. a ParseError, a missing limit, a missing tool, a timeout, a lost connection give ERROR;
3. a check that compared nothing with a limit, or found nothing, is ERROR;
4. an exception that nobody expected is ERROR with its traceback, and the run goes on.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar, get_args, get_origin

from bringup.errors import CannotJudge, NoLimit, NotApplicable, ParseError, ToolMissing
from bringup.model import (
    Command,
    Ended,
    Fault,
    Finding,
    Group,
    Level,
    Limit,
    Measurement,
    Node,
    Outcome,
    Output,
    Pair,
    Port,
    Stage,
    Target,
    Verdict,
    Weight,
    Why,
)

T = TypeVar("T", Node, Pair, Group)

LARGEST = 1e30
"""No reading of a machine is larger; what is, was misread."""

# ------------------------------------------------------------------------------------------------ plans


@dataclass(frozen=True, slots=True)
class Step:
    """One command on one node."""

    node: Node
    command: Command


@dataclass(frozen=True, slots=True)
class Run:
    """Steps in any order; the engine may share equal commands between checks."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Steps on several nodes that must run at the same time."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Serve:
    """A client step that may start only when the server step listens on its port."""

    server: Step
    client: Step

    @property
    def steps(self) -> tuple[Step, ...]:
        return (self.server, self.client)


Plan = Run | Together | Serve
NOTHING = Run(())


def run(node: Node, *commands: Command) -> Run:
    """A plan of some commands on one node."""
    return Run(tuple(Step(node, command) for command in commands))


def together(*steps: Step) -> Together:
    """A plan of steps that run at the same time."""
    return Together(steps)


def serve(server: Step, client: Step) -> Serve:
    """A plan of a server and its client. The server's command must name the port that it `listens` on."""
    if server.command.listens is None:
        raise ValueError("serve: the server's command must say which port it listens on")
    return Serve(server, client)


# ------------------------------------------------------------------------------------------------ outputs


class Outputs:
    """What the steps of one plan answered, by node and command."""

    def __init__(self, outputs: Mapping[tuple[str, Command], Output]) -> None:
        self._outputs = outputs

    def get(self, node: Node, command: Command) -> Output:
        """The output as it is, however the command ended. Raises CannotJudge if there is none."""
        try:
            return self._outputs[node.name, command]
        except KeyError:
            raise CannotJudge(f"no answer from {node.name}") from None

    def answered(self, node: Node, command: Command) -> Output:
        """The output of a command that ran to its end, whatever its exit status.

        Raises ToolMissing or CannotJudge if the tool is missing, or it timed out, was cut off, or was lost.
        """
        out = self.get(node, command)
        if out.ended is Ended.MISSING:
            raise ToolMissing(tuple(out.detail.split()), at=node.name)
        if out.ended is Ended.TIMEOUT:
            raise CannotJudge(
                f"{_program(command)} did not answer within {command.timeout_s:g} s on {node.name}",
                code="COMMAND-HANGS",
                at=node.name,
            )
        if out.ended is not Ended.EXITED:
            raise CannotJudge(f"{node.name}: {out.detail or out.ended.value}", code="NODE-LOST", at=node.name)
        if out.truncated:
            raise CannotJudge(
                f"{_program(command)} printed more than {command.max_bytes} bytes on {node.name}"
            )
        return out

    def optional(self, node: Node, command: Command, ctx: Context) -> Output:
        """`answered`, for a tool that not every node has.

        Raises NotApplicable where it is missing and the profile does not require it (tools.required).
        """
        out = self.get(node, command)
        missing = tuple(out.detail.split()) if out.ended is Ended.MISSING else ()
        if missing and not any(ctx.requires(node, name) for name in missing):
            names = ", ".join(missing)
            raise NotApplicable(
                f"{names} is not installed on {node.name}, and its profile does not require it"
            )
        return self.answered(node, command)

    def text(self, node: Node, command: Command, *, status: int | None = 0) -> str:
        """Standard output of a command that ran to its end with this exit status (None: any)."""
        out = self.answered(node, command)
        if status is not None and out.status != status:
            said = " / ".join((out.error_text or out.text).split("\n")[:2]).strip()
            raise CannotJudge(
                f"{_program(command)} ended with status {out.status} on {node.name}: {said[:200] or 'no text'}"
            )
        return out.text

    def __iter__(self) -> Iterator[Output]:
        return iter(self._outputs.values())


def _program(command: Command) -> str:
    return command.needs[0] if command.needs else command.script.strip().split("\n")[0][:60]


# ------------------------------------------------------------------------------------------------ context


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
    the measurements of all nodes, for checks of the fleet. `started` is Unix seconds.
    """

    rules: Mapping[str, Rules]
    readings: Mapping[tuple[str, str], tuple[Measurement, ...]] = field(default_factory=dict)
    listen_port: int = 18515
    started: float = 0.0

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
                f"{node.name} has no profile; give it one in the inventory", code="NO-PROFILE"
            ) from None


# ------------------------------------------------------------------------------------------------ checks


class Check(ABC, Generic[T]):
    """One thing that is true of a healthy target. The docstring's first line says it as a fact.

    Class attributes: `id` is `stage.name`; `faults` are the kinds of defect that it can report, the first being the
    default for measurements without a code. `gate` says what leaves the later stages when the check fails or cannot
    judge: "" nothing, "node" the node, "component" only the component that failed. `collects` marks a check whose
    measurements are readings for fleet checks, so that having read them is its pass. `judges_loss` marks the check
    that is asked even when the node cannot be reached. Of pairs, `per_rail` says whether each rail is a test of its
    own and `rounds` how many different partners each node meets.
    """

    id: ClassVar[str]
    stage: ClassVar[Stage]
    level: ClassVar[Level] = Level.QUICK
    faults: ClassVar[tuple[Fault, ...]] = ()
    gate: ClassVar[str] = ""
    collects: ClassVar[bool] = False
    judges_loss: ClassVar[bool] = False
    per_rail: ClassVar[bool] = True
    rounds: ClassVar[int] = 3
    target: ClassVar[type[Node] | type[Pair] | type[Group]]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Check:
                cls.target = get_args(base)[0]

    @property
    def says(self) -> str:
        """The docstring's first line: what is true when the check passes."""
        return (self.__doc__ or "").strip().split("\n")[0]

    @abstractmethod
    def plan(self, target: T, ctx: Context) -> Plan:
        """The commands to run. Raises NotApplicable (with the reason) or CannotJudge."""

    @abstractmethod
    def judge(self, target: T, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        """Measurements and findings from the outputs. Raises CannotJudge; what was yielded before counts."""


AnyCheck = Check[Node] | Check[Pair] | Check[Group]


def components(target: Target, ctx: Context) -> tuple[str, ...]:
    """The component paths that a target stands for: the node, or for a pair on a rail its two ports.

    A pair without a rail uses every planned port of both nodes.
    """
    if isinstance(target, Pair):
        paths: list[str] = []
        for node in target.nodes:
            try:
                ports = ctx.training_ports(node)
            except CannotJudge:
                ports = ()
            mine = [p for p in ports if target.rail is None or p.rail == target.rail]
            paths += [port_path(node.name, p.hca) for p in mine] or [node.name]
        return tuple(paths)
    return tuple(n.name for n in target.nodes)


def port_path(node: str, hca: str, port: int = 1) -> str:
    """The component path of a fabric port."""
    return f"{node}/hca/{hca}/port/{port}"


def judged(check: AnyCheck, target: Target, outputs: Outputs, ctx: Context) -> Outcome:
    """What the check says about the target, under the four rules of this module's docstring. Never raises."""
    measurements: list[Measurement] = []
    findings: list[Finding] = []
    reason, code, error_at, verdict, why = "", "", "", Verdict.PASS, Why.NONE
    try:
        for item in check.judge(target, outputs, ctx):  # type: ignore[arg-type]
            _sound(item)
            if isinstance(item, Finding):
                findings.append(item)
            else:
                item.ok  # noqa: B018  a limit that does not fit the value must surface here
                measurements.append(item)
    except NotApplicable as no:
        reason, verdict, why = str(no), Verdict.NOT_RUN, Why.NOT_APPLICABLE
    except CannotJudge as cannot:
        reason, code, error_at = str(cannot.reason), str(cannot.code), str(cannot.at)
        verdict = Verdict.ERROR
        if isinstance(cannot, ParseError):
            reason, code = f"output not understood: {reason}", code or "OUTPUT-UNKNOWN"
    except Exception:  # noqa: BLE001  the door to code of any author: a bug there must not take the run along
        reason, code, verdict = (
            f"a bug in check {check.id}:\n{traceback.format_exc()}",
            "CHECK-BUG",
            Verdict.ERROR,
        )
    broken = [m for m in measurements if m.limit is not None and not _holds(m)]
    failed = [f for f in findings if f.weight is Weight.FAIL]
    if broken or failed:
        verdict, why = Verdict.FAIL, Why.NONE
    elif verdict is Verdict.PASS and not check.collects and not any(m.limit for m in measurements):
        if not findings:
            reason = f"check {check.id} compared nothing with a limit"
            verdict, code = Verdict.ERROR, "NOTHING-JUDGED"
        else:
            reason = findings[0].message
            verdict = Verdict.ERROR
    elif verdict is Verdict.PASS and check.collects and not measurements:
        reason, verdict, code = f"check {check.id} read nothing", Verdict.ERROR, "NOTHING-JUDGED"
    used = list(outputs)
    return Outcome(
        check=check.id,
        stage=check.stage,
        target=target.key,
        nodes=tuple(n.name for n in target.nodes),
        verdict=verdict,
        at=components(target, ctx),
        reason=reason,
        code=code,
        error_at=error_at,
        why=why,
        measurements=tuple(measurements),
        findings=tuple(findings),
        seconds=max((o.seconds for o in used), default=0.0),
        ended=max((o.at for o in used), default=0.0),
    )


def _sound(item: object) -> None:
    """Whether the journal and everybody who reads it can hold what a check says. Raises TypeError or ParseError."""
    if isinstance(item, Finding):
        texts: tuple[object, ...] = (item.code, item.message, item.at)
    elif isinstance(item, Measurement) and isinstance(item.value, int | float | str):
        texts = (item.name, item.unit, item.at, item.code)
        if not isinstance(item.value, str) and not abs(item.value) <= LARGEST:
            said = str(item.value) if isinstance(item.value, float) else "too large"
            raise ParseError(f"{item.name} at {item.at} is {said}, which is no number to judge")
    else:
        raise TypeError(f"{item!r} is neither a finding nor a measurement of a number or word"[:500])
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"name, unit, message, code and place are text, got {texts!r}"[:500])


def _holds(measurement: Measurement) -> bool:
    try:
        return measurement.ok
    except ValueError:
        return False


def not_run(check: AnyCheck, target: Target, why: Why, reason: str, ctx: Context) -> Outcome:
    """The outcome of a check that is not run, with the reason."""
    return Outcome(
        check=check.id,
        stage=check.stage,
        target=target.key,
        nodes=tuple(n.name for n in target.nodes),
        verdict=Verdict.NOT_RUN,
        at=components(target, ctx),
        reason=reason,
        why=why,
    )
