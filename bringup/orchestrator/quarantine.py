"""What has left the run: nodes and ports that failed a gate. Pure bookkeeping; the engine acts on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bringup.check import AnyCheck
from bringup.model import FLEET, Outcome, Stage, Verdict, Weight


@dataclass(frozen=True, slots=True)
class Left:
    """A component that left, with the check that sent it away."""

    component: str
    stage: Stage
    check: str
    reason: str

    def __str__(self) -> str:
        return f"{self.component} left the run in stage {self.stage.value} ({self.check}): {self.reason}"


def leaving(outcome: Outcome, check: AnyCheck) -> Iterator[Left]:
    """The components that this outcome sends away: by its check's gate, or by a fault that expels whoever has it.

    An error at a gate sends the whole target away.
    """
    if outcome.verdict is Verdict.FAIL:
        yield from _expelled(outcome, check)
    if not check.gate or outcome.verdict not in (Verdict.FAIL, Verdict.ERROR):
        return
    failed = [(at, reason) for at, _, reason in _failed(outcome)]
    if outcome.target == FLEET:  # a comparison of all nodes sends away the ones that it names
        failed = [(at.split("/")[0] if check.gate == "node" else at, why) for at, why in failed]
        failed = [(at, why) for at, why in failed if at.split("/")[0] in outcome.nodes]
    elif check.gate == "node" or outcome.verdict is Verdict.ERROR:
        failed = [(name, _why(outcome)) for name in outcome.nodes]
    for component, reason in failed:
        yield Left(component, outcome.stage, outcome.check, reason)


def _expelled(outcome: Outcome, check: AnyCheck) -> Iterator[Left]:
    """The nodes at which a fault that expels was read; of two or more that were measured together nobody knows which."""
    codes = {fault.code for fault in check.faults if fault.expels}
    if not codes:
        return
    default = check.faults[0].code
    for at, code, reason in _failed(outcome):
        name = at.split("/")[0]
        if (code or default) in codes and " ~ " not in at and name in outcome.nodes:
            yield Left(name, outcome.stage, outcome.check, reason)


def _failed(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Where the outcome found something bad, with its own code (it may have none) and words."""
    yield from ((m.at, m.code, f"{m.name} is {m.value}") for m in outcome.measurements if not m.ok)
    yield from ((f.at, f.code, f.message) for f in outcome.findings if f.weight is Weight.FAIL)


def _why(outcome: Outcome) -> str:
    if outcome.verdict is Verdict.ERROR:
        return outcome.reason.split("\n")[0]
    said = [f.message for f in outcome.findings if f.weight is Weight.FAIL]
    said += [f"{m.name} is {m.value} at {m.at}, needs {m.limit}" for m in outcome.measurements if not m.ok]
    return said[0] if said else outcome.reason


def blocking(components: Iterable[str], left: Mapping[str, Left]) -> Left | None:
    """What keeps a target with these components from being tested: one of them, or something that contains it."""
    for path in components:
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            gone = left.get("/".join(parts[:end]))
            if gone is not None:
                return gone
    return None


def gone(node: str, left: Mapping[str, Left]) -> bool:
    """Whether a node, or a part of it, has left: what needs all of it goes without it."""
    return any(path == node or path.startswith(node + "/") for path in left)
