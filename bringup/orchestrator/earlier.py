"""What the commands of a run answered first, for checks that compare: taken from the kept bytes, so that a resumed or
rejudged run compares with the same answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from bringup.commands import Command, Ended, Evidence, Output
from bringup.errors import RunFolderError
from bringup.model import STAGES, Outcome, Stage
from bringup.orchestrator.evidence import output_of
from bringup.orchestrator.kept import ReadEvidence
from bringup.orchestrator.plan import Case

Key = tuple[str, Command]


class Earlier:
    """The first whole answer of every command on every node, from the stages before one."""

    def __init__(self, outcomes: Iterable[Outcome], stage: Stage, read: ReadEvidence) -> None:
        self._read = read
        self._first: dict[Key, Evidence] = {}
        self._broken: dict[Key, Evidence] = {}
        before = STAGES[: STAGES.index(stage)]
        for outcome in outcomes:
            if outcome.stage not in before:
                continue
            for piece in outcome.evidence:
                key = (piece.node, piece.command)
                known = self._first.get(key)
                whole = piece.ended is Ended.EXITED and not piece.truncated
                if whole and (known is None or piece.at < known.at):
                    self._first[key] = piece
                if not whole:
                    self._broken.setdefault(key, piece)

    def has_all(self, case: Case) -> bool:
        """Whether every command of the case was answered before."""
        return all((step.node.name, step.command) in self._first for step in case.steps)

    def outputs(self, wanted: Iterable[Key]) -> dict[Key, Output]:
        """The first answers of these commands. One whose bytes cannot be read any more is left out."""
        found: dict[Key, Output] = {}
        for key in wanted:
            piece = self._first.get(key) or self._broken.get(key)  # a broken one tells why there is none
            if piece is None:
                continue
            try:
                stdout, stderr = self._read(piece)
            except RunFolderError:
                continue  # a missing answer is what the check then speaks of
            if (len(stdout), len(stderr)) == (piece.stdout_bytes, piece.stderr_bytes):
                found[key] = output_of(piece, stdout, stderr)
        return found
