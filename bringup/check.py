"""What a check is: two pure functions, `plan` (commands as data) and `judge` (outputs to measurements and findings).

A check does no I/O, holds no threshold, never sleeps and never retries. `bringup.judging` wraps every call so that
nothing a check does can end in a false pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar, get_args, get_origin

from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, NotApplicable, ToolMissing
from bringup.model import Finding, Group, Level, Measurement, Node, Pair, Stage, Target, port_path

T = TypeVar("T", Node, Pair, Group)

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
    """Steps on several nodes that must run at the same time; those whose command `listens` go first."""

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


Answers = Mapping[tuple[str, Command], Output]
"""Outputs by node name and command."""


class Outputs:
    """What the steps of one plan answered, by node and command.

    `before` is what the same commands answered when they were first asked in this run, for checks that compare.
    """

    def __init__(self, outputs: Answers, before: Answers | None = None) -> None:
        self._outputs = outputs
        self._before = before

    @property
    def before(self) -> Outputs:
        """The first answers of this run. A command without one raises CannotJudge: nothing to compare with."""
        return _First(self._before or {})

    def get(self, node: Node, command: Command) -> Output:
        """The output as it is, however the command ended. Raises CannotJudge if there is none."""
        try:
            return self._outputs[node.name, command]
        except KeyError:
            raise CannotJudge(self._absent(node, command)) from None

    def _absent(self, node: Node, command: Command) -> str:
        return f"no answer from {node.name}"

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


class _First(Outputs):
    """The first answers, where a missing one has a reason of its own."""

    def _absent(self, node: Node, command: Command) -> str:
        return f"{_program(command)} had no answer on {node.name} before the load: there is nothing to compare with"


def _program(command: Command) -> str:
    return command.needs[0] if command.needs else command.script.strip().split("\n")[0][:60]


# ------------------------------------------------------------------------------------------------ checks


class Check(ABC, Generic[T]):
    """One thing that is true of a healthy target. The docstring's first line says it as a fact.

    Class attributes: `id` is `stage.name`; `faults` are the kinds of defect that it can report, the first being the
    default for measurements without a code. `gate` says what leaves the later stages when the check fails or cannot
    judge: "" nothing, "node" the node, "component" only the component that failed; a fault may expel by itself.
    `collects` marks a check whose measurements are readings for fleet checks, so that having read them is its pass.
    `judges_loss` marks the check that is asked even when the node cannot be reached. `compares` marks a check that
    looks at the difference between the first answers of its commands in the run (`out.before`) and those of now;
    nodes that a gate sent away are asked as well, if they answered the first time. Of pairs, `per_rail` says
    whether each rail is a test of its own and `rounds` how many different partners each node meets. `ports` is how
    many TCP ports a test uses, from `ctx.listen_port` on. Of groups, `jobs` says that the check is run for jobs
    inside the leaves, across them and over all nodes of a profile, and that the cause is searched where one fails;
    it measures at `target.name`.
    """

    id: ClassVar[str]
    stage: ClassVar[Stage]
    level: ClassVar[Level] = Level.QUICK
    faults: ClassVar[tuple[Fault, ...]] = ()
    gate: ClassVar[str] = ""
    collects: ClassVar[bool] = False
    judges_loss: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    per_rail: ClassVar[bool] = True
    rounds: ClassVar[int] = 3
    ports: ClassVar[int] = 1
    jobs: ClassVar[bool] = False
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

    def alone(self, node: Node, ctx: Context) -> str:
        """For checks of pairs: why the only node of a run need not be tested with another; empty if it must be."""
        return ""

    def at_home(self, node: Node, ctx: Context) -> bool:
        """For checks of pairs: whether the node must meet one of its own NVLink domain, as only such a pair tells of it."""
        return False

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
