"""What mpirun of Open MPI says when a job does not start.

Its words come in boxes between dashed lines, on stderr, with `Node:` and `Executable:` padded by blanks. A node of the
host list is called as it was written there; the node that mpirun runs on, by its own host name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NO_PROGRAM = re.compile(
    r"unable to find the specified executable file\b.{0,800}?"
    r"^\s*Node:[ \t]+(?P<node>\S+)[ \t]*$.{0,80}?^\s*Executable:[ \t]+(?P<program>\S+)[ \t]*$",
    re.ASCII | re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class NoProgram:
    """A node that has not the program of the job. `node` is as mpirun calls it."""

    node: str
    program: str


def no_program(text: str) -> NoProgram | None:
    """The first node that mpirun found without the program; None where it says no such thing."""
    found = _NO_PROGRAM.search(text)
    return NoProgram(found["node"], found["program"]) if found else None
