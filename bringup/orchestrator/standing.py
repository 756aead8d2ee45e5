"""Answers that a later stage need not ask for again: steady ones of this attempt, from the kept bytes, until the load.

`nvidia-smi -q -x` alone is most of what a node sends before the load, and three stages want it.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence

from bringup.commands import Command, Ended, Evidence, Output
from bringup.errors import RunFolderError
from bringup.fleet import Job
from bringup.model import STAGES, Stage
from bringup.orchestrator.evidence import output_of
from bringup.orchestrator.kept import ReadEvidence

HOLDS_S = 600.0
"""How old an answer may be: a choice, longer than a fleet of 12,500 takes from one of these stages to the last."""
_LOADS = STAGES.index(Stage.PERF)


class Standing:
    """What the nodes have answered to steady commands. `keep` and `recall` are called from worker threads."""

    def __init__(self, read: ReadEvidence, clock: Callable[[], float] = time.time) -> None:
        self._read, self._clock = read, clock
        self._lock = threading.Lock()
        self._answers: dict[str, dict[Command, Evidence]] = {}
        self._taken: dict[str, list[Evidence]] = {}

    def keep(self, stage: Stage, evidence: Evidence) -> None:
        """Remember where an answer is, if it was a good one and may be taken again."""
        good = evidence.ended is Ended.EXITED and evidence.status == 0 and not evidence.truncated
        if evidence.command.steady and good and STAGES.index(stage) < _LOADS:
            with self._lock:
                self._answers.setdefault(evidence.node, {})[evidence.command] = evidence

    def shortened(self, stage: Stage, jobs: Sequence[Job]) -> list[Job]:
        """The jobs without what still stands; `recall` gives the answers that are missing there."""
        if STAGES.index(stage) >= _LOADS:
            self._answers.clear()
            return list(jobs)
        return [self._shortened(job) for job in jobs]

    def _shortened(self, job: Job) -> Job:
        since = self._clock() - HOLDS_S
        mine = self._answers.get(job.node.name, {})
        known = {command: mine[command] for command in job.commands if command in mine}
        known = {command: evidence for command, evidence in known.items() if evidence.at >= since}
        if not known:
            return job
        self._taken[job.node.name] = list(known.values())
        return dataclasses.replace(job, commands=tuple(c for c in job.commands if c not in known))

    def recall(self, node: str) -> list[tuple[Output, Evidence]]:
        """The answers that were left out of a node's job, once. One that cannot be read any more is LOST."""
        return [(self._output(evidence), evidence) for evidence in self._taken.pop(node, ())]

    def _output(self, evidence: Evidence) -> Output:
        try:
            stdout, stderr = self._read(evidence)
            if (len(stdout), len(stderr)) == (evidence.stdout_bytes, evidence.stderr_bytes):
                return output_of(evidence, stdout, stderr)
            detail = f"{evidence.file} was cut"
        except RunFolderError as error:
            detail = str(error)
        detail = f"its answer of an earlier stage cannot be read again: {detail}"
        return Output(evidence.node, evidence.command, Ended.LOST, at=evidence.at, detail=detail)
