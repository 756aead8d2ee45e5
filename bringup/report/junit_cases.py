"""The cases of a JUnit report: what each planned (check, target) says, as clean text, before any XML.

Every planned case appears, whatever became of it, and no case that is not a plain pass is without words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bringup.commands import Evidence
from bringup.defects import Defect
from bringup.model import STAGES, Outcome, Stage, Verdict
from bringup.orchestrator.kept import ReadEvidence
from bringup.report import text, words
from bringup.report import verdict as judge
from bringup.report.deciding import named_line
from bringup.run import RunState

MOST_OUTPUT_BYTES = 16 * 1024
MOST_BODY_BYTES = 16 * 1024
MOST_SEARCHED_BYTES = 256 * 1024
MOST_SEARCHED = 1_000
MOST_OUTPUT_PER_REPORT = 60_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """One case, all text clean. `kind` is "" for a pass, else failure, error or skipped."""

    classname: str
    name: str
    seconds: float
    kind: str = ""
    type: str = ""
    message: str = ""
    body: str = ""
    output: str = ""

    @property
    def size(self) -> int:
        """About how many bytes the case takes in the file."""
        said = "".join((self.classname, self.name, self.type, self.message, self.body, self.output))
        escaped = 4 * said.count("&") + 3 * (said.count("<") + said.count(">")) + 5 * said.count('"')
        return 250 + escaped + (len(said) if said.isascii() else len(said.encode("utf-8", "replace")))


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one stage (None: of the run), made one by one because their quotations are large."""

    number: int
    name: str
    stage: Stage | None
    cases: Iterator[Case]


def suites(state: RunState, output: Output, flaky: Collection[tuple[str, str]] = ()) -> Iterator[Suite]:
    """All cases of a run by stage, in the order of the stages."""
    rows: dict[Stage, list[tuple[str, str, Outcome | None]]] = {}
    for (check, target), outcome in state.cases.items():
        rows.setdefault(judge.stage_of(state, check) or Stage.REACH, []).append((check, target, outcome))
    for check in judge.not_reached(state):
        rows.setdefault(judge.stage_of(state, check) or Stage.REACH, []).append(
            (check, "(all targets)", None)
        )
    if not rows:
        nothing = "nothing was planned, so nothing was judged"
        case = Case("bringup.run", "(all targets)", 0.0, "error", "NOTHING-PLANNED", nothing, nothing)
        yield Suite(0, "run", None, iter([case]))
    making = _Making(state, output, flaky)
    for number, stage in enumerate(STAGES, start=1):
        if stage in rows:
            yield Suite(number, stage.value, stage, (making.case(*row) for row in rows[stage]))


class _Making:
    """Makes cases; what it keeps is what one case must know of the others."""

    def __init__(self, state: RunState, output: Output, flaky: Collection[tuple[str, str]]) -> None:
        self._defects = judge.explained(state)
        self._excused = state.excused()
        self._symptom_codes = {(s.check, s.target): s.code for d in state.defects for s in d.explains}
        self._hole = _no_attachment(f"not run: {text.line(judge.hole_reason(state), 500)}")
        self._output = output
        self._flaky = flaky
        self._seen: set[tuple[str, str]] = set()
        self._repeats: dict[tuple[str, str], int] = {}

    def case(self, check: str, target: str, outcome: Outcome | None) -> Case:
        """The case of one planned (check, target)."""
        classname, name = self._unique(f"bringup.{text.line(text.visible(check), 100)}", target)
        if outcome is None:
            return Case(classname, name, 0.0, "skipped", "", self._hole, self._hole)
        seconds = outcome.seconds if math.isfinite(outcome.seconds) and outcome.seconds > 0 else 0.0
        if outcome.verdict is Verdict.PASS and (check, target) not in self._flaky:
            return Case(classname, name, seconds)
        message = text.shorten(_no_attachment(words.describe(outcome, 1000)), 1000)
        defect = self._defects.get((check, target))
        match outcome.verdict:
            case Verdict.NOT_RUN:
                return Case(classname, name, seconds, "skipped", "", message, message)
            case Verdict.PASS:
                kind, code = "failure", "FLAKY"
                message = f"{message}, but failed before in the same run"
            case Verdict.FAIL:
                kind, code = "failure", self._code(outcome, defect) or "FAILED"
            case Verdict.ERROR:
                kind, code = "error", self._code(outcome, defect) or "COULD-NOT-JUDGE"
        body = _body(message, outcome, defect)
        if (waiver := self._excused.get((check, target))) is not None:
            said = f"accepted by {waiver.owner} until {waiver.day} ({waiver.reason}): {message}"
            kind, code, message = "skipped", "", text.shorten(_no_attachment(text.line(said, 1000)), 1000)
            body = f"{message}\n{body}"
        return Case(classname, name, seconds, kind, code, message, body, self._output.of(outcome, message))

    def _code(self, outcome: Outcome, defect: Defect | None) -> str:
        """The outcome's own code; else what its defect says of this case, else the defect's code."""
        own = words.code_of(outcome)
        if own or defect is None:
            return own
        return text.line(self._symptom_codes.get((outcome.check, outcome.target)) or defect.code, 60)

    def _unique(self, classname: str, target: str) -> tuple[str, str]:
        """Unique even where cleaning has made two hostile names equal."""
        plain = text.line(text.visible(target), 300) or "(no name)"
        name = plain
        while (classname, name) in self._seen:
            count = self._repeats.get((classname, plain), 1) + 1
            self._repeats[classname, plain] = count
            name = f"{plain} ({count})"
        self._seen.add((classname, name))
        return classname, name


