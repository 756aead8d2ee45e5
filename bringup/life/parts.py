"""The serial numbers that a run has read, and where: a part that was bad in one place may come back in another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bringup.diagnosis.naming import short
from bringup.diagnosis.symptoms import related
from bringup.life import entries as en
from bringup.model import Outcome
from bringup.run import RunState

KINDS = {
    ("link.optics-identity", "link.optic.serial"): "optic",
    ("gpu.model", "serial"): "GPU",
    ("gpu.amd-model", "serial"): "GPU",
    ("host.identities", "serial number"): "node",
    ("host.identities", "GUID"): "adapter",
    ("link.identity", "guid"): "adapter",
}
"""Readings that name one part for good, by check and name."""
_PLACEHOLDERS = frozenset(("", "0", "n/a", "[n/a]", "none", "unknown", "not specified", "default string"))
MOST_SERIAL = 80


@dataclass(frozen=True, slots=True)
class Part:
    """One part that can be carried from one place to another."""

    kind: str
    serial: str
    at: str

    @property
    def name(self) -> str:
        """Kind and serial number, as they stand in the ledger."""
        return f"{self.kind} {self.serial}"


def parts(state: RunState) -> Iterator[Part]:
    """Every part that the run has read a serial number of."""
    for node in state.nodes.values():
        if node.serial:
            yield Part("node", node.serial, node.name)
    yield from numbers(state.outcomes, KINDS, MOST_SERIAL)


def numbers(
    outcomes: Iterable[Outcome], kinds: Mapping[tuple[str, str], str], most: int | None = None
) -> Iterator[Part]:
    """The numbers that these readings, by check and name, are; not what stands for none, or is longer than `most`."""
    checks = {check for check, _ in kinds}
    for outcome in outcomes:
        for m in outcome.measurements if outcome.check in checks else ():
            kind = kinds.get((outcome.check, m.name))
            if not kind or not isinstance(m.value, str) or (most is not None and len(m.value) > most):
                continue
            if m.value.strip().lower() not in _PLACEHOLDERS:
                yield Part(kind, m.value.strip(), m.at)


def by_node(found: Iterable[Part]) -> dict[str, list[Part]]:
    """The parts of each node."""
    nodes: dict[str, list[Part]] = {}
    for part in found:
        nodes.setdefault(part.at.partition("/")[0], []).append(part)
    return nodes


def parts_at(found: Iterable[Part], components: Sequence[str]) -> list[str]:
    """The names of the parts that a defect can be about."""
    names: dict[str, None] = {}
    for part in found:
        if any(belongs(part.at, component) for component in components):
            names[part.name] = None
    return list(names)


def belongs(at: str, component: str) -> bool:
    """Whether a part is the component, lies in it, or holds it; a node's parts are not bad because the node is."""
    inside = "/" in component and at.startswith(component + "/")
    return at == component or inside or ("/" in at and component.startswith(at + "/"))


def bad_before(entries: Iterable[en.AnyEntry], cluster: str = "") -> dict[str, en.Seen]:
    """Parts that were at the place of a hands-on defect, with the last time; of all clusters if none is named."""
    found: dict[str, en.Seen] = {}
    for entry in entries:
        if isinstance(entry, en.Seen) and (not cluster or entry.cluster == cluster):
            found.update(dict.fromkeys(entry.parts, entry))
    return found


@dataclass(frozen=True, slots=True)
class Returned:
    """A part that was bad at one place and is at another now."""

    part: Part
    before: en.Seen

    @property
    def said(self) -> str:
        """`optic MT2439FT27501 was bad in gpu-009 mlx5_4 (D-5BD370, run 1120-0931), and is in gpu-011 mlx5_0 now`."""
        was, now = short(self.before.components[:1]), short((self.part.at,))
        return f"{self.part.name} was bad in {was} ({self.before.id}, run {self.before.run}), and is in {now} now"


def returned(found: Iterable[Part], known: dict[str, en.Seen]) -> list[Returned]:
    """The parts of a run that were seen bad at another place before."""
    said = []
    for part in found:
        before = known.get(part.name)
        if before is not None and not any(related(part.at, c) for c in before.components):
            said.append(Returned(part, before))
    return said
