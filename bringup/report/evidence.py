"""What is known about a target, with the raw bytes behind each result: `bringup show`."""

from __future__ import annotations

import difflib

from bringup.commands import Evidence
from bringup.defects import Defect
from bringup.errors import RunFolderError, UsageError
from bringup.model import Measurement, Outcome, Verdict
from bringup.orchestrator.kept import ReadEvidence
from bringup.report import text, words
from bringup.report import verdict as judge
from bringup.report.deciding import named_line
from bringup.run import RunState

MOST_SHOWN_BYTES = 256 << 10
MOST_READINGS = 60


def show(state: RunState, target: str, check: str = "", *, read_evidence: ReadEvidence) -> str:
    """What is known about a target (a node's name means everything in which the node took part).

    Without a check: one line per result, and everything about those that are not plain passes. With a check:
    that result with its readings and the command's output. Raises UsageError if nothing matches.
    """
    outcomes = matching(state, target, check)
    wanted = [o for o in outcomes if check or o.verdict in (Verdict.FAIL, Verdict.ERROR)]
    blocks = [] if check else ["\n".join(map(_row, outcomes))]
    defects = judge.explained(state)
    blocks += [_in_full(o, defects.get((o.check, o.target)), read_evidence) for o in wanted]
    return "\n\n".join(block for block in blocks if block) + "\n"


def matching(state: RunState, target: str, check: str = "") -> list[Outcome]:
    """The outcomes of a target or node, of one check if given. Raises UsageError if there are none."""
    exact = [o for o in state.outcomes if o.target == target]
    known = exact if target not in state.nodes else state.by_node.get(target, [])
    if not known:
        close = difflib.get_close_matches(target, [*state.nodes, *{key for _, key in state.cases}], n=3)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        if target in state.nodes or any(key == target for _, key in state.cases):
            raise UsageError(f"{target}: no result ({judge.hole_reason(state)})")
        raise UsageError(f"{text.line(target)}: run {state.info.id} has no node or target of this name{hint}")
    found = [o for o in known if not check or o.check == check]
    if not found:
        have = ", ".join(dict.fromkeys(o.check for o in known))
        raise UsageError(
            f"{target}: no result of check {text.line(check)}; there are: {text.line(have, 2000)}"
        )
    return found


def _row(outcome: Outcome) -> str:
    said = "" if outcome.verdict is Verdict.PASS and outcome.attempt <= 1 else f"  {words.describe(outcome)}"
    target = text.line(outcome.target, 60)
    return f"{outcome.verdict.value:<8} {text.line(outcome.check, 60):<28} {target}{said}"


def _in_full(outcome: Outcome, defect: Defect | None, read_evidence: ReadEvidence) -> str:
    attempt = f", attempt {outcome.attempt}" if outcome.attempt > 1 else ""
    lines = [
        f"{text.line(outcome.check, 60)}  {text.line(outcome.target, 120)}: {outcome.verdict.value}{attempt}"
    ]
    lines.append(f"  {words.describe(outcome, 1000)}")
    if "\n" in outcome.reason:
        lines += [f"  {row}" for row in text.clean(outcome.reason).split("\n")]
    if defect is not None:
        lines.append(f"  part of defect {text.line(defect.id, 20)}: {text.line(defect.action, 600)}")
    lines += _readings(outcome)
    for finding in outcome.findings:
        at, code = text.line(finding.at, 100), text.line(finding.code, 60)
        lines.append(f"  {finding.weight.value}  {at}  {code}: {text.line(finding.message, 600)}")
    said = "" if outcome.verdict is Verdict.PASS else words.describe(outcome, 1000)
    lines += [_command(evidence, read_evidence, said) for evidence in outcome.evidence]
    if not outcome.evidence:
        lines.append("  no command was run for this result")
    return "\n".join(lines)


def _readings(outcome: Outcome) -> list[str]:
    """The measurements that decided, broken limits first."""
    bad = words.broken(outcome)
    rest = [m for m in outcome.measurements if m not in bad]
    limited = sorted(rest, key=lambda m: m.limit is None)
    lines = [f"  broken  {_reading(m)}" for m in bad]
    lines += [
        f"  {'ok' if m.limit else 'read':<6}  {_reading(m)}"
        for m in limited[: max(0, MOST_READINGS - len(bad))]
    ]
    hidden = len(outcome.measurements) - len(lines)
    return lines + ([f"  and {hidden:,} more readings in the journal"] if hidden else [])


def _reading(measurement: Measurement) -> str:
    said = f"{text.line(measurement.at, 100)}  {words.reading(measurement)}"
    limit = measurement.limit
    if limit is None or not (limit.why or limit.source):
        return said
    return f"{said}  ({text.line('; '.join(filter(None, (limit.why, limit.source))), 300)})"


def _command(evidence: Evidence, read_evidence: ReadEvidence, decides: str) -> str:
    """A command and what it printed; with `decides` also which line tells that, if one does."""
    status = evidence.ended.value if evidence.status is None else f"status {evidence.status}"
    root = ", as root" if evidence.as_root else ""
    head = f"\n  on {text.line(evidence.node, 60)}: {status} after {evidence.seconds:.1f} s{root}"
    if evidence.detail:
        head += f" ({text.line(evidence.detail, 300)})"
    lines = [head, *(f"  $ {row}" for row in text.clean(evidence.command.script).strip().split("\n"))]
    try:
        stdout, stderr = read_evidence(evidence)
    except RunFolderError as error:
        return "\n".join([*lines, f"  {error}"])
    for label, raw, size in (
        ("stdout", stdout, evidence.stdout_bytes),
        ("stderr", stderr, evidence.stderr_bytes),
    ):
        if size == 0:
            continue
        cut = "" if len(raw) == size else f", only {len(raw):,} of them in the file"
        lines.append(f"  --- {label}, {words.plural(size, 'byte')}{cut}")
        printed = text.decoded(raw)
        if decides and (named := named_line(printed.split("\n"), decides)):
            lines.append(f"  --- {named}")
        lines.append(text.head_and_tail(printed, MOST_SHOWN_BYTES).rstrip("\n"))
    if evidence.truncated:
        lines.append(
            f"  the command printed more than the {evidence.command.max_bytes:,} bytes that are kept"
        )
    if not evidence.stdout_bytes and not evidence.stderr_bytes:
        lines.append("  it printed nothing")
    return "\n".join(lines)
