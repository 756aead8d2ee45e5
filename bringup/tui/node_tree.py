"""The page of one node as data: its components as a tree, and below each what was read there."""

from __future__ import annotations

from dataclasses import dataclass, field

from bringup.commands import Evidence
from bringup.inventory.names import natural_key
from bringup.model import STAGES, Finding, Measurement, Outcome, Verdict, Weight, Why
from bringup.report import words
from bringup.tui.feed import RunView
from bringup.tui.look import Mark, worst
from bringup.tui.marks import defect_mark

DEEPEST = 12
"""Path pieces below the node that are shown: six parts inside each other. A deeper path counts for the part that it lies in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was read, found or not judged at a component."""

    mark: Mark
    outcome: Outcome
    measurement: Measurement | None = None
    finding: Finding | None = None


@dataclass(slots=True)
class Component:
    """A component path below a node, with what was read there and the parts inside it."""

    path: str
    entries: list[Entry] = field(default_factory=list)
    children: list[Component] = field(default_factory=list)
    own: list[Mark] = field(default_factory=list)
    blocked: str = ""

    @property
    def mark(self) -> Mark:
        """The worst that is known here or in a part inside."""
        marks = [e.mark for e in self.entries if not _settled_not_run(e)]
        return worst([*marks, *self.own, *(c.mark for c in self.children)])

    def count(self, *marks: Mark) -> int:
        """How many entries here and inside bear one of these marks."""
        return sum(1 for e in self.every() if e.mark in marks and not _settled_not_run(e))

    def every(self) -> list[Entry]:
        """All entries here and inside."""
        return self.entries + [e for child in self.children for e in child.every()]


def _settled_not_run(entry: Entry) -> bool:
    return entry.outcome.why is Why.NOT_APPLICABLE


def tree(view: RunView, name: str) -> Component:
    """All components of a node that anything is known about."""
    parts: dict[str, Component] = {name: Component(name)}
    outcomes = sorted(
        view.state.by_node.get(name, []), key=lambda o: (STAGES.index(o.stage), o.check, o.target)
    )
    for outcome in outcomes:
        for path, entry in _entries(view, outcome, name):
            _part(parts, name, path).entries.append(entry)
    for defect in view.defects_of.get(name, []):
        for component in defect.components or (defect.component,):
            for path in _here(component, name):
                _part(parts, name, path).own.append(defect_mark(defect))
    for component, event in view.blocked.items():
        for path in _here(component, name):
            part = _part(parts, name, path)
            part.blocked = f"left out since {event.stage}: {event.reason}"
            part.own.append(Mark.NOT_RUN)
    for path in sorted(parts, key=natural_key):
        if path != name:
            parts[_above(parts, name, path)].children.append(parts[path])
    return parts[name]


def _part(parts: dict[str, Component], name: str, path: str) -> Component:
    """The component at a path of the node; its containers come into being with it (kind and number make one step)."""
    if path == name:
        return parts[name]
    pieces = path[len(name) + 1 :].split("/")[:DEEPEST]
    for end in (*range(2, len(pieces), 2), len(pieces)):
        path = f"{name}/{'/'.join(pieces[:end])}"
        parts.setdefault(path, Component(path))
    return parts[path]


def _above(parts: dict[str, Component], name: str, path: str) -> str:
    """The nearest container of a path that is in the tree; at least the node is."""
    while len(path) > len(name):
        path = path.rpartition("/")[0]
        if path in parts:
            return path
    return name


def _here(at: str, name: str) -> list[str]:
    """The paths of a place (`a ~ b` for both ends of a pair) that lie on this node."""
    return [path for path in at.split(" ~ ") if path == name or path.startswith(name + "/")]


def _entries(view: RunView, outcome: Outcome, name: str) -> list[tuple[str, Entry]]:
    """What one outcome says about the components of a node."""
    bad = view.mark_of(outcome, name)
    good = Mark.FIXED if outcome.attempt > 1 else Mark.PASS
    found: list[tuple[str, Entry]] = []
    for m in view.readings_at(outcome, name):
        mark = good if m.limit is None or words.holds(m) else bad
        found += [(path, Entry(mark, outcome, measurement=m)) for path in _spread(m.at, outcome, name)]
    for f in outcome.findings:
        mark = bad if f.weight is Weight.FAIL else good
        found += [(path, Entry(mark, outcome, finding=f)) for path in _spread(f.at, outcome, name)]
    if not found or outcome.verdict in (Verdict.ERROR, Verdict.NOT_RUN):
        paths = [path for at in outcome.at for path in _here(at, name)] or [name]
        found += [(path, Entry(bad, outcome)) for path in dict.fromkeys(paths)]
    return found


def _spread(at: str, outcome: Outcome, name: str) -> list[str]:
    """Where on this node a reading belongs: a pair's common reading stands at the ports that took part."""
    if " ~ " not in at:
        return _here(at, name)
    ends = [path for end in outcome.at for path in _here(end, name)]
    return ends if 0 < len(ends) <= 2 else _here(at, name)


def files(component: Component) -> list[Evidence]:
    """The kept outputs behind a component, each once."""
    return unique([e for entry in component.every() for e in entry.outcome.evidence])


def unique(evidence: list[Evidence]) -> list[Evidence]:
    """Each slice of a file once, in the given order."""
    return list({(e.file, e.offset, e.node): e for e in evidence}.values())
