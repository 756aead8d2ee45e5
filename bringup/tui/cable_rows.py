"""The cables of a run: where the plan says that each ends, where it was seen to end, and what is wrong with it.

Everything comes from the journal: the plan stands in the nodes, the cables as built are measurements of the cabling
checks, and what lies wrong are their findings. Cables in each other's place are one line, as they are one job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bringup.cabling.ends import HostPort
from bringup.cabling.plan import EXTRA, PLAN, SWAP, WRONG
from bringup.cabling.rails import RAIL
from bringup.defects import Defect
from bringup.inventory.names import natural_key
from bringup.inventory.query import Facts, query
from bringup.model import FLEET, Node, Outcome, Port, Stage, Verdict, Weight, port_path
from bringup.report import words
from bringup.tui.defect_rows import measured_words
from bringup.tui.feed import RunView
from bringup.tui.look import SIGNS, TROUBLE, Line, Look, Mark, Tone, wrapped
from bringup.tui.marks import defect_mark
from bringup.tui.table import Column, Row, Rows

NO_LINK = frozenset({"LINK-DOWN", "LINK-INIT", "LINK-DISABLED"})


class Fate(StrEnum):
    """What is known of a cable, worst first."""

    SWAP = "swap"
    WRONG = "wrong"
    NO_LINK = "no link"
    DEGRADED = "degraded"
    EXTRA = "extra"
    PLAN = "plan off"
    UNSEEN = "not seen"
    WAITING = "waiting"
    OK = "ok"


FATES = {fate: k for k, fate in enumerate(Fate)}
MARK_OF: Mapping[Fate, Mark] = {
    Fate.SWAP: Mark.DEFECT,
    Fate.WRONG: Mark.DEFECT,
    Fate.NO_LINK: Mark.DEFECT,
    Fate.DEGRADED: Mark.DEFECT,
    Fate.EXTRA: Mark.CONFIG,
    Fate.PLAN: Mark.CONFIG,
    Fate.UNSEEN: Mark.UNKNOWN,
    Fate.WAITING: Mark.WAITING,
    Fate.OK: Mark.PASS,
}
_OF_CODE = {SWAP: Fate.SWAP, WRONG: Fate.WRONG, RAIL: Fate.WRONG, EXTRA: Fate.EXTRA}

CABLE_COLUMNS = (
    Column("", 1),
    Column("state", 8),
    Column("where", 8),
    Column("port", 18),
    Column("planned", 17),
    Column("label", 14, from_width=100),
    Column("seen", 17),
)


@dataclass(frozen=True, slots=True)
class Cable:
    """One cable, or several in each other's place. `seen` is where each of `ports` was found, empty if nowhere."""

    ports: tuple[HostPort, ...]
    seen: tuple[str, ...]
    fate: Fate
    said: str = ""
    defect: Defect | None = None

    @property
    def key(self) -> str:
        return " ~ ".join(port.at for port in self.ports)

    @property
    def mark(self) -> Mark:
        return defect_mark(self.defect) if self.fate is Fate.DEGRADED and self.defect else MARK_OF[self.fate]


@dataclass(frozen=True, slots=True)
class Cables:
    """All cables: those of which something is to be told, and the ports of all others in walking order."""

    odd: tuple[Cable, ...] = ()
    plain: Sequence[str] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, Node] = field(default_factory=dict)
    rest: Fate = Fate.WAITING

    def other(self, at: str) -> Cable:
        """The cable at a port of which nothing is to be told."""
        return Cable((_port(self.nodes, at),), (self.seen.get(at, ""),), self.rest)

    @property
    def total(self) -> int:
        return len(self.plain) + sum(len(cable.ports) for cable in self.odd)


def told(view: RunView) -> tuple[Outcome, ...]:
    """What the checks of the whole fleet said about cables."""
    found = (
        o.get(FLEET)
        for check, o in view.by_check.items()
        if view.state.case_stage.get(check) is Stage.CABLING
    )
    return tuple(o for o in found if o is not None)


