"""A run with pseudonyms for names, serial numbers and addresses, to be shown outside: `bringup report --sanitise`.

The events are rewritten before anything folds or shows them, so no format can forget a place. Within a run the same name
always has the same pseudonym, also inside messages, commands and quoted output; another run has other ones.
What stays: racks, units, cable labels, models, versions, rails and port names, because the reader needs them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import TypeVar

import msgspec

from bringup import events as ev
from bringup.commands import Command, Evidence
from bringup.defects import Defect, Symptom
from bringup.errors import RunFolderError
from bringup.model import Finding, Limit, Measurement, Node, Outcome, RunInfo, Verdict
from bringup.orchestrator import ReadEvidence
from bringup.report.pseudonyms import Pseudonyms

_OWN_WORDS: dict[type, frozenset[str]] = {
    Outcome: frozenset({"check", "code"}),
    Symptom: frozenset({"check", "code"}),
    Finding: frozenset({"code"}),
    Defect: frozenset({"id", "code"}),
    Measurement: frozenset({"code", "unit"}),
    Limit: frozenset({"name", "op", "unit"}),
    Command: frozenset({"needs"}),
    RunInfo: frozenset({"id", "version", "checks"}),
    Node: frozenset({"rack", "unit", "profile"}),
    ev.Planned: frozenset({"check"}),
    ev.Quarantined: frozenset({"check"}),
}
"""Fields that hold words of bringup or of the plan; a node that is called `gpu` must not rename the check `gpu.count`."""
_EMPTIED = {"key_file": "", "certificate": "", "user": "", "env": ()}
"""What no report needs and a reader outside should not have."""
T = TypeVar("T")


def sanitised(
    events: Iterable[ev.AnyEvent], read: ReadEvidence | None = None
) -> tuple[list[ev.AnyEvent], ReadEvidence | None]:
    """The same events with pseudonyms, and a reader of the outputs that gives them with the same pseudonyms.

    With `read`, the outputs of results that are no pass are searched as well for serial numbers to be replaced.
    """
    before = list(events)
    names = Pseudonyms()
    for event in before:
        _learn(names, event)
    for text in _texts(before):
        names.learn_labelled(text)
    if read is not None:
        for raw in _quoted(before, read):
            names.learn_labelled(_decoded(raw))
    names.settle()
    originals: dict[Evidence, Evidence] = {}
    after = [_mapped(event, names.text, originals) for event in before]
    if read is None:
        return after, None

    def reader(evidence: Evidence) -> tuple[bytes, bytes]:
        try:
            stdout, stderr = read(originals.get(evidence, evidence))
        except RunFolderError as error:
            raise RunFolderError(names.text(str(error))) from None
        return _encoded(names.text(_decoded(stdout))), _encoded(names.text(_decoded(stderr)))

    return after, reader


def _learn(names: Pseudonyms, event: ev.AnyEvent) -> None:
    """Take the names and identities that an event states as such."""
    if isinstance(event, ev.NodeListed):
        node = event.node
        names.node(node.name, node.address, node.peer_address)
        names.add("serial", node.serial)
        for port in node.ports:
            names.add("switch", port.leaf)
        for jump in node.jump:
            names.add("host", jump.host)
    elif isinstance(event, ev.Judged):
        for m in event.outcome.measurements:
            for value in (m.value, m.limit.value if m.limit else None):
                if isinstance(value, str):
                    names.measured(m.name, value, m.at.partition("/")[0])


def _quoted(events: Iterable[ev.AnyEvent], read: ReadEvidence) -> Iterator[bytes]:
    """The outputs of results that are no pass: those that a report may quote."""
    seen: set[Evidence] = set()
    for event in events:
        if isinstance(event, ev.Judged) and event.outcome.verdict in (Verdict.FAIL, Verdict.ERROR):
            for evidence in event.outcome.evidence:
                if evidence not in seen:
                    seen.add(evidence)
                    try:
                        yield from read(evidence)
                    except RunFolderError:
                        continue  # the report says itself that it is not readable


def _fields(value: object) -> Iterator[tuple[str, object]]:
    own = _OWN_WORDS.get(type(value), frozenset())
    if isinstance(value, msgspec.Struct):
        named: Iterable[str] = type(value).__struct_fields__
    else:
        named = (f.name for f in dataclasses.fields(value))  # type: ignore[arg-type]
    return ((name, getattr(value, name)) for name in named if name not in own)


def _composed(value: object) -> bool:
    return isinstance(value, msgspec.Struct) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    )


def _texts(value: object) -> Iterator[str]:
    """Every text in events, however deep."""
    if isinstance(value, str):
        if not isinstance(value, Enum):
            yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif _composed(value):
        for _, one in _fields(value):
            yield from _texts(one)


def _mapped(value: T, text: Callable[[str], str], originals: dict[Evidence, Evidence]) -> T:
    """The same value with every text replaced."""
    made: object = value
    if isinstance(value, str):
        made = value if isinstance(value, Enum) else text(value)
    elif isinstance(value, list | tuple):
        made = type(value)(_mapped(one, text, originals) for one in value)
    elif _composed(value):
        changed = {name: _mapped(one, text, originals) for name, one in _fields(value)}
        if isinstance(value, Node):
            changed |= _EMPTIED
        if isinstance(value, msgspec.Struct):
            made = msgspec.structs.replace(value, **changed)
        else:
            made = dataclasses.replace(value, **changed)  # type: ignore[type-var]
        if isinstance(made, RunInfo):
            made = dataclasses.replace(made, name="cluster")
        if isinstance(made, Evidence) and isinstance(value, Evidence):
            originals.setdefault(made, value)
    return made  # type: ignore[return-value]


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
