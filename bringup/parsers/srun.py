"""What srun of Slurm says when a job does not start, on standard error (22.05 and later name the node of slurmstepd)."""

from __future__ import annotations

import re

from bringup.parsers.mpirun import NoProgram

_NO_PROGRAM = re.compile(
    r"^slurmstepd(?:-(?P<node>\S{1,255}))?: error: execve\(\): (?P<program>.{1,1000}): No such file or directory$",
    re.MULTILINE,
)
_REFUSED = re.compile(
    r"^srun: error: (?P<why>Unable to (?:allocate resources|create step for job \d{1,18}): .{1,300})$", re.M
)
_BECAUSE = re.compile(
    r"^srun: (?P<why>Required node not available.{0,200}|Requested .{1,200} not available now)$", re.M
)


def no_program(text: str) -> NoProgram | None:
    """The first node on which the program is not there; `node` is empty where an older Slurm does not name it."""
    found = _NO_PROGRAM.search(text)
    return NoProgram(found["node"] or "", found["program"]) if found else None


def refusal(text: str) -> str:
    """Why Slurm did not start the job, in its words; empty if it says no such thing."""
    refused, because = _REFUSED.search(text), _BECAUSE.search(text)
    if refused is None:
        return ""
    return refused["why"] + (f" ({because['why']})" if because else "")