def survey(view: RunView) -> Cables:
    """What the run knows of its cables."""
    nodes, seen, outcomes = view.state.nodes, view.ends, told(view)
    judged = any(o.verdict in (Verdict.PASS, Verdict.FAIL, Verdict.ERROR) for o in outcomes)
    odd = {at: cable for cable in _found(view, outcomes) for at in cable.key.split(" ~ ")}
    planned = dict(port for node in view.walk() for port in view.planned_ports[node.name])
    for defect in view.state.defects:
        for at in defect.components or (defect.component,):
            if planned.get(at) and at not in odd:
                fate = Fate.NO_LINK if defect.code in NO_LINK else Fate.DEGRADED
                odd[at] = Cable(
                    (_port(nodes, at),), (seen.get(at, ""),), fate, measured_words(defect), defect
                )
    ports = [at for at, leaf in planned.items() if leaf or at in seen]
    if not seen.keys() <= planned.keys():
        ports += [at for at in seen if at not in planned and at.partition("/")[0] in nodes]
    if any(f.code == PLAN and f.weight is Weight.FAIL for o in outcomes for f in o.findings):
        for at in ports:
            if planned.get(at) and at in seen and at not in odd and seen[at] != _port(nodes, at).planned:
                said = "the plan and the cables differ alike"
                odd[at] = Cable((_port(nodes, at),), (seen[at],), Fate.PLAN, said)
    if judged and not planned.keys() <= seen.keys():
        odd |= {
            at: Cable((_port(nodes, at),), ("",), Fate.UNSEEN)
            for at in ports
            if at not in seen and at not in odd
        }
    rest = Fate.OK if judged else Fate.UNSEEN if view.over else Fate.WAITING
    plain = [at for at in ports if at not in odd]
    return Cables(tuple(dict.fromkeys(odd.values())), plain, seen, nodes, rest)


def _found(view: RunView, outcomes: Iterable[Outcome]) -> Iterator[Cable]:
    """The cables that the findings of the cabling checks are about."""
    for outcome in outcomes:
        for finding in outcome.findings:
            fate = _OF_CODE.get(finding.code)
            paths = [
                at
                for at in finding.at.split(" ~ ")
                if at.partition("/")[0] in view.state.nodes and "/hca/" in at
            ]
            if fate is None or finding.weight is not Weight.FAIL or not paths:
                continue
            yield Cable(
                tuple(_port(view.state.nodes, at) for at in paths),
                tuple(view.ends.get(at, "") for at in paths),
                fate,
                finding.message,
                _defect_at(view, finding.code, paths[0]),
            )


def _port(nodes: Mapping[str, Node], at: str) -> HostPort:
    """The port at a component path of a known node; one that the plan does not name has no leaf."""
    name, _, rest = at.partition("/hca/")
    node, hca = nodes[name], rest.partition("/")[0]
    return HostPort(node, next((p for p in node.ports if p.hca == hca), Port(-1, hca)))


def _defect_at(view: RunView, code: str, at: str) -> Defect | None:
    node = at.partition("/")[0]
    return next(
        (d for d in view.defects_of.get(node, []) if d.code == code and at in (*d.components, d.component)),
        None,
    )


# ------------------------------------------------------------------------------------------------ rows

ORDERS = ("walking order", "by leaf")


def cable_rows(
    cables: Cables, look: Look, written: str = "", order: str = ORDERS[0], *, trouble_only: bool = False
) -> tuple[Rows, Callable[[int], Cable]]:
    """The rows, what is to be told first, and what gives the cable of a row."""
    test = query(written) if written.strip() else None
    odd = [c for c in cables.odd if not trouble_only or c.mark in TROUBLE]
    odd = [c for c in odd if test is None or test(facts(c))]
    key = _by_leaf if order == "by leaf" else _walk
    odd.sort(key=lambda c: (c.fate is Fate.UNSEEN, *key(c.ports[0])))
    plain: Sequence[str] = ()
    if not trouble_only:
        plain = cables.plain if test is None else [at for at in cables.plain if test(facts(cables.other(at)))]
        if order == "by leaf":
            plain = _sorted_by_leaf(cables, plain)

    def cable(index: int) -> Cable:
        return odd[index] if index < len(odd) else cables.other(plain[index - len(odd)])

    return Rows([c.key for c in odd] + list(plain), lambda k: _row(cable(k), look)), cable


def _walk(port: HostPort) -> tuple[object, ...]:
    node = port.node
    return (
        not node.rack, natural_key(node.rack), natural_key(node.unit), natural_key(node.name), natural_key(port.port.hca),
    )  # fmt: skip


def _by_leaf(port: HostPort) -> tuple[object, ...]:
    return (not port.port.leaf, natural_key(port.port.leaf), natural_key(port.port.leaf_port), *_walk(port))


