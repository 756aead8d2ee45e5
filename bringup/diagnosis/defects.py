"""Puts the pieces together: outcomes -> symptoms -> localised -> explained -> grouped -> defects with words and places."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from bringup.defects import WHO, Defect, Fault, Symptom, Who
from bringup.diagnosis.confirm import lanes
from bringup.diagnosis.confirmed import Confirmed
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.faults import GENERAL
from bringup.diagnosis.gather import gather, of_gathered
from bringup.diagnosis.jobs import to_culprits
from bringup.diagnosis.leaves import seen_above, to_leaves
from bringup.diagnosis.localise import localise
from bringup.diagnosis.naming import short, some
from bringup.diagnosis.screening import screened
from bringup.diagnosis.suppress import explained
from bringup.diagnosis.symptoms import Sign, all_signs
from bringup.model import FLEET, STAGES, Node, Outcome, Port, Stage

FLEET_SHARE = 0.5
"""Above this share of the fleet one finding has one cause (defects.md S03 names a share X; a half is our choice)."""
FLEET_LEAST = 4
MOST_RULED_OUT = 6
"""So many sentences a defect tells about what it is not."""
MOST_SAID = 160
"""Characters of a finding that a defect repeats; the whole text is in the outcome."""


def defect_id(code: str, component: str) -> str:
    """The stable name of a defect: the same code at the same component in every run."""
    return "D-" + hashlib.sha256(f"{code}\0{component}".encode()).hexdigest()[:6].upper()


def diagnose(
    outcomes: Iterable[Outcome], declared: Mapping[str, tuple[Fault, ...]], nodes: Mapping[str, Node]
) -> list[Defect]:
    """The defects that these outcomes show, in working order (who acts, then place). `declared`: faults by check id."""
    outcomes = list(outcomes)
    faults = _Faults(declared)
    confirmed = _confirmed(outcomes, declared, nodes)
    seen = all_signs(outcomes, declared)
    told = [o for o in outcomes if (o.check, o.target) not in confirmed.void]
    speak = [s for s in seen if (s.check, s.target) not in confirmed.void]
    evidence = Evidence.of(told, speak, nodes, _defaults(declared))
    seen = confirmed.undecided(seen)
    signs = confirmed.undecided(localise(to_culprits(seen, outcomes, nodes), evidence))
    causes = explained(signs, faults.explaining, evidence.leaf)
    signs = to_leaves(gather(signs, causes, evidence, nodes), causes, nodes)
    signs = confirmed.told(signs, evidence.leaf)
    causes = of_gathered(signs, seen_above(signs, causes, evidence.leaf), faults.explaining)
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for index, sign in enumerate(signs):
        if index not in causes:
            groups[sign.code, sign.at].append(index)
    followers: dict[int, list[int]] = defaultdict(list)
    for index, root in causes.items():
        followers[root].append(index)
    found = [
        _defect(code, at, [signs[i] for i in members],
                [signs[f] for i in members for f in followers.get(i, [])], faults, nodes)
        for (code, at), members in groups.items()
    ]  # fmt: skip
    return sorted(_fold(found, nodes), key=lambda d: _order(d, nodes))


def to_confirm(
    outcomes: Iterable[Outcome],
    declared: Mapping[str, tuple[Fault, ...]],
    nodes: Mapping[str, Node],
    stage: Stage,
    *,
    further: int = 0,
) -> Evidence:
    """What the tests of pairs of this stage say, without what known causes explain: before anything is confirmed, or
    with what the first rounds of the confirm step said (`further` of them) and their controls did not void."""
    signs_of = partial(_signs_of, declared)
    outcomes = list(outcomes)
    if further:
        void = _confirmed(outcomes, declared, nodes).void
        outcomes = [o for o in outcomes if (o.check, o.target) not in void]
    return screened(
        outcomes, signs_of, nodes, _defaults(declared), _Faults(declared).explaining, stage, further=further
    )


def _confirmed(
    outcomes: Sequence[Outcome], declared: Mapping[str, tuple[Fault, ...]], nodes: Mapping[str, Node]
) -> Confirmed:
    return Confirmed.of(outcomes, partial(to_confirm, outcomes, declared, nodes), lanes(nodes))


def _signs_of(declared: Mapping[str, tuple[Fault, ...]], outcomes: Iterable[Outcome]) -> list[Sign]:
    return all_signs(outcomes, declared)


def _defaults(declared: Mapping[str, tuple[Fault, ...]]) -> dict[str, str]:
    """The code of each check for measurements without one."""
    return {check: mine[0].code for check, mine in declared.items() if mine}


class _Faults:
    """Finds what a code means: what the check that reports it says, else any other check, else what is said here."""

    def __init__(self, declared: Mapping[str, tuple[Fault, ...]]) -> None:
        self._own = {(check, f.code): f for check, mine in declared.items() for f in mine}
        self._any = {f.code: f for check in sorted(declared, reverse=True) for f in declared[check]}

    def of(self, check: str, code: str) -> Fault:
        own = self._own.get((check, code)) or self._any.get(code) or GENERAL.get(code)
        return own or GENERAL["NOT-JUDGED"]

    def explaining(self, sign: Sign) -> tuple[str, ...]:
        """The codes that explain a sign, the best first."""
        return self.of(sign.check, sign.first_code).explained_by


def _order(defect: Defect, nodes: Mapping[str, Node]) -> tuple[object, ...]:
    node = nodes.get(defect.nodes[0]) if defect.nodes else None
    place = (node.rack, node.unit.zfill(4)) if node else ("", "")
    return (
        WHO.index(defect.who),
        *place,
        defect.nodes,
        STAGES.index(defect.stage),
        defect.code,
        defect.component,
    )


def _defect(
    code: str,
    at: tuple[str, ...],
    members: Sequence[Sign],
    follow: Sequence[Sign],
    faults: _Faults,
    nodes: Mapping[str, Node],
) -> Defect:
    worst = min(members, key=lambda s: (s.value is None, s.value if s.value is not None else 0.0))
    fault = faults.of(min(members, key=lambda s: STAGES.index(s.stage)).check, code)
    component = " ~ ".join(at)
    names = tuple(dict.fromkeys(p.split("/")[0] for p in at))
    owner = nodes.get(names[0])
    inside = dict.fromkeys(p.split("/")[0] for s in members for p in s.first_at)
    hit = tuple(name for name in inside if name in nodes) or _on_switch(names[0], nodes)
    hit = hit or tuple(dict.fromkeys(n for s in members for n in s.nodes))
    port = planned_port(at[0], owner)
    who = Who.COULD_NOT_JUDGE if all(s.unjudged for s in members) else fault.who
    fill = {
        "at": short(at), "node": names[0], "place": owner.place if owner else "",
        "cable": port.cable if port and port.cable else "the cable", "leaf": port.leaf if port and port.leaf else names[0],
        "leaf_port": port.leaf_port if port else "",
        "todo": next((s.measured.partition("\n")[2] for s in members if "\n" in s.measured), ""),
    }  # fmt: skip
    return Defect(
        id=defect_id(code, component),
        code=code,
        who=who,
        severity=fault.severity,
        component=component,
        nodes=names if owner else hit,
        title=_filled(fault.title, fill),
        action=_filled(fault.action, fill),
        place=owner.place if owner else "",
        far_end=f"{port.leaf} port {port.leaf_port}" if port and port.leaf else "",
        cable=port.cable if port else "",
        expected=worst.expected,
        measured=worst.measured if worst.value is not None else _said(members),
        stage=min((s.stage for s in members), key=STAGES.index),
        explains=tuple(Symptom(s.check, s.target, s.code, s.component, s.text) for s in (*members, *follow)),
        components=at,
        ruled_out=tuple(dict.fromkeys(said for s in members for said in s.ruled_out))[:MOST_RULED_OUT],
    )


def _on_switch(name: str, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """The nodes with a planned cable to this switch."""
    return tuple(node.name for node in nodes.values() if any(port.leaf == name for port in node.ports))


def _said(members: Sequence[Sign]) -> str:
    """What was seen, in the words of the first finding; the others are among the explained results."""
    said = next((s.measured for s in members if s.measured), "").split("\n")[0]
    return said if len(said) <= MOST_SAID else said[: MOST_SAID - 2].rstrip() + " …"


def planned_port(path: str, node: Node | None) -> Port | None:
    """The planned port that a component path lies on, if it is one."""
    parts = path.split("/")
    if node is None or len(parts) < 3 or parts[1] != "hca":
        return None
    return next((p for p in node.ports if p.hca == parts[2]), None)


def _filled(template: str, fill: Mapping[str, str]) -> str:
    """The template with its places filled; an unknown name stays as it is written. Of what is empty no word is left:
    neither `at {place}` of a node without a rack nor the brackets around it."""
    text = template
    for name, value in fill.items():
        text = text.replace("{" + name + "}", value) if value else _without(text, name)
    return " ".join(text.split())


def _without(text: str, name: str) -> str:
    """The text without the place and the word that leads to it."""
    text = re.sub(r"\s*(?:\b(?:at|in|on|of) )?\{" + name + r"\}", "", text)
    return re.sub(r"\s*\(\s*\)", "", re.sub(r"[;,]\s*\)", ")", text))


def _fold(defects: list[Defect], nodes: Mapping[str, Node]) -> list[Defect]:
    """Findings that most nodes share become one, and equal configuration findings of several nodes become one."""
    alike: dict[tuple[str, Who], list[Defect]] = defaultdict(list)
    for defect in defects:
        alike[defect.code, defect.who].append(defect)
    folded: list[Defect] = []
    for (code, who), mine in alike.items():
        names = {n for d in mine for n in d.nodes}
        many = min(len(names), len(mine))
        if many >= FLEET_LEAST and many > FLEET_SHARE * len(nodes) and who is not Who.COULD_NOT_JUDGE:
            folded.append(_one(mine, f"{FLEET}/{code}", GENERAL["FLEET-WIDE"]))
        elif who in (Who.CONFIGURATION, Who.SOFTWARE, Who.PLAN, Who.COULD_NOT_JUDGE):
            same: dict[tuple[str, str], list[Defect]] = defaultdict(list)
            for d in mine:
                same[_without_name(d.measured, d), d.expected].append(d)
            folded += [_one(ds, " ".join(c for d in ds for c in d.components), None) for ds in same.values()]
        else:
            folded += mine
    return folded


def _without_name(text: str, defect: Defect) -> str:
    for name in defect.nodes:
        text = text.replace(name, "{node}")
    return text


def _one(defects: list[Defect], component: str, fault: Fault | None) -> Defect:
    """Several defects as one; a single one stays as it is."""
    if len(defects) == 1 and fault is None:
        return defects[0]
    first = defects[0]
    names = tuple(dict.fromkeys(n for d in defects for n in d.nodes))
    components = tuple(c for d in defects for c in d.components)

    instead = {name: some(names) for name in names[:1]} | {short(first.components): some(components)}

    return Defect(
        id=defect_id(first.code, component),
        code=first.code,
        who=first.who if fault is None else fault.who,
        severity=first.severity,
        component=component if fault else first.component,
        nodes=names,
        title=_instead(first.title, instead) if fault is None else f"{fault.title}: {first.code}",
        action=_instead(first.action, instead) if fault is None else fault.action,
        place=first.place if len(names) == 1 else "",
        expected=first.expected,
        measured=first.measured,
        stage=first.stage,
        explains=tuple(s for d in defects for s in d.explains),
        components=components,
        ruled_out=() if len(names) > 1 else first.ruled_out,
    )


def _instead(text: str, several: Mapping[str, str]) -> str:
    """The text with each name replaced where it stands by itself, not as a part of another one."""
    names = "|".join(re.escape(name) for name in sorted(several, key=len, reverse=True) if name)
    return re.sub(rf"(?<![\w.-])(?:{names})(?![\w-]|\.\w)", lambda m: several[m[0]], text) if names else text
