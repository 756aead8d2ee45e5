"""One failed or unjudged result becomes symptoms: a fault code at a component path, with the words for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bringup.defects import Fault
from bringup.model import FLEET, Limit, Measurement, Outcome, Stage, Verdict, Weight


@dataclass(frozen=True, slots=True)
class Sign:
    """A symptom on its way to a defect. `at` has two paths for a pair that is not yet localised.

    `was` and `was_at` are code and place that it had before localising or gathering gave it others. `value` orders
    by badness: lower is worse. `spared` are parts that kept the same limit where this one broke it: what would have
    concerned them as well is no explanation. `ruled_out` says what else it is not, and how that is known. `joined` is
    a finding of the fleet about several parts at once, such as two exchanged cables: nothing is to be told apart.
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
    was_at: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    joined: bool = False

    @property
    def component(self) -> str:
        return " ~ ".join(self.at)

    @property
    def first_code(self) -> str:
        """The code that the check gave it."""
        return self.was or self.code

    @property
    def first_at(self) -> tuple[str, ...]:
        """The place before many of its kind were gathered into a larger part."""
        return self.was_at or self.at


def number(value: float | str) -> str:
    """A value as people read it."""
    return value if isinstance(value, str) else f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def words(name: str) -> str:
    """A measurement's name in words."""
    return name if " " in name else name.replace("_", " ").replace(".", " ")


def measured(m: Measurement) -> str:
    """A measurement in words with its unit."""
    return f"{words(m.name)} {number(m.value)}" + (f" {m.unit}" if m.unit else "")


def signs(outcome: Outcome, faults: Mapping[str, tuple[Fault, ...]]) -> Iterator[Sign]:
    """The symptoms of one outcome. `faults` are the declared faults by check id; only fail and error give any."""
    mine = faults.get(outcome.check, ())
    default = mine[0].code if mine else "NOT-JUDGED"

    def sign(code: str, at: tuple[str, ...], text: str, **more: object) -> Sign:
        return Sign(
            code=code, at=at, check=outcome.check, stage=outcome.stage, target=outcome.target,
            nodes=outcome.nodes, text=text, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    if outcome.verdict is Verdict.FAIL:
        kept: dict[str, list[str]] = {}
        for m in outcome.measurements:
            if m.limit is not None and m.ok:
                kept.setdefault(m.code or default, []).append(m.at)
        for m in outcome.measurements:
            if m.limit is not None and not m.ok:
                code = m.code or default
                yield sign(
                    code, _paths(m.at, outcome), f"{measured(m)}, needs {m.limit}", measured=measured(m),
                    expected=str(m.limit), value=_badness(m, m.limit), spared=_apart(m.at, kept.get(code, ())),
                )  # fmt: skip
        for f in outcome.findings:
            if f.weight is Weight.FAIL:
                spared = _apart(f.at, kept.get(f.code, ()))
                found = sign(
                    f.code, _paths(f.at, outcome), f.message.split("\n")[0], measured=f.message, spared=spared
                )
                yield _joined(found, f.at) if outcome.target == FLEET and " ~ " in f.at else found
    if outcome.verdict is Verdict.ERROR or (outcome.verdict is Verdict.FAIL and outcome.reason):
        at = outcome.at if len(outcome.nodes) > 1 else outcome.nodes
        at = (outcome.error_at,) if outcome.error_at else at
        yield sign(outcome.code or "NOT-JUDGED", at, outcome.reason, measured=outcome.reason, unjudged=True)


def _joined(sign: Sign, at: str) -> Sign:
    """A finding of the fleet about several parts: it speaks of their nodes only."""
    parts = tuple(at.split(" ~ "))
    nodes = tuple(dict.fromkeys(part.partition("/")[0] for part in parts))
    return replace(sign, at=parts, nodes=nodes, joined=True)


def related(a: str, b: str) -> bool:
    """Whether two component paths are the same object path: equal, or one contains the other."""
    return a == b or a.startswith(b + "/") or b.startswith(a + "/")


def _apart(at: str, kept: Iterable[str]) -> tuple[str, ...]:
    """The parts that have nothing to do with this one."""
    return tuple(path for path in kept if not related(at, path))


def _badness(m: Measurement, limit: Limit) -> float | None:
    """The value so that lower is worse; None for words."""
    if not isinstance(m.value, int | float):
        return None
    return -float(m.value) if limit.op in ("<=", "<") else float(m.value)


def _paths(at: str, outcome: Outcome) -> tuple[str, ...]:
    """A pair's measurement stands for both of its ends; anything else for its own component."""
    if " ~ " in at and len(outcome.nodes) == 2:
        return outcome.at if len(outcome.at) >= 2 else tuple(at.split(" ~ "))
    return (at,)


def all_signs(outcomes: Iterable[Outcome], faults: Mapping[str, tuple[Fault, ...]]) -> list[Sign]:
    """The symptoms of all outcomes, in their order."""
    bad = (Verdict.FAIL, Verdict.ERROR)
    return [s for o in outcomes if o.verdict in bad for s in signs(o, faults)]