def _sorted_by_leaf(cables: Cables, plain: Sequence[str]) -> list[str]:
    """By leaf and port. Names are ranked once each: there are far fewer leaves than cables."""
    ports = {port_path(n.name, p.hca): (p.leaf, p.leaf_port) for n in cables.nodes.values() for p in n.ports}
    ends = [ports.get(at, ("", "")) for at in plain]
    leaf_rank = {
        name: k for k, name in enumerate(sorted({e[0] for e in ends}, key=lambda n: (not n, natural_key(n))))
    }
    port_rank = {name: k for k, name in enumerate(sorted({e[1] for e in ends}, key=natural_key))}
    ranks = [(leaf_rank[leaf], port_rank[port], k) for k, (leaf, port) in enumerate(ends)]
    return [plain[k] for _, _, k in sorted(ranks)]


def facts(cable: Cable) -> Facts:
    """What a filter may ask about a cable."""
    ports = cable.ports
    leaves = [p.port.leaf for p in ports] + [seen.partition(" port ")[0] for seen in cable.seen if seen]
    labels = [p.port.cable for p in ports if p.port.cable]
    return Facts(
        names=[p.node.name for p in ports],
        fields={
            "rack": [p.node.rack for p in ports],
            "leaf": leaves,
            "label": labels,
            "port": [p.port.hca for p in ports],
            "code": (cable.defect.code,) if cable.defect else (),
            "state": (cable.fate.value.replace(" ", "-"),),
        },
        text=" ".join(
            (cable.fate.value, *(f"{p.node.name} {p.port.hca} {p.node.place} {p.planned}" for p in ports),
             *cable.seen, *labels, cable.defect.id if cable.defect else "")
        ),
    )  # fmt: skip


def ends_words(cable: Cable) -> str:
    """`gpu-005 mlx5_3`, or `gpu-005 mlx5_3 <-> mlx5_5`."""
    said = ""
    for k, port in enumerate(cable.ports):
        same = k > 0 and port.node.name == cable.ports[k - 1].node.name
        said += (" <-> " if k else "") + (port.port.hca if same else str(port))
    return said


def _row(cable: Cable, look: Look) -> Row:
    port = cable.ports[0]
    tone = SIGNS[cable.mark].tone
    head = (
        look.sign(cable.mark),
        (cable.fate.value, tone if cable.mark in TROUBLE else Tone.DIM),
        (look.text(port.node.place, 40), Tone.PLAIN),
    )
    if len(cable.ports) > 1:
        places = ", ".join(seen or "nowhere" for seen in cable.seen[:4])
        return Row(cable.key, (*head, (look.text(f"{ends_words(cable)}, seen at {places}"), Tone.PLAIN)))
    seen = cable.seen[0]
    if not seen:
        seen = cable.said if cable.fate is Fate.NO_LINK else "-"
    elif cable.fate is Fate.DEGRADED:
        seen = cable.said
    return Row(
        cable.key,
        (
            *head,
            (look.text(str(port), 60), Tone.PLAIN),
            (look.text(port.planned if port.port.leaf else "(not in the plan)", 60), Tone.PLAIN),
            (look.text(port.port.cable, 60), Tone.DIM),
            (look.text(seen, 80), tone if cable.mark in TROUBLE else Tone.DIM),
        ),
    )


def cable_lines(cable: Cable, look: Look, width: int) -> list[Line]:
    """A cable below the list: both ends, its label, and what is to be done."""
    lines: list[Line] = []
    for k, port in enumerate(cable.ports[:2]):
        far = port.planned if port.port.leaf else "nowhere by the plan"
        label = f"{look.dot}cable {port.port.cable}" if port.port.cable else ""
        seen = f"{look.dot}seen at {cable.seen[k]}" if cable.seen[k] else f"{look.dot}not seen"
        said = look.text(f"{port.node.place} {port} to {far}{label}{seen}".strip())
        lines.append(((look.fit(f" {said}", width - 1).rstrip(), Tone.BOLD),))
    if cable.defect is not None:
        said = f"{cable.defect.id} {cable.defect.code}: {cable.defect.action}"
    else:
        said = cable.said.partition("\n")[2] or cable.said
    if said:
        parts = wrapped(look.text(said, 600), width - 5)
        lines += [((f"   {part}", Tone.PLAIN),) for part in parts[:3]]
    return lines


def counted(cables: Cables) -> str:
    """`120 ok, 2 swap, 1 wrong`: how many cables there are of each kind, what is wrong first."""
    numbers = dict.fromkeys(Fate, 0)
    for cable in cables.odd:
        numbers[cable.fate] += len(cable.ports)
    numbers[cables.rest] += len(cables.plain)
    said = [f"{number:,} {fate.value}" for fate, number in numbers.items() if number]
    return ", ".join(said) or words.plural(0, "cable")
