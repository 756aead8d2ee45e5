"""The line of a kept output that decided a defect, with the file and the number under which it is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bringup.commands import Evidence
from bringup.defects import Defect, Symptom
from bringup.model import Outcome
from bringup.orchestrator import ReadEvidence
from bringup.report import text
from bringup.report.deciding import most_telling
from bringup.run import RunState

MOST_DEFECTS = 400
"""As many as the punch list shows: whoever has more defects looks at the first ones."""
_MOST_RESULTS = 4
_MOST_OUTPUTS = 8
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Proof:
    """`line` counts from 1 within `stream` (stdout or stderr) of `command`, which `file` holds from byte `offset` on."""

    check: str
    node: str
    command: str
    stream: str
    file: str
    offset: int
    line: int
    said: str


class Proofs:
    """The deciding lines of a run's defects, each looked up once. Without a reader nobody has one."""

    def __init__(self, state: RunState, read: ReadEvidence | None = None) -> None:
        self._state, self._read = state, read
        self._known: dict[int, Proof | None] = {}

    def of(self, defect: Defect) -> Proof | None:
        """The line from which a result below the defect was read, as far as its words tell; None if none stands out."""
        key = id(defect)
        if self._read is None or (key not in self._known and len(self._known) >= MOST_DEFECTS):
            return None
        if key not in self._known:
            self._known[key] = self._found(defect, self._read)
        return self._known[key]

    def _found(self, defect: Defect, read: ReadEvidence) -> Proof | None:
        own = [s for s in defect.explains if s.code == defect.code] or list(defect.explains[:1])
        for symptom in own[:_MOST_RESULTS]:
            outcome = self._state.cases.get((symptom.check, symptom.target))
            lines = [line for piece in _of_it(outcome, symptom) for line in _lines(piece, symptom, read)]
            if lines:
                return max(lines, key=lambda scored: scored[0])[1]
        return None


def _of_it(outcome: Outcome | None, symptom: Symptom) -> list[Evidence]:
    """The kept outputs that may speak of it: of a test of many nodes only those of its own nodes."""
    if outcome is None:
        return []
    if len(outcome.nodes) <= 2:  # of a pair either end may have printed what was measured
        return list(outcome.evidence[:_MOST_OUTPUTS])
    own = {path.partition("/")[0] for path in symptom.at.split(" ~ ")}
    return [piece for piece in outcome.evidence if piece.node in own][:_MOST_OUTPUTS]


def _lines(piece: Evidence, symptom: Symptom, read: ReadEvidence) -> Iterator[tuple[float, Proof]]:
    """The most telling line of each stream of one kept output, with its score; none where it cannot be read any more."""
    try:
        streams = read(piece)
    except Exception:  # noqa: BLE001  a reader of damaged files must not cost the whole report
        return
    part = symptom.at.partition("/")[2].replace("/", " ")
    begin = piece.offset
    for name, raw in zip(("stdout", "stderr"), streams, strict=True):
        lines = text.decoded(raw[:_MOST_BYTES]).split("\n")
        best = most_telling(lines, f"{part} {symptom.text}")
        if best is not None:
            command, said = text.line(piece.command.script, 160), text.line(lines[best[1]].strip(), 300)
            yield (
                best[0],
                Proof(symptom.check, piece.node, command, name, piece.file, begin, best[1] + 1, said),
            )
        begin += piece.stdout_bytes
