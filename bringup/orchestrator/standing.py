"""Answers that a later stage need not ask for again: steady ones of this attempt, from the kept bytes, until the load.

`nvidia-smi -q -x` alone is most of what a node sends before the load, and three stages want it.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Container, Sequence
from pathlib import Path

from bringup.commands import Command, Ended, Evidence, Output, is_steady
from bringup.fleet import Job
from bringup.model import STAGES, Stage
from bringup.orchestrator.evidence import output_of
from bringup.orchestrator.kept import read_kept

HOLDS_S = 600.0
"""How old an answer may be: a choice, longer than a fleet of 12,500 takes from one of these stages to the last."""
_LOADS = STAGES.index(Stage.PERF)


class Standing:
    """What the nodes have answered to steady commands. `keep` and `recall` are called by the desk."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock
        self._lock = threading.Lock()
        self._answers: dict[str, dict[Command, Evidence]] = {}
        self._taken: dict[str, list[Evidence]] = {}

    def keep(self, stage: Stage, evidence: Evidence) -> None:
        """Remember where an answer is, if it was a good one and may be taken again."""
        good = evidence.ended is Ended.EXITED and evidence.status == 0 and not evidence.truncated
        if is_steady(evidence.command) and good and STAGES.index(stage) < _LOADS:
            with self._lock:
                self._answers.setdefault(evidence.node, {})[evidence.command] = evidence

    def shortened(self, stage: Stage, jobs: Sequence[Job], fresh: Container[Command] = ()) -> list[Job]:
        """The jobs without what still stands; `recall` gives the answers that are missing there.

        `fresh` are commands that must be asked whatever is known.
        """
        if STAGES.index(stage) >= _LOADS:
            self._answers.clear()
            return list(jobs)
        return [self._shortened(job, fresh) for job in jobs]

    def _shortened(self, job: Job, fresh: Container[Command]) -> Job:
        since = self._clock() - HOLDS_S
        mine = self._answers.get(job.node.name, {})
        asked = {
            command: mine[command] for command in job.commands if command in mine and command not in fresh
        }
        known = {command: e for command, e in asked.items() if e.at >= since and self._is_whole(e)}
        if not known:
            return job
        self._taken[job.node.name] = list(known.values())
        return dataclasses.replace(job, commands=tuple(c for c in job.commands if c not in known))

    def recall(self, node: str) -> list[tuple[Output, Evidence]]:
        """The answers that were left out of a node's job, once. Raises RunFolderError if the disk fails just then."""
        return [
            (output_of(evidence, *read_kept(self._folder, evidence)), evidence)
            for evidence in self._taken.pop(node, ())
        ]

    def _is_whole(self, evidence: Evidence) -> bool:
        """Whether its bytes are still there; else the node is asked again, for it is not to blame."""
        try:
            size = (self._folder / evidence.file).stat().st_size
        except OSError:
            return False
        return size >= evidence.offset + evidence.stdout_bytes + evidence.stderr_bytes
