"""What pictures, tables and metrics show, as data: speeds by port and leaf, distributions, links as built, versions.

Names of measurements are those of the battery. A run without them (another battery, an early end) has empty pictures,
never invented ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import median

from bringup.inventory.names import natural_key
from bringup.model import STAGES, Measurement, Node, Port, Stage, Verdict
from bringup.report import words
from bringup.run import RunState

BANDWIDTH = "write_bw"
_LANE = re.compile(r" of (lane|module) [0-9]+\Z")
_PORT = re.compile(r"([^/]+)/hca/([^/]+)(?:/port/1)?")
_VERSIONS = (
    "host.software",
    "gpu.vbios",
    "link.firmware",
    "gpu.model",
    "host.cpu",
    "host.nvme",
    "host.kernel-cmdline",
)
"""Checks whose words say what is installed; numbers and identities in them are left out."""
_MODELS = "gpu.model"
_FIRST = (Stage.RDMA, Stage.COLLECTIVE, Stage.PERF, Stage.NVLINK, Stage.LINK)


def port_key(at: str) -> tuple[str, str] | None:
    """Node and adapter of a port's path (of its adapter's path); None for anything else."""
    match = _PORT.fullmatch(at)
    return (match[1], match[2]) if match else None


def number(value: float | str | bool) -> float | None:
    """A finite number, else None."""
    kind = type(value)  # asked of every reading of a run
    if kind is float:
        return value if math.isfinite(value) else None  # type: ignore[arg-type, return-value]
    return float(value) if kind is int and math.isfinite(value) else None  # type: ignore[arg-type]


@dataclass(slots=True)
class Speed:
    """What was measured at one place: values, the limit to keep, how many broke theirs."""

    values: list[float] = field(default_factory=list)
    limit: float | None = None
    broken: int = 0
    unit: str = ""

    def add(self, measurement: Measurement, value: float) -> None:
        self.values.append(value)
        self.unit = measurement.unit
        if measurement.limit is not None:
            bound = number(measurement.limit.value)
            self.limit = bound if bound is not None else self.limit
            self.broken += not words.holds(measurement)


@dataclass(frozen=True, slots=True)
class Speeds:
    """Bandwidth by (node, adapter) and by (leaf, leaf), the lesser name first."""

    ports: Mapping[tuple[str, str], Speed]
    leaves: Mapping[tuple[str, str], Speed]


def speeds(state: RunState) -> Speeds:
    """The bandwidth of all pairs, seen from their ports and from the leaves that they go over."""
    leaf_of = {(n.name, p.hca): p.leaf for n in state.nodes.values() for p in n.ports}
    ports: dict[tuple[str, str], Speed] = {}
    leaves: dict[tuple[str, str], Speed] = {}
    for outcome in state.outcomes:
        for m in outcome.measurements:
            if m.name != BANDWIDTH or (value := number(m.value)) is None:
                continue
            ends = [key for end in m.at.split(" ~ ") if (key := port_key(end)) is not None]
            for end in ends:
                ports.setdefault(end, Speed()).add(m, value)
            over = sorted((leaf_of.get(end, "") for end in ends), key=natural_key)
            if len(over) == 2 and all(over):
                leaves.setdefault((over[0], over[1]), Speed()).add(m, value)
    return Speeds(ports, leaves)


@dataclass(frozen=True, slots=True)
class Distribution:
    """All values of one measurement of one check; `limits` are (operator, number) pairs, `worst` the broken places."""

    check: str
    name: str
    unit: str
    values: tuple[float, ...]
    limits: tuple[tuple[str, float], ...]
    broken: int
    worst: tuple[str, ...]

    @property
    def middle(self) -> float:
        return median(self.values)


@lru_cache(maxsize=1024)
def _of_all_lanes(name: str) -> str | None:
    """The name without its lane; None for what only tells of others."""
    return None if name.startswith("slowest other") else _LANE.sub("", name)


def distributions(state: RunState, most: int = 24) -> list[Distribution]:
    """The measurements that have a numeric limit and are not all alike: speeds first, then by stage."""
    found: dict[tuple[str, str, str], list[tuple[Measurement, float]]] = {}
    stages: dict[str, Stage] = {}
    for outcome in state.outcomes:
        for m in outcome.measurements:
            if m.limit is None or number(m.limit.value) is None or (value := number(m.value)) is None:
                continue
            if (name := _of_all_lanes(m.name)) is not None:
                found.setdefault((outcome.check, name, m.unit), []).append((m, value))
                stages[outcome.check] = outcome.stage
    made = []
    for (check, name, unit), rows in found.items():
        values = tuple(value for _, value in rows)
        if len(values) < 3 or min(values) == max(values):
            continue
        limits = {(m.limit.op, float(m.limit.value)) for m, _ in rows if m.limit is not None}
        bad = sorted(((v, m.at) for m, v in rows if not words.holds(m)), key=lambda item: item[0])
        worst = tuple(dict.fromkeys(at for _, at in bad))
        made.append(Distribution(check, name, unit, values, tuple(sorted(limits)), len(bad), worst[:3]))
    order = [*_FIRST, *(s for s in STAGES if s not in _FIRST)]
    made.sort(key=lambda d: (not d.broken, order.index(stages[d.check]), d.check, d.name))
    kept = made[:most]
    return sorted(kept, key=lambda d: (order.index(stages[d.check]), d.check, d.name))


@dataclass(frozen=True, slots=True)
class Link:
    """One fabric port of a node: what the plan says, and what was read. Empty text: not known."""

    node: Node
    port: Port
    read: Mapping[str, str]
    best: float | None
    broken: tuple[str, ...]
    defect: str

    @property
    def odd(self) -> bool:
        """Whether there is something to see here: a defect, a broken limit, or the node was not read."""
        return bool(self.defect or self.broken) or not (self.read.get("state") or self.read.get("rate"))

    @property
    def seen_at(self) -> str:
        """The switch port that was read at the far end; empty if none was."""
        switch = " ".join(filter(None, (self.read.get("switch"), self.read.get("switch port"))))
        return self.read.get("seen") or switch


_READ = {
    "state": "state", "phys_state": "phys_state", "rate": "rate", "speed": "rate", "width": "width", "guid": "guid",
    "hardware address": "hardware address", "cable": "seen", "switch": "switch", "switch port": "switch port",
    "link.optic.vendor": "optic vendor", "link.optic.part": "optic", "link.optic.serial": "optic serial",
}  # fmt: skip


def links(state: RunState, measured: Speeds) -> list[Link]:
    """Every planned port, in rack order, with what the run has read there."""
    read: dict[tuple[str, str], dict[str, str]] = {}
    broken: dict[tuple[str, str], dict[str, None]] = {}
    for outcome in state.outcomes:
        passed = outcome.verdict is Verdict.PASS
        for m in outcome.measurements:
            said, kept = _READ.get(m.name), passed or m.limit is None or words.holds(m)
            if (kept and said is None) or (key := port_key(m.at)) is None:
                continue
            if not kept:
                broken.setdefault(key, {})[words.reading(m)] = None
            if said is not None:
                read.setdefault(key, {})[said] = words.value(m)
    defects: dict[tuple[str, str], str] = {}
    for defect in state.defects:
        for path in defect.components or (defect.component,):
            for end in path.split(" ~ "):
                if (key := port_key(end)) is not None:
                    defects.setdefault(key, defect.id)
    rows = []
    for node in in_place(state.nodes.values()):
        for port in node.ports:
            key = (node.name, port.hca)
            speed = measured.ports.get(key)
            best = max(speed.values) if speed else None
            rows.append(
                Link(node, port, read.get(key, {}), best, tuple(broken.get(key, ())), defects.get(key, ""))
            )
    return rows


@dataclass(frozen=True, slots=True)
class Version:
    """One thing that is installed, in one group of nodes (one profile): value -> nodes, the most frequent first."""

    group: str
    name: str
    values: tuple[tuple[str, tuple[str, ...]], ...]


def versions(state: RunState) -> list[Version]:
    """What is installed where: words without a limit of their own, from the checks that read versions."""
    found: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    for outcome in state.outcomes:
        if outcome.check not in _VERSIONS or len(outcome.nodes) != 1:
            continue
        node = state.nodes.get(outcome.nodes[0])
        for m in outcome.measurements:
            told = m.name != "serial" and (
                m.limit is None or outcome.check == _MODELS
            )  # what has a limit of its own is a setting, not a version
            if told and isinstance(m.value, str) and m.value and node is not None:
                group = found.setdefault((node.profile, m.name), {})
                group.setdefault(m.value, {})[node.name] = None
    rows = []
    for (group_name, name), values in found.items():
        ordered = sorted(values.items(), key=lambda item: (-len(item[1]), item[0]))
        rows.append(Version(group_name, name, tuple((value, tuple(nodes)) for value, nodes in ordered)))
    return sorted(rows, key=lambda v: v.group)


def in_place(nodes: Iterable[Node]) -> list[Node]:
    """Nodes in walking order: rack, unit, name; those without a rack last."""
    return sorted(
        nodes, key=lambda n: (not n.rack, natural_key(n.rack), natural_key(n.unit), natural_key(n.name))
    )


def racks(nodes: Iterable[Node]) -> dict[str, list[Node]]:
    """Nodes by rack, each rack from its highest unit down as one stands before it; without a rack under empty text."""
    found: dict[str, list[Node]] = {}
    for node in in_place(nodes):
        found.setdefault(node.rack, []).append(node)
    return {
        rack: members[::-1] if rack and all(n.unit for n in members) else members
        for rack, members in found.items()
    }


def counted(values: Iterable[str], most: int = 6) -> str:
    """`gpu.count (3), link.rate (1)`."""
    ordered = Counter(values).most_common()
    said = ", ".join(f"{name} ({count:,})" for name, count in ordered[:most])
    return said + (f" and {len(ordered) - most} more" if len(ordered) > most else "")
