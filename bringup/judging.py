"""From what a check says to an outcome. Nothing that a check does can end in a false pass:

1. a failure already proven stays a FAIL, even if a later line cannot be read;
2. a ParseError, a missing limit, a missing tool, a timeout, a lost connection give ERROR;
3. a check that compared nothing with a limit, or found nothing, is ERROR;
4. an exception that nobody expected is ERROR with its traceback, and the run goes on.
"""

from __future__ import annotations

import traceback

from bringup.check import AnyCheck, Outputs, components
from bringup.commands import Evidence
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.model import Finding, Measurement, Outcome, Target, Verdict, Weight, Why

LARGEST = 1e30
"""No reading of a machine is larger; what is, was misread."""


def judged(
    check: AnyCheck, target: Target, outputs: Outputs, ctx: Context, evidence: tuple[Evidence, ...] = ()
) -> Outcome:
    """What the check says about the target, under the four rules of this module's docstring. Never raises.

    `evidence` says where the outputs are kept.
    """
    measurements: list[Measurement] = []
    findings: list[Finding] = []
    limited = broken = False
    reason, code, error_at, verdict, why = "", "", "", Verdict.PASS, Why.NONE
    try:
        for item in check.judge(target, outputs, ctx):  # type: ignore[arg-type]
            _sound(item)
            if isinstance(item, Finding):
                findings.append(item)
                continue
            if item.limit is not None:
                holds = item.limit.holds(item.value)  # a limit that does not fit the value raises
                limited, broken = True, broken or not holds
            measurements.append(item)
    except NotApplicable as no:
        reason, verdict, why = str(no), Verdict.NOT_RUN, Why.NOT_APPLICABLE
    except CannotJudge as cannot:
        reason, code, error_at = str(cannot.reason), str(cannot.code), str(cannot.at)
        verdict = Verdict.ERROR
        if isinstance(cannot, ParseError):
            reason, code = f"output not understood: {reason}", code or "OUTPUT-UNKNOWN"
    except Exception:  # noqa: BLE001  the door to code of any author: a bug there must not take the run along
        reason, code, verdict = (
            f"a bug in check {check.id}:\n{traceback.format_exc()}",
            "CHECK-BUG",
            Verdict.ERROR,
        )
    if broken or any(f.weight is Weight.FAIL for f in findings):
        verdict, why = Verdict.FAIL, Why.NONE
    elif verdict is Verdict.PASS and not check.collects and not limited:
        if not findings:
            reason = f"check {check.id} compared nothing with a limit"
            verdict, code = Verdict.ERROR, "NOTHING-JUDGED"
        else:
            reason = findings[0].message
            verdict = Verdict.ERROR
    elif verdict is Verdict.PASS and check.collects and not measurements:
        reason, verdict, code = f"check {check.id} read nothing", Verdict.ERROR, "NOTHING-JUDGED"
    used = list(outputs)
    return Outcome(
        check=check.id,
        stage=check.stage,
        target=target.key,
        nodes=tuple(n.name for n in target.nodes),
        verdict=verdict,
        at=components(target, ctx),
        reason=reason,
        code=code,
        error_at=error_at,
        why=why,
        measurements=tuple(measurements),
        findings=tuple(findings),
        evidence=evidence,
        seconds=max((o.seconds for o in used), default=0.0),
        ended=max((o.at for o in used), default=0.0),
    )


def _sound(item: object) -> None:
    """Whether the journal and everybody who reads it can hold what a check says. Raises TypeError or ParseError."""
    # Nearly always a reading without fault, eight hundred times for a node: what is unlike it takes its time.
    if (
        type(item) is Measurement
        and type(item.name) is type(item.unit) is type(item.at) is type(item.code) is str
    ):
        value = item.value
        if type(value) is str or (type(value) is float and -LARGEST <= value <= LARGEST):
            return
    if isinstance(item, Measurement) and isinstance(item.value, (int, float, str)):
        value = item.value
        texts: tuple[object, ...] = (item.name, item.unit, item.at, item.code)
        if not isinstance(value, str) and not -LARGEST <= value <= LARGEST:
            said = str(value) if isinstance(value, float) else "too large"
            raise ParseError(f"{item.name} at {item.at} is {said}, which is no number to judge")
    elif isinstance(item, Finding):
        texts = (item.code, item.message, item.at)
    else:
        raise TypeError(f"{item!r} is neither a finding nor a measurement of a number or word"[:500])
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"name, unit, message, code and place are text, got {texts!r}"[:500])


def not_run(
    check: AnyCheck, target: Target, why: Why, reason: str, ctx: Context, evidence: tuple[Evidence, ...] = ()
) -> Outcome:
    """The outcome of a check that is not run, with the reason."""
    return Outcome(
        check=check.id,
        stage=check.stage,
        target=target.key,
        nodes=tuple(n.name for n in target.nodes),
        verdict=Verdict.NOT_RUN,
        at=components(target, ctx),
        reason=reason,
        why=why,
        evidence=evidence,
    )
