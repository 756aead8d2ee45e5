"""One failed or unjudged result becomes symptoms: a fault code at a component path, with the words for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bringup.model import Fault, Measurement, Outcome, Stage, Verdict, Weight


@dataclass(frozen=True, slots=True)
class Sign:
    """A symptom on its way to a defect. `at` has two paths for a pair that is not yet localised.

    `was` is the code that it had before many of its kind were gathered into one of a larger part.
    """

    code: str
    at: tuple[str, ...]
    check: str
    stage: Stage
    target: str
    nodes: tuple[str, ...]
    text: str
    measured: str = ""
    expected: str = ""
    value: float | None = None
    unjudged: bool = False
    was: str = ""

    @property
    def component(self) -> str:
        return " ~ ".join(self.at)


def number(value: float | str) -> str:
    """A value as people read it."""
    return value if isinstance(value, str) else f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def words(name: str) -> str:
    """A measurement's name in words."""
    return name.replace("_", " ").replace(".", " ")


def measured(m: Measurement) -> str:
    """A measurement in words with its unit."""
    return f"{words(m.name)} {number(m.value)}" + (f" {m.unit}" if m.unit else "")


def signs(outcome: Outcome, faults: Mapping[str, tuple[Fault, ...]]) -> Iterator[Sign]:
    """The symptoms of one outcome. `faults` are the declared faults by check id; a pass gives none."""
    mine = faults.get(outcome.check, ())
    default = mine[0].code if mine else "NOT-JUDGED"

    def sign(code: str, at: tuple[str, ...], text: str, **more: object) -> Sign:
        return Sign(
            code=code, at=at, check=outcome.check, stage=outcome.stage, target=outcome.target,
            nodes=outcome.nodes, text=text, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    if outcome.verdict is Verdict.FAIL:
        for m in outcome.measurements:
            if m.limit is not None and not m.ok:
                value = float(m.value) if isinstance(m.value, int | float) else None
                yield sign(
                    m.code or default, _paths(m.at, outcome), f"{measured(m)}, needs {m.limit}",
                    measured=measured(m), expected=str(m.limit), value=value,
                )  # fmt: skip
        for f in outcome.findings:
            if f.weight is Weight.FAIL:
                yield sign(f.code, _paths(f.at, outcome), f.message, measured=f.message)
    if outcome.verdict is Verdict.ERROR or (outcome.verdict is Verdict.FAIL and outcome.reason):
        at = outcome.at if len(outcome.nodes) > 1 else outcome.nodes
        at = (outcome.error_at,) if outcome.error_at else at
        yield sign(outcome.code or "NOT-JUDGED", at, outcome.reason, measured=outcome.reason, unjudged=True)


def _paths(at: str, outcome: Outcome) -> tuple[str, ...]:
    """A pair's measurement stands for both of its ends; anything else for its own component."""
    if " ~ " in at:
        return outcome.at if len(outcome.at) >= 2 else tuple(at.split(" ~ "))
    return (at,)


def all_signs(outcomes: Iterable[Outcome], faults: Mapping[str, tuple[Fault, ...]]) -> list[Sign]:
    """The symptoms of all outcomes, in their order."""
    return [s for o in outcomes for s in signs(o, faults)]
