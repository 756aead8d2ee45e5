"""Every error that bringup raises on purpose.

BringupError
  x UsageError            a person's input is wrong: exit 2, no traceback
    + InventoryError      all problems of one inventory at once, each with file and line
    + ProfileError        the same for a profile
    + NothingSelected     the selection matches nothing: exit 5
    + RunFolderError      a run folder is missing, damaged or of another version
  x CannotJudge           one check on one target ends in ERROR, never in PASS
    + ParseError          a tool answered something that its parser does not know
    + NoLimit             the profile has no limit or fact of that name
    + ToolMissing         a program is not installed on the node
  x NotApplicable         the profile or the plan says that this check does not concern the target: NOT-RUN
  x TransportError        a node cannot be reached or was lost; `kind` says how

Anything else that escapes from a check is a bug: ERROR with the traceback kept, and the run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bringup.packages import named


class BringupError(Exception):
    """Base of all errors raised on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a person wrote."""

    file: str
    line: int | None
    what: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line is not None else "file"
        return f"{where}  {self.what}"


class UsageError(BringupError):
    """A person's input is wrong; the message says where, what was seen and what was needed."""


class FileProblems(UsageError):
    """All mistakes of one or more human-written files at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(self.render())

    def render(self) -> str:
        """The message as a person reads it: one line for each problem, grouped by file."""
        lines: list[str] = []
        for file in dict.fromkeys(p.file for p in self.problems):
            mine = [p for p in self.problems if p.file == file]
            count = "1 problem" if len(mine) == 1 else f"{len(mine)} problems"
            lines.append(f"{file}: {count}, nothing was run")
            lines += [f"  {p}" for p in sorted(mine, key=lambda p: p.line or 0)]
        return "\n".join(lines)


class InventoryError(FileProblems):
    """The inventory cannot be used."""


class ProfileError(FileProblems):
    """A profile cannot be used."""


class NothingSelected(UsageError):
    """The selection matches no node or no check."""


class RunFolderError(UsageError):
    """A run folder is missing, damaged or written by a newer version."""


class CannotJudge(BringupError):
    """The check cannot give a verdict; the target's outcome becomes ERROR.

    `code` names the fault if the reason is one that somebody can act on (for example NODE-UNREACHABLE), `at` the
    component that is to blame if it is not the whole target (of a pair, the node whose tool is missing).
    """

    def __init__(self, reason: str, *, code: str = "", at: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.at = at


class ParseError(CannotJudge):
    """A tool's output is not what its parser knows; the message quotes the first unknown part."""


class NoLimit(CannotJudge):
    """The profile holds no limit or fact of this name."""


class ToolMissing(CannotJudge):
    """A program that the check needs is not installed on the node. `instead` is another way to get what it tells."""

    def __init__(self, tools: tuple[str, ...], *, at: str = "", instead: str = "") -> None:
        missing = f"not installed on the node (or not in PATH): {named(tools)}"
        super().__init__(f"{missing}; {instead}" if instead else missing, code="TOOL-MISSING", at=at)
        self.tools = tools
        self.instead = instead


class NotApplicable(BringupError):
    """The check does not concern this target (no GPU by profile, no cable by plan); reason in the message."""


class LostKind(StrEnum):
    """Why a node gave no answer. Each needs another person or another hand."""

    RESOLVE = "name does not resolve"
    REFUSED = "connection refused"
    TIMEOUT = "no answer"
    NO_ROUTE = "no route to host"
    BANNER = "no SSH banner"
    AUTH = "login refused"
    HOST_KEY_CHANGED = "host key changed"
    HOST_KEY_UNKNOWN = "host key unknown"
    SHELL = "no usable shell"
    LOST = "connection lost"


class TransportError(BringupError):
    """A node cannot be reached, or the connection was lost."""

    def __init__(self, kind: LostKind, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else str(kind))
        self.kind = kind
        self.detail = detail
