"""Why srun started no job: its real words (Slurm 22.05 and later, captured with the small cluster of the tests)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.parsers import srun
from bringup.parsers.mpirun import NoProgram

NO_PROGRAM = """\
slurmstepd-n1: error: execve(): /opt/none/all_reduce_perf: No such file or directory
srun: error: n1: task 0: Exited with exit code 2
srun: launch/slurm: _step_signal: Terminating StepId=2.0
slurmstepd-n3: error: execve(): /opt/none/all_reduce_perf: No such file or directory
srun: error: n3: task 1: Exited with exit code 2
"""
DRAINED = """\
srun: Required node not available (down, drained or reserved)
srun: job 6 queued and waiting for resources
srun: error: Unable to allocate resources: Requested nodes are busy
"""
TOO_MANY = """\
srun: Requested partition configuration not available now
srun: job 7 queued and waiting for resources
srun: error: Unable to allocate resources: Requested nodes are busy
"""
UNKNOWN = "srun: error: Unable to allocate resources: Invalid node name specified\n"
OUTSIDE = """\
salloc: Granted job allocation 9
srun: error: Unable to create step for job 9: Requested node configuration is not available
salloc: Relinquishing job allocation 9
"""
ENDED = """\
srun: error: n3: task 1: Exited with exit code 3
srun: launch/slurm: _step_signal: Terminating StepId=4.0
slurmstepd-n1: error: *** STEP 4.0 ON n1 CANCELLED AT 2026-11-21T02:51:39 ***
srun: error: n1: task 0: Terminated
srun: Force Terminated StepId=4.0
"""

BUSY = "Unable to allocate resources: Requested nodes are busy"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (DRAINED, f"{BUSY} (Required node not available (down, drained or reserved))"),
        (TOO_MANY, f"{BUSY} (Requested partition configuration not available now)"),
        (UNKNOWN, "Unable to allocate resources: Invalid node name specified"),
        (OUTSIDE, "Unable to create step for job 9: Requested node configuration is not available"),
        (NO_PROGRAM, ""),
        (ENDED, ""),
        ("", ""),
    ],
)  # fmt: skip
def test_why_slurm_started_nothing(text: str, why: str) -> None:
    assert srun.refusal(text) == why


def test_who_has_not_the_program() -> None:
    assert srun.no_program(NO_PROGRAM) == NoProgram("n1", "/opt/none/all_reduce_perf")
    assert srun.no_program(NO_PROGRAM.replace("slurmstepd-n1", "slurmstepd")) == NoProgram(
        "", "/opt/none/all_reduce_perf"
    )
    assert srun.no_program(DRAINED + ENDED) is None


@given(st.text())
def test_any_text(text: str) -> None:
    assert isinstance(srun.refusal(text), str)
    assert srun.no_program(text) is None or "execve" in text