def _body(message: str, outcome: Outcome, defect: Defect | None) -> str:
    """The message again, then everything that decided: limits with their origin, findings, reason, defect."""
    lines = [message]
    for finding in outcome.findings:
        lines.append(f"{text.line(finding.at, 120)}: {finding.code} ({finding.weight}): {finding.message}")
    for measurement in words.broken(outcome):
        lines.append(f"{text.line(measurement.at, 120)}: {words.reading(measurement)}")
        limit = measurement.limit
        if limit is not None and (limit.why or limit.source):
            lines.append(f"  limit {limit.name}: {limit.why} [{limit.source}]")
    if "\n" in outcome.reason:
        lines.append(outcome.reason)
    if defect is not None:
        lines.append(f"part of defect {defect.id} ({defect.who}): {defect.action}")
    rest = _no_attachment(text.clean("\n".join(lines[1:])))
    return text.head_and_tail(f"{message}\n{rest}" if rest else message, MOST_BODY_BYTES)


# ---------------------------------------------------------------------------------------------- the evidence


class Output:
    """Text of `system-out`: paths of the evidence, its head and tail; no quotes once a report is huge."""

    def __init__(self, read: ReadEvidence | None, prefix: str) -> None:
        self._read = read
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._left = MOST_OUTPUT_PER_REPORT
        self._searches = MOST_SEARCHED

    def of(self, outcome: Outcome, message: str) -> str:
        if not outcome.evidence:
            return ""
        files = dict.fromkeys(evidence.file for evidence in outcome.evidence)
        paths = [text.line(f"{self._prefix}{file}", 500).replace("]", "?") for file in files]
        head = "".join(f"[[ATTACHMENT|{path}]]\n" for path in paths)
        if self._read is None or self._left <= 0:
            return head
        share = max(512, (MOST_OUTPUT_BYTES - len(head.encode())) // len(outcome.evidence))
        quotes = "".join(self._quote(evidence, self._read, share, message) for evidence in outcome.evidence)
        said = head + text.head_and_tail(
            _no_attachment(quotes), max(512, MOST_OUTPUT_BYTES - len(head.encode()))
        )
        self._left -= len(said.encode())
        return said

    def _quote(self, evidence: Evidence, read: ReadEvidence, most_bytes: int, message: str) -> str:
        """What a command printed: which line decided, if one stands out, then the beginning and the end."""
        status = evidence.ended.value if evidence.status is None else f"status {evidence.status}"
        command = text.line(evidence.command.script, 160)
        head = (
            f"--- {text.line(evidence.node, 60)}: {command} ({status}, {words.duration(evidence.seconds)})\n"
        )
        try:
            streams = read(evidence)
        except Exception as error:  # noqa: BLE001  a reader of damaged files must not cost the whole report
            return f"{head}(not readable: {text.line(str(error), 300)})\n"
        if self._searches > 0:
            self._searches -= 1
            lines = text.decoded(streams[0][:MOST_SEARCHED_BYTES]).split("\n")
            if named := named_line(lines, message):
                head += f"{named}\n"
        shown = [_cut(raw, most_bytes) for raw in streams if raw]
        return head + text.head_and_tail("\n".join(shown), most_bytes).rstrip("\n") + "\n"


def _cut(raw: bytes, most_bytes: int) -> str:
    """Clean text of some bytes. Very long ones lose their middle first, to keep cleaning cheap."""
    if len(raw) > 2 * most_bytes:
        dropped = len(raw) - 2 * most_bytes
        middle = f"\n{text.ELLIPSIS} {dropped:,} bytes left out {text.ELLIPSIS}\n"
        raw = raw[:most_bytes] + middle.encode() + raw[len(raw) - most_bytes :]
    return text.decoded(raw)


def _no_attachment(said: str) -> str:
    """A node must not name files that a CI server then publishes."""
    return re.sub(r"\[\[(?=\s*ATTACHMENT)", "[ [", said, flags=re.IGNORECASE)
